//! Contacts from vCard files of any version, as context items.
//!
//! RFC 6350 and RFC 2426, read with `calcard`.

use calcard::vcard::{VCard, VCardProperty, VCardValue};
use calcard::{Entry, Parser};

use super::utterance_list::one_line;
use super::{Format, Input, ReadFileError, ReadProblem};
use crate::{Access, ContextItem, ContextItemId, ContextKind, PersonId};

/// Reads every card that has a name or an address.
///
/// # Errors
/// When there is none.
pub fn read(file_name: &str, bytes: &[u8]) -> Result<Vec<ContextItem>, ReadFileError> {
    let input = Input::new(file_name, bytes)?;
    let mut items = Vec::new();
    let mut parser = Parser::new(&input.text);
    loop {
        match parser.entry() {
            Entry::VCard(card) => items.extend(item(&card)),
            Entry::Eof => break,
            // What cannot be read is passed over; the cards around it are whole.
            _ => {}
        }
    }
    if items.is_empty() {
        return Err(input.error(
            None,
            ReadProblem::NoEntry {
                format: Format::Contact,
            },
        ));
    }
    Ok(items)
}

fn item(card: &VCard) -> Option<ContextItem> {
    let email = values(card, &VCardProperty::Email).into_iter().next();
    let name = values(card, &VCardProperty::Fn)
        .into_iter()
        .next()
        .or_else(|| structured_name(card));
    let name = name.or_else(|| email.clone())?;
    let person = PersonId::from_contact(&name, email.as_deref());
    let id = card.uid().map_or_else(|| person.as_str().to_owned(), str::to_owned);
    let told = [
        VCardProperty::Title,
        VCardProperty::Role,
        VCardProperty::Org,
        VCardProperty::Email,
        VCardProperty::Tel,
        VCardProperty::Categories,
        VCardProperty::Note,
    ];
    let text: Vec<String> = told.iter().flat_map(|property| values(card, property)).collect();
    Some(ContextItem {
        id: ContextItemId::new(format!("contact:{id}")),
        kind: ContextKind::Contact,
        title: name,
        text: text.join("\n"),
        people: vec![person],
        at: None,
        series: None,
        language: None,
        link: None,
        access: Access::default(),
    })
}

/// What a property says, each entry as one line; parts of an organization with commas between.
fn values(card: &VCard, property: &VCardProperty) -> Vec<String> {
    card.properties(property)
        .map(|entry| join(&entry.values, ", "))
        .filter(|value| !value.is_empty())
        .collect()
}

fn join(values: &[VCardValue], between: &str) -> String {
    let parts = values.iter().flat_map(|value| match value {
        VCardValue::Component(parts) => parts.iter().map(String::as_str).collect(),
        value => value.as_text().into_iter().collect::<Vec<_>>(),
    });
    let parts: Vec<String> = parts.map(one_line).filter(|part| !part.is_empty()).collect();
    parts.join(between)
}

/// `Lee;Ann;;Dr.;` as "Ann Lee".
fn structured_name(card: &VCard) -> Option<String> {
    let parts = &card.property(&VCardProperty::N)?.values;
    let name = parts.iter().take(2).rev().cloned().collect::<Vec<_>>();
    Some(join(&name, " ")).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_of_every_version_are_read() {
        let text = "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Lef=C3=A8vre;Zo=C3=A9\nEND:VCARD\n\
            BEGIN:VCARD\nVERSION:3.0\nFN:Ann Lee\nORG:Linens;Weaving\nTITLE:Weaver\nEMAIL;TYPE=WORK:Ann@Example.org\nEND:VCARD\n\
            BEGIN:VCARD\nVERSION:4.0\nUID:urn:uuid:1\nFN:Bob\\, the Second\nNOTE:Likes\\ntea\nEND:VCARD\n";
        let items = read("a.vcf", text.as_bytes()).unwrap();
        let found: Vec<_> = items
            .iter()
            .map(|i| (i.title.as_str(), i.text.as_str(), i.people[0].as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("Zoé Lefèvre", "", "zoé lefèvre"),
                ("Ann Lee", "Weaver\nLinens, Weaving\nAnn@Example.org", "ann@example.org"),
                ("Bob, the Second", "Likes tea", "bob, the second"),
            ]
        );
        assert_eq!(items[2].id.as_str(), "contact:urn:uuid:1");
    }

    #[test]
    fn a_file_without_cards_is_an_error() {
        assert!(read("a.vcf", b"BEGIN:VCARD\nVERSION:4.0\nEND:VCARD\n").is_err());
    }
}
