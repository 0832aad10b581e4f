//! Tests of the audio front end on files of every kind, whole, cut and damaged, and of the spool under `kill -9`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic, in helpers too")]
#![expect(clippy::print_stdout, reason = "tests print their tables and what they skip")]

mod clips;
mod containers;
mod damage;
mod eight_hours;
mod every_file_is_run;
mod lanes;
mod spool;
mod workbench;
