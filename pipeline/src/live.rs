//! A meeting while it is held. Sound is on the disk before anything else is done with it, and is recognized from there:
//! no engine, however slow, and no crash loses what was said.
//!
//! ```text
//!  microphone, pipe, file, network ─ source ─► recording ─► lanes on disk
//!                                                                │ as they grow
//!                                                                ▼
//!                                         following: a thread for each recognizer
//!                                                                │ LiveEvent
//!                                                                ▼
//!                    journal: what stands   ◄─ listening ─►   LiveMessage: captions, JSON lines
//!
//!  its end, or `greffier recover` after a crash:
//!  lanes and journal ─ completion ─► a pass over what is missing ─► transcript ─► minutes, library, index
//! ```
//!
//! A meeting that ends and one that is recovered take the same way from what is on disk.

mod completion;
mod engine;
mod folder;
mod following;
mod journal;
mod keeping;
mod known_speech;
mod lag;
mod listening;
mod message;
mod progress;
mod recording;
mod source;
mod stop;
mod utterance_ids;

pub use self::completion::{Completed, complete_meeting};
pub use self::engine::{LiveEngine, LiveModel};
pub use self::folder::{ExpectedPerson, LiveFolder, Order, Unfinished, local_time, unfinished};
pub use self::keeping::{keep_completed, keep_live_meeting};
pub use self::lag::LagHistogram;
pub use self::listening::{Audience, Listened, listen};
pub use self::message::{At, LiveMessage, SCHEMA_VERSION, WordTime};
pub use self::source::{Closed, Coding, Pace, PcmFormat, Source, TrackFrame, TrackInput, TrackSender};
pub use self::stop::Stop;
