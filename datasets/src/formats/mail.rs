//! Mail messages as context items.
//!
//! RFC 5322 and MIME, read with `mail-parser`.

use jiff::Timestamp;
use mail_parser::{Address, Message, MessageParser};

use super::document::language_of;
use super::utterance_list::{one_line, sha256};
use super::{Format, ReadFileError, ReadProblem};
use crate::{Access, ContextItem, ContextItemId, ContextKind, PersonId};

/// Reads one message: subject, text without what it quotes, sender and recipients.
///
/// # Errors
/// When the bytes hold neither a subject nor text.
pub fn read(file_name: &str, bytes: &[u8]) -> Result<ContextItem, ReadFileError> {
    let error = || ReadFileError {
        file: file_name.rsplit(['/', '\\']).next().unwrap_or(file_name).to_owned(),
        line: None,
        problem: ReadProblem::NoEntry { format: Format::Mail },
    };
    let message = MessageParser::default().parse(bytes).ok_or_else(error)?;
    let title = one_line(message.subject().unwrap_or_default());
    let text = without_quotes(&message.body_text(0).unwrap_or_default());
    if title.is_empty() && text.is_empty() {
        return Err(error());
    }
    let id = message.message_id().map_or_else(|| sha256(bytes), str::to_owned);
    Ok(ContextItem {
        id: ContextItemId::new(format!("mail:{id}")),
        kind: ContextKind::Mail,
        language: language_of(&format!("{title} {text}")),
        title,
        text,
        people: people(&message),
        at: message
            .date()
            .and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
        series: None,
        link: None,
        access: Access::default(),
    })
}

/// Sender first; each person once.
fn people(message: &Message<'_>) -> Vec<PersonId> {
    let fields: [Option<&Address<'_>>; 3] = [message.from(), message.to(), message.cc()];
    let mut people = Vec::new();
    for address in fields.into_iter().flatten().flat_map(|field| field.iter()) {
        let person = PersonId::from_contact(address.name().unwrap_or_default(), address.address());
        if !person.as_str().is_empty() && !people.contains(&person) {
            people.push(person);
        }
    }
    people
}

/// Drops lines that quote an earlier message, which is an item of its own, and what follows the signature's mark.
fn without_quotes(text: &str) -> String {
    let lines = text.lines().map(str::trim_end).take_while(|line| *line != "--");
    let kept: Vec<&str> = lines.filter(|line| !line.trim_start().starts_with('>')).collect();
    kept.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_without_quotes_and_signature() {
        let text = "From: Ann Lee <Ann@example.org>\r\nTo: bob@example.org, ann@example.org\r\nMessage-ID: <1@example.org>\r\n\
            Subject: =?utf-8?q?R=C3=A9union?=\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\n\
            Content-Type: text/plain; charset=iso-8859-1\r\n\r\nD\u{20}accord.\r\n> Ancien texte\r\n-- \r\nAnn\r\n";
        let item = read("a.eml", text.as_bytes()).unwrap();
        assert_eq!((item.title.as_str(), item.text.as_str()), ("Réunion", "D accord."));
        assert_eq!(
            item.people.iter().map(PersonId::as_str).collect::<Vec<_>>(),
            ["ann@example.org", "bob@example.org"]
        );
        assert_eq!(item.at.unwrap().to_string(), "2026-11-23T09:00:00Z");
        assert_eq!(item.id.as_str(), "mail:1@example.org");
    }

    #[test]
    fn html_alone_becomes_text() {
        let item = read(
            "a.eml",
            b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p>Hello <b>you</b></p>",
        )
        .unwrap();
        assert_eq!(item.text, "Hello you");
        assert!(read("a.eml", b"").is_err());
    }
}
