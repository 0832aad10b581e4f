//! The access rule as terms, so that it filters every query: the same rule as [`Access::allows_view`].
//!
//! A delegation that ends is a term with its end, and a viewer holds the range of such terms that end later than now: it
//! ends to the millisecond, without anything being written anew.

use std::ops::Range;

use datasets::{Access, Delegate, Delegation, GroupId, PersonId, Viewer, Visibility};
use jiff::Timestamp;

/// What a viewer holds.
pub(crate) struct Held {
    /// Single terms.
    pub(crate) terms: Vec<String>,
    /// Ranges of terms: of the delegations that end, those that have not.
    pub(crate) ranges: Vec<Range<String>>,
}

/// The terms under which a thing can be seen: a viewer sees it who holds at least one of them.
pub(crate) fn granted<'a>(access: &Access, participants: impl IntoIterator<Item = &'a PersonId>) -> Vec<String> {
    let mut terms: Vec<String> = access.owner.iter().map(person_term).collect();
    terms.extend(access.delegations.iter().map(delegation_term));
    match &access.visibility {
        Visibility::Private => {}
        Visibility::Participants => terms.extend(participants.into_iter().map(person_term)),
        Visibility::Domain(domain) => terms.push(domain_term(domain)),
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// What `viewer` holds at `now`; `None` for the operator, who needs nothing.
pub(crate) fn held(viewer: &Viewer, now: Timestamp) -> Option<Held> {
    let Viewer::Person { person, domain, groups } = viewer else {
        return None;
    };
    let delegates: Vec<String> = std::iter::once(person_term(person))
        .chain(groups.iter().map(group_term))
        .collect();
    // The range is open below: what ends now has ended.
    let after = now.as_millisecond().saturating_add(1);
    let ranges = delegates.iter().map(|term| ending_term(term, after)..beyond(term));
    Some(Held {
        ranges: ranges.collect(),
        terms: delegates
            .iter()
            .cloned()
            .chain(domain.as_deref().map(domain_term))
            .collect(),
    })
}

fn delegation_term(delegation: &Delegation) -> String {
    let term = match &delegation.to {
        Delegate::Person(person) => person_term(person),
        Delegate::Group(group) => group_term(group),
    };
    match delegation.until {
        Some(until) => ending_term(&term, until.as_millisecond()),
        None => term,
    }
}

/// A term with its end. The length stands first, so that no other term can lie between those of one delegate; the digits
/// are as many for every time, so that terms are in the order of time.
fn ending_term(term: &str, until_ms: i64) -> String {
    format!("until:{}:{term}:{:019}", term.len(), until_ms.max(0))
}

/// Behind all that [`ending_term`] makes of `term`: a semicolon comes after the colon.
fn beyond(term: &str) -> String {
    format!("until:{}:{term};", term.len())
}

fn person_term(person: &PersonId) -> String {
    format!("person:{person}")
}

fn group_term(group: &GroupId) -> String {
    format!("group:{group}")
}

fn domain_term(domain: &str) -> String {
    format!("domain:{domain}")
}

#[cfg(test)]
mod tests {
    use datasets::Right;
    use proptest::prelude::*;

    use super::*;

    fn person() -> impl Strategy<Value = PersonId> {
        // Names that could be taken for another's with an end.
        prop_oneof![Just("p0"), Just("p1"), Just("p0:0000000000000000500"), Just("p")].prop_map(PersonId::new)
    }

    fn group() -> impl Strategy<Value = GroupId> {
        // `p0` is also a person: a group must not be taken for one.
        prop_oneof![Just("p0"), Just("board")].prop_map(GroupId::new)
    }

    fn domain() -> impl Strategy<Value = String> {
        // So must a domain.
        prop_oneof![Just("p0".to_owned()), Just("example.org".to_owned())]
    }

    fn moment() -> impl Strategy<Value = Timestamp> {
        prop_oneof![Just(0), Just(500), Just(501), Just(1 << 40)]
            .prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
    }

    fn delegation() -> impl Strategy<Value = Delegation> {
        let to = prop_oneof![person().prop_map(Delegate::Person), group().prop_map(Delegate::Group)];
        (to, prop::option::of(moment())).prop_map(|(to, until)| Delegation {
            to,
            right: Right::View,
            until,
        })
    }

    fn viewer() -> impl Strategy<Value = Viewer> {
        let person = (
            person(),
            prop::option::of(domain()),
            prop::collection::vec(group(), 0..2),
        );
        prop_oneof![
            1 => Just(Viewer::Operator),
            4 => person.prop_map(|(person, domain, groups)| Viewer::Person { person, domain, groups }),
        ]
    }

    proptest! {
        #[test]
        fn terms_say_what_the_rule_says(
            owner in prop::option::of(person()),
            visibility in prop_oneof![Just(Visibility::Private), Just(Visibility::Participants), domain().prop_map(Visibility::Domain)],
            delegations in prop::collection::vec(delegation(), 0..3),
            participants in prop::collection::vec(person(), 0..3),
            viewer in viewer(),
            now in moment(),
        ) {
            let access = Access { owner, visibility, delegations };
            let granted = granted(&access, &participants);
            let sees = held(&viewer, now).is_none_or(|held| granted.iter().any(|term| {
                held.terms.contains(term) || held.ranges.iter().any(|range| range.contains(term))
            }));
            prop_assert_eq!(sees, access.allows_view_at(now, &viewer, &participants));
        }
    }
}
