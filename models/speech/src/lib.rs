//! Samples in, words with times out: where speech is, what was said, who spoke, in one go or live. Knows no meeting.
//!
//! Everything here takes 16 kHz mono samples of one lane (a track, a channel, or the mix) and gives plain records.

pub mod diarization;
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
