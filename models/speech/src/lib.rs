//! Samples in, words with times out: where speech is, what was said, who spoke, in one go or live. Knows no meeting.
//!
//! Everything here takes 16 kHz mono samples of one lane (a track, a channel, or the mix) and gives plain records. Samples
//! are pushed in pieces; none is kept longer than it is needed.
//!
//! ```text
//! samples ─► voice_activity ─► transcription ─► LaneTranscript       streaming ─► LiveEvent
//!                 │                │                                     │
//!                 │            recognizer (whisper) ─► guards ───────────┘
//!                 └──────────► diarization ─► SpeakerTurn
//! ```
//!
//! Nothing is downloaded: a Whisper model is a file that [`model_file`] looks at and [`whisper`] loads; the detector and the
//! diarization have embedded defaults and better ones where their files are installed.

pub mod card;
pub mod diarization;
pub mod domain;
pub mod guards;
pub mod model_file;
mod random;
pub mod recognizer;
pub mod sound;
pub mod streaming;
pub mod transcript;
pub mod transcription;
pub mod voice_activity;
pub mod whisper;
