//! The greffier program: joins `datasets`, `models`, `minuting` and `index`, and is the only crate that knows the
//! command line and the network.
//!
//! ```text
//! FILE ─ read_transcript ─► Meeting + Transcript ─ make_minutes ─► Minutes ─┐
//!                                   │                                      ▼
//!                                   └─────────── embed_passages ────► index_meeting
//! ```
//! Each arrow is a file in [`stages`]; each command is a file in [`cli`]; [`session`] is what a command has open; [`live`]
//! is a meeting while it is held; [`service`] is what a server has open, behind the HTTP interface in [`api`].

pub mod api;
pub mod cli;
pub mod day_or_time;
pub mod download;
mod engine_threads;
pub mod live;
pub mod local_model;
pub mod minutes_engine;
pub mod phrases;
pub mod remote_model;
pub mod service;
pub mod session;
pub mod settings;
pub mod speech_models;
pub mod stages;
pub mod traces;
