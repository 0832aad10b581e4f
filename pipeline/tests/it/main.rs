//! Whole-program tests of greffier: the built binary on real files, and downloads against a server that misbehaves.

mod downloads;
mod every_file_is_run;
mod killed_corpus;
mod sample_meetings;
mod workbench;
