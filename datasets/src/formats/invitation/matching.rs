//! Which speaker is which invitee: by the words of the name, in any order, accents and case aside.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Invitee;
use crate::Participant;

/// Gives speakers the identity of their invitee and adds those who did not speak.
pub(super) fn join(participants: &mut Vec<Participant>, invitees: &[Invitee]) {
    let mut absent = Vec::new();
    for invitee in invitees {
        let exact = |participant: &Participant| {
            participant.person == invitee.person() || words(&participant.name) == names(invitee)
        };
        let position = participants
            .iter()
            .position(exact)
            .or_else(|| only_part(participants, invitees, invitee));
        match position.and_then(|position| participants.get_mut(position)) {
            Some(participant) => identify(participant, invitee),
            None => absent.push(invitee.to_participant()),
        }
    }
    participants.extend(absent);
}

/// The speaker whose name is part of this invitee's and of no other's: "Ann" where one Ann is invited.
fn only_part(participants: &[Participant], invitees: &[Invitee], invitee: &Invitee) -> Option<usize> {
    let is_part = |participant: &Participant, invitee: &Invitee| {
        let spoken = words(&participant.name);
        !spoken.is_empty() && spoken.is_subset(&names(invitee)) && spoken.iter().any(|word| word.chars().count() > 1)
    };
    let mut parts = participants.iter().enumerate().filter(|(_, participant)| {
        participant.email.is_none()
            && is_part(participant, invitee)
            && invitees.iter().filter(|other| is_part(participant, other)).count() == 1
    });
    match (parts.next(), parts.next()) {
        (Some((position, _)), None) => Some(position),
        _ => None,
    }
}

fn identify(participant: &mut Participant, invitee: &Invitee) {
    participant.person = invitee.person();
    if !invitee.name.contains('@') {
        participant.name.clone_from(&invitee.name);
    }
    participant.email.clone_from(&invitee.email);
}

/// The words of the name, or those before the `@` where only the address is known.
fn names(invitee: &Invitee) -> BTreeSet<String> {
    words(invitee.name.split('@').next().unwrap_or_default())
}

fn words(name: &str) -> BTreeSet<String> {
    // "Ann Lee (External)" is Ann Lee.
    let name = name.split('(').next().unwrap_or_default();
    let folded: String = name
        .nfd()
        .filter(|&c| !is_combining_mark(c))
        .flat_map(char::to_lowercase)
        .collect();
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SpeakerLabel;
    use crate::formats::invitation::Response;

    fn check(labels: &[&str], invited: &[&str], expected: &[&str]) {
        let mut participants: Vec<_> = labels
            .iter()
            .map(|label| Participant::from_speaker(SpeakerLabel::new(*label)))
            .collect();
        let invitees: Vec<_> = invited
            .iter()
            .map(|name| Invitee {
                name: (*name).to_owned(),
                email: Some(format!("{}@x.org", name.replace(' ', ".").to_lowercase())),
                response: Response::None,
                is_organizer: false,
            })
            .collect();
        join(&mut participants, &invitees);
        let found: Vec<_> = participants
            .iter()
            .map(|participant| participant.person.as_str())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_fits_in_any_order_and_spelling() {
        check(&["LEFÈVRE Zoe"], &["Zoé Lefèvre"], &["zoé.lefèvre@x.org"]);
        check(
            &["Zoé"],
            &["Zoé Lefèvre", "Ann Lee"],
            &["zoé.lefèvre@x.org", "ann.lee@x.org"],
        );
        check(&["Ann Lee (External)"], &["Ann Lee"], &["ann.lee@x.org"]);
    }

    #[test]
    fn a_first_name_that_two_invitees_bear_fits_neither() {
        check(
            &["Ann"],
            &["Ann Lee", "Ann Roy"],
            &["ann", "ann.lee@x.org", "ann.roy@x.org"],
        );
        check(&["A"], &["A Lee"], &["a", "a.lee@x.org"]);
    }
}
