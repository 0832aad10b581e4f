//! Text documents as context items, and the entry point for everything that stands beside a meeting.

use std::path::Path;

use super::utterance_list::{one_line, sha256};
use super::{Format, Input, ReadFileError, contact, invitation, mail, sniff};
use crate::{Access, ContextItem, ContextItemId, ContextKind, Language};

/// Reads what stands beside meetings: events, contacts, mails, and any other text as a document.
///
/// # Errors
/// When the file is no text, or no entry was found in it.
pub fn read_context(file_name: &str, bytes: &[u8]) -> Result<Vec<ContextItem>, ReadFileError> {
    let input = Input::new(file_name, bytes)?;
    match sniff::format(file_name, &input.text) {
        Format::Calendar => {
            let invitations = invitation::read(file_name, bytes)?;
            Ok(invitations
                .iter()
                .map(invitation::Invitation::to_context_item)
                .collect())
        }
        Format::Contact => contact::read(file_name, bytes),
        Format::Mail => Ok(vec![mail::read(file_name, bytes)?]),
        _ => Ok(vec![document(&input)]),
    }
}

/// The title is the first heading, else the file's name.
fn document(input: &Input<'_>) -> ContextItem {
    let heading = input.text.lines().find_map(|line| line.trim().strip_prefix("# "));
    let title = heading.map(one_line).filter(|title| !title.is_empty());
    ContextItem {
        id: ContextItemId::new(format!(
            "document:{}",
            sha256(format!("{}\n{}", input.file_name, input.text).as_bytes())
        )),
        kind: ContextKind::Document,
        title: title.unwrap_or_else(|| one_line(&input.stem().replace('_', " "))),
        language: language_of(&input.text),
        text: input.text.trim().to_owned(),
        people: Vec::new(),
        at: None,
        series: None,
        link: Path::new(input.file_name)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned()),
        access: Access::default(),
    }
}

/// How much text is looked at, in characters: enough for a sure answer, little enough for long documents.
const LANGUAGE_PROBE_CHARS: usize = 4000;

/// French or English where the text is surely one of them; `None` for anything else and for a few words.
pub(super) fn language_of(text: &str) -> Option<Language> {
    let probe: String = text.chars().take(LANGUAGE_PROBE_CHARS).collect();
    let found = whatlang::detect(&probe).filter(|found| found.is_reliable())?;
    match found.lang() {
        whatlang::Lang::Fra => Some(Language::FRENCH),
        whatlang::Lang::Eng => Some(Language::ENGLISH),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_named_by_its_heading() {
        let text = "# Plan de charge\n\nLe plan de charge de l'équipe pour le prochain trimestre.\n";
        let item = read_context("dossier/plan_2.md", text.as_bytes()).unwrap().remove(0);
        assert_eq!(
            (item.kind, item.title.as_str()),
            (ContextKind::Document, "Plan de charge")
        );
        assert_eq!(item.language, Some(Language::FRENCH));
        let item = read_context("plan_2.txt", b"Two words").unwrap().remove(0);
        assert_eq!((item.title.as_str(), item.language), ("plan 2", None));
    }

    #[test]
    fn every_kind_of_file_finds_its_reader() {
        let kind = |name: &str, text: &str| read_context(name, text.as_bytes()).unwrap()[0].kind;
        assert_eq!(
            kind(
                "a.ics",
                "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR\n"
            ),
            ContextKind::Event
        );
        assert_eq!(
            kind("a.vcf", "BEGIN:VCARD\nVERSION:3.0\nFN:Ann Lee\nEND:VCARD\n"),
            ContextKind::Contact
        );
        assert_eq!(
            kind("a.eml", "Subject: x\nFrom: ann@example.org\n\nHello\n"),
            ContextKind::Mail
        );
        assert_eq!(kind("a.txt", "Ann: hello"), ContextKind::Document);
    }
}
