//! Keeps a meeting that was read: source, transcript, minutes, and last the record that makes it exist. Doing it again
//! with the same file changes nothing; a new version of the file keeps the anchors of the old one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use datasets::formats::MeetingRead;
use datasets::library::{Library, LibraryWriter};
use datasets::{Meeting, MeetingId, Minutes, Source, Transcript, anchors};
use minuting::engine::MinutesOptions;

use super::make_minutes::{are_current, make_minutes};

/// A meeting as it now stands in the library.
pub struct KeptMeeting {
    /// Its record.
    pub meeting: Meeting,
    /// What was said.
    pub transcript: Transcript,
    /// The minutes of it.
    pub minutes: Minutes,
    /// Whether anything was written: `false` when the library held all of it already.
    pub changed: bool,
}

/// Where a meeting came from.
#[derive(Clone, Copy, Debug)]
pub enum SourceFile<'a> {
    /// The content of a file that was read as a whole.
    Bytes(&'a [u8]),
    /// A file of any length.
    Path(&'a Path),
}

/// Keeps `read`, whose id was given by [`assign_id`], and its minutes. `source` is the file, where it holds this one meeting.
pub fn keep_meeting(
    library: &LibraryWriter,
    mut read: MeetingRead,
    source: Option<SourceFile<'_>>,
    options: &MinutesOptions,
) -> anyhow::Result<KeptMeeting> {
    let id = read.meeting.id.clone();
    let reader = library.library();
    let known = reader.contains(&id)?;
    let mut changed = !known;
    if known {
        keep_decisions(&reader.meeting(&id)?, &mut read.meeting);
    }

    let held = if known { reader.transcript(&id)? } else { None };
    let same_text = held
        .as_ref()
        .is_some_and(|held| held.provenance == read.transcript.provenance);
    let transcript = match held {
        Some(held) if same_text => held,
        held => {
            if let Some(held) = &held {
                anchors::carry(held, &mut read.transcript);
            }
            match (source, &read.meeting.source) {
                (Some(SourceFile::Bytes(bytes)), Some(source)) => library.put_source(&id, &source.file_name, bytes)?,
                (Some(SourceFile::Path(path)), _) => library.put_source_file(&id, path)?,
                (_, _) => {}
            }
            library.put_transcript(&id, &read.transcript)?;
            changed = true;
            read.transcript
        }
    };
    let minutes = match reader.minutes(&id)? {
        Some(minutes) if are_current(&minutes, &transcript, options)? => minutes,
        _ => {
            let minutes = make_minutes(&read.meeting, &transcript, options)
                .with_context(|| format!("making the minutes of `{id}`"))?;
            changed = true;
            library.put_minutes(&id, &minutes)?
        }
    };
    let meeting = if known && reader.meeting(&id)? == read.meeting {
        read.meeting
    } else {
        library.put_meeting(&read.meeting)?;
        changed = true;
        read.meeting
    };
    Ok(KeptMeeting {
        meeting,
        transcript,
        minutes,
        changed,
    })
}

/// What people decided about the meeting outlives its file: who may see it, who speaks under a label that names nobody by
/// itself, and what the file does not tell this time.
fn keep_decisions(held: &Meeting, meeting: &mut Meeting) {
    meeting.access = held.access.clone();
    // The same file under another name: it is kept under the first.
    let same_file = |source: &Source| held.source.as_ref().is_some_and(|held| held.sha256 == source.sha256);
    if meeting.source.as_ref().is_some_and(same_file) {
        meeting.source.clone_from(&held.source);
    }
    meeting.series = meeting.series.take().or_else(|| held.series.clone());
    meeting.started_at = meeting.started_at.or(held.started_at);
    meeting.agenda = meeting.agenda.take().or_else(|| held.agenda.clone());
    for participant in &mut meeting.participants {
        let Some(label) = &participant.speaker else { continue };
        let is_unnamed = participant.name == label.as_str();
        match held.participant_speaking_as(label) {
            Some(known) if is_unnamed && known.name != label.as_str() => *participant = known.clone(),
            _ => {}
        }
    }
}

/// Gives `read` the id it has in the library: that of the meeting of the same file, else one that is neither in the
/// library nor in `taken`, the ids given in this run.
pub fn assign_id(library: &Library, read: &mut MeetingRead, taken: &mut BTreeSet<MeetingId>) -> anyhow::Result<()> {
    let file = read.meeting.source.as_ref().map(|source| source.file_name.clone());
    let wanted = read.meeting.id.clone();
    for number in 1_u32.. {
        let id = if number == 1 {
            wanted.clone()
        } else {
            MeetingId::new(format!("{wanted}-{number}"))
        };
        if taken.contains(&id) {
            continue;
        }
        let free = !library.contains(&id)? || library.meeting(&id)?.source.map(|source| source.file_name) == file;
        if free {
            taken.insert(id.clone());
            read.meeting.id = id;
            break;
        }
    }
    Ok(())
}
