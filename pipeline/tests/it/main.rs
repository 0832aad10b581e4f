//! Whole-program tests of greffier: the built binary on real files, and downloads against a server that misbehaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic, in helpers too")]
#![expect(clippy::print_stdout, reason = "tests say what they skip")]

mod access;
mod configuration;
mod corpus_of_recordings;
mod downloads;
mod evaluations;
mod every_file_is_run;
mod identity;
mod killed_corpus;
mod killed_live;
mod killed_live_server;
mod live;
mod live_client;
mod live_server;
mod live_workbench;
mod local_minutes;
mod made_world;
mod mcp;
mod operations;
mod recordings;
mod remote_minutes;
mod sample_meetings;
mod second_attempts;
mod served_recordings;
mod server;
mod serving;
mod soak;
mod speech_models;
mod traces;
mod workbench;
