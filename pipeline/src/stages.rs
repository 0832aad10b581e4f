//! The steps from a file to an indexed meeting. Each is a function of its inputs: what was cut short is done again.

pub mod correct_meeting;
pub mod detect_speech;
pub mod diarize;
pub mod export_meeting;
pub mod index_meeting;
pub mod json_lines_journal;
pub mod keep_meeting;
pub mod list_actions;
pub mod make_minutes;
pub mod read_context;
pub mod read_recording;
pub mod read_transcript;
pub mod recognize_language;
pub mod render_template;
pub mod transcribe;
pub mod write_minutes;
pub mod write_tables;
