//! From a file to context items, and from anything to the context that recommendations are asked for.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use datasets::formats::invitation::{Invitation, Invitee};
use datasets::formats::{self, Format, document, invitation};
use datasets::library::{Library, LibraryError};
use datasets::{ContextItem, Meeting, MeetingId, Minutes, PersonId, Transcript, Viewer};
use index::RecommendContext;

use super::read_transcript::{KnownFacts, read_transcript};
use super::recognize_language::language_of;

/// About five minutes of talk: what was said before that is no longer what is talked about.
const TALK_WORDS: usize = 750;
/// Words in one piece of a context: as long as the passages it is compared with.
const PIECE_WORDS: usize = 150;

/// Reads the mails, events, contacts or the document in a file.
///
/// # Errors
/// When the file cannot be read or is none of these.
pub fn read_context_items(path: &Path) -> anyhow::Result<Vec<ContextItem>> {
    let (name, bytes) = read(path)?;
    let mut items = document::read_context(&name, &bytes)?;
    for item in &mut items {
        item.language = item.language.or_else(|| language_of(&item.text));
    }
    Ok(items)
}

/// The context of an invitation, a transcript or a document.
///
/// # Errors
/// When the file cannot be read.
pub fn context_of_file(path: &Path) -> anyhow::Result<RecommendContext> {
    let (name, bytes) = read(path)?;
    let is_document = Path::new(&name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("md"));
    match formats::recognise(&name, &bytes) {
        Some(Format::Calendar) => context_of_invitations(&invitation::read(&name, &bytes)?),
        None | Some(Format::Contact | Format::Mail) => context_of_items(path),
        Some(Format::PlainText) if is_document => context_of_items(path),
        Some(_) => {
            let mut read = read_transcript(path, &KnownFacts::default())?;
            if read.meetings.len() != 1 {
                bail!(
                    "`{}` holds {} meetings: recommendations are for one",
                    path.display(),
                    read.meetings.len()
                );
            }
            let one = read.meetings.remove(0);
            Ok(context(&one.meeting, &one.transcript, None))
        }
    }
}

/// The context of a meeting of the library: its minutes, agenda and people.
///
/// # Errors
/// When there is no such meeting, or `viewer` may not see it, which is told the same way.
pub fn context_of_meeting(library: &Library, id: &MeetingId, viewer: &Viewer) -> anyhow::Result<RecommendContext> {
    let meeting = library.meeting(id)?;
    if !meeting.is_visible_to(viewer) {
        return Err(LibraryError::NoSuchMeeting {
            root: library.root().to_owned(),
            id: id.clone(),
        }
        .into());
    }
    let minutes = library.minutes(id)?;
    // Only read where it is needed: it is the longest of all.
    let transcript = match minutes {
        Some(_) => None,
        None => library.transcript(id)?,
    };
    Ok(context(&meeting, &transcript.unwrap_or_default(), minutes.as_ref()))
}

/// The context of an invitation in iCalendar form.
///
/// # Errors
/// When the text is no calendar with an event.
pub fn context_of_calendar(text: &str) -> anyhow::Result<RecommendContext> {
    context_of_invitations(&invitation::read("invitation.ics", text.as_bytes())?)
}

/// The context of a text: what somebody wrote, or the last minutes of talk.
pub fn context_of_text(text: &str, people: Vec<PersonId>) -> RecommendContext {
    RecommendContext {
        texts: pieces([text]),
        people,
        ..RecommendContext::default()
    }
}

/// The context of what is being said in `meeting`: its last minutes.
pub fn context_of_talk(text: &str, people: Vec<PersonId>, meeting: Option<MeetingId>) -> RecommendContext {
    let words: Vec<&str> = text.split_whitespace().collect();
    let last = &words[words.len().saturating_sub(TALK_WORDS)..];
    RecommendContext {
        exclude_meeting: meeting,
        ..context_of_text(&last.join(" "), people)
    }
}

/// Invitees are looked for by address and by name: a transcript knows only names.
fn context_of_invitations(invitations: &[Invitation]) -> anyhow::Result<RecommendContext> {
    let invitees = || invitations.iter().flat_map(|invitation| &invitation.invitees);
    Ok(RecommendContext {
        texts: pieces(invitations.iter().flat_map(|invitation| {
            [invitation.title.as_str()]
                .into_iter()
                .chain(invitation.agenda.as_deref())
        })),
        people: invitees()
            .map(Invitee::person)
            .chain(invitees().map(|invitee| PersonId::from_contact(&invitee.name, None)))
            .collect(),
        series: invitations.iter().find_map(|invitation| invitation.series.clone()),
        at: invitations.iter().filter_map(|invitation| invitation.starts_at).min(),
        ..RecommendContext::default()
    })
}

/// A document, mail or contact as a context; of several in one file, all together.
fn context_of_items(path: &Path) -> anyhow::Result<RecommendContext> {
    let items = read_context_items(path)?;
    Ok(RecommendContext {
        texts: pieces(items.iter().flat_map(|item| [item.title.as_str(), item.text.as_str()])),
        people: items.iter().flat_map(|item| item.people.iter().cloned()).collect(),
        series: items.iter().find_map(|item| item.series.clone()),
        at: items.iter().filter_map(|item| item.at).min(),
        ..RecommendContext::default()
    })
}

fn context(meeting: &Meeting, transcript: &Transcript, minutes: Option<&Minutes>) -> RecommendContext {
    let title_and_agenda = [meeting.title.as_str()].into_iter().chain(meeting.agenda.as_deref());
    let said: Vec<&str> = match minutes {
        Some(minutes) => minutes.statements().map(|statement| statement.text.as_str()).collect(),
        None => transcript
            .utterances
            .iter()
            .map(|utterance| utterance.text.as_str())
            .collect(),
    };
    RecommendContext {
        texts: pieces(title_and_agenda.chain(said)),
        people: meeting
            .participants
            .iter()
            .map(|participant| participant.person.clone())
            .collect(),
        series: meeting.series.clone(),
        exclude_meeting: Some(meeting.id.clone()),
        at: meeting.started_at,
        ..RecommendContext::default()
    }
}

/// Joins short texts and cuts long ones to pieces of about [`PIECE_WORDS`]. Lines stay lines: each may be in a language of
/// its own.
fn pieces<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut words = 0;
    for line in texts.into_iter().flat_map(str::lines) {
        let mut separator = "\n";
        for word in line.split_whitespace() {
            if words == PIECE_WORDS {
                pieces.push(std::mem::take(&mut piece));
                words = 0;
            }
            if words > 0 {
                piece.push_str(separator);
            }
            piece.push_str(word);
            words += 1;
            separator = " ";
        }
    }
    if words > 0 {
        pieces.push(piece);
    }
    pieces
}

fn read(path: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    let bytes = fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
    Ok((
        path.file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned(),
        bytes,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_every_word_once() {
        let long = "word ".repeat(PIECE_WORDS * 2 + 7);
        let cut = pieces(["a title", long.as_str()]);
        assert_eq!(cut.len(), 3);
        assert!(cut[0].starts_with("a title\nword word"), "lines stay lines");
        let words: usize = cut.iter().map(|piece| piece.split_whitespace().count()).sum();
        assert_eq!(words, PIECE_WORDS * 2 + 9);
    }
}
