//! Puts a completed live meeting into the library, as `run` does with a recording, and takes its folder away.

use datasets::library::LibraryWriter;

use super::completion::Completed;
use super::folder::LiveFolder;
use crate::session::{IndexProgress, WritingSession, is_locked};
use crate::settings::Settings;
use crate::stages::keep_meeting::{KeptMeeting, SourceFile, keep_meeting};

/// Keeps the meeting with its minutes and indexes it. While another process writes to the library it waits; `on_wait`
/// hears so once.
///
/// # Errors
/// When the library cannot be written to; it can be done again.
pub fn keep_live_meeting(
    folder: LiveFolder,
    completed: Completed,
    settings: &Settings,
    report: &mut dyn FnMut(IndexProgress),
    on_wait: &mut dyn FnMut(),
) -> anyhow::Result<KeptMeeting> {
    let mut session = open_when_free(settings, report, on_wait)?;
    let kept = keep_completed(&session.library, &folder, completed)?;
    session.index_meeting(&kept.meeting.id)?;
    for item in &folder.order().context {
        session.put_context_item(item)?;
    }
    session.commit()?;
    folder.remove()?;
    Ok(kept)
}

/// Writes a completed meeting to the library: recordings, transcript, minutes, and last its record.
///
/// # Errors
/// When the library cannot be written to.
pub fn keep_completed(
    library: &LibraryWriter,
    folder: &LiveFolder,
    completed: Completed,
) -> anyhow::Result<KeptMeeting> {
    let id = completed.read.meeting.id.clone();
    let (first, others) = completed
        .recordings
        .split_first()
        .expect("there is a recording for each lane");
    for path in others {
        library.put_source_file(&id, path)?;
    }
    let source = Some(SourceFile::Path(first));
    keep_meeting(library, completed.read, source, &folder.order().minutes())
}

fn open_when_free(
    settings: &Settings,
    report: &mut dyn FnMut(IndexProgress),
    on_wait: &mut dyn FnMut(),
) -> anyhow::Result<WritingSession> {
    let mut waits = false;
    loop {
        match WritingSession::open(settings, report) {
            Err(error) if is_locked(&error) => {
                if !waits {
                    on_wait();
                }
                waits = true;
                LibraryWriter::wait_until_free(&settings.library_folder()?)?;
            }
            other => return other,
        }
    }
}
