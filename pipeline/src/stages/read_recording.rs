//! From a recording to a meeting: first what its name and the invitation tell, then what is said in it.

use std::ops::ControlFlow;
use std::path::Path;

use datasets::formats::MeetingRead;
use datasets::library::Library;
use datasets::{Meeting, MeetingId, Source, Transcript};

use super::read_transcript::{KnownFacts, complete, complete_recording};
use super::transcribe::{Transcriber, TranscriptionJob, journal_path, sha256_of, vocabulary_of};

/// The meeting in the recording at `path` before a word of it is heard; its id is still to be given by
/// [`assign_id`](super::keep_meeting::assign_id).
///
/// # Errors
/// When the file cannot be read.
pub fn unheard_meeting(path: &Path, facts: &KnownFacts) -> anyhow::Result<MeetingRead> {
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let mut meeting = Meeting::new(MeetingId::from_title(&stem), stem);
    meeting.source = Some(Source {
        file_name: name_of(path),
        sha256: sha256_of(path)?,
    });
    let mut read = MeetingRead {
        meeting,
        transcript: Transcript::default(),
    };
    complete(&mut read, facts, true, &name_of(path));
    Ok(read)
}

/// Transcribes the recording at `path` into `read`, unless `library` holds the transcript that would come of it.
/// `on_progress` hears how many milliseconds are done, and of how many, and says whether to go on.
///
/// # Errors
/// When nothing can be decoded from the file, the engine fails, or `on_progress` stopped it.
pub fn hear(
    read: &mut MeetingRead,
    path: &Path,
    facts: &KnownFacts,
    library: &Library,
    transcriber: &mut Transcriber,
    on_progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> anyhow::Result<()> {
    let vocabulary = vocabulary_of(&read.meeting);
    let sha256 = read.meeting.source.as_ref().map_or("", |source| &source.sha256);
    let provenance = transcriber.provenance(sha256, &vocabulary);
    let held = if library.contains(&read.meeting.id)? {
        library.transcript(&read.meeting.id)?
    } else {
        None
    };
    read.transcript = match held.filter(|held| held.provenance == provenance) {
        Some(held) => held,
        None => {
            let job = TranscriptionJob {
                path: std::path::absolute(path)?,
                journal: journal_path(library, &provenance)?,
                provenance,
                vocabulary,
            };
            transcriber.transcribe(&job, on_progress)?
        }
    };
    complete_recording(read, facts, &name_of(path));
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
