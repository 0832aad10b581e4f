//! The access rule as terms, so that it filters every query: the same rule as [`Access::allows_view`].

use datasets::{Access, PersonId, Viewer, Visibility};

/// The terms under which a thing can be seen: a viewer sees it who holds at least one of them.
pub(crate) fn granted<'a>(access: &Access, participants: impl IntoIterator<Item = &'a PersonId>) -> Vec<String> {
    let delegates = access.delegations.iter().map(|delegation| &delegation.to);
    let mut terms: Vec<String> = access.owner.iter().chain(delegates).map(person_term).collect();
    match &access.visibility {
        Visibility::Private => {}
        Visibility::Participants => terms.extend(participants.into_iter().map(person_term)),
        Visibility::Domain(domain) => terms.push(domain_term(domain)),
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The terms that `viewer` holds; `None` for the operator, who needs none.
pub(crate) fn held(viewer: &Viewer) -> Option<Vec<String>> {
    match viewer {
        Viewer::Operator => None,
        Viewer::Person { person, domain } => {
            let domain = domain.as_deref().map(domain_term);
            Some(std::iter::once(person_term(person)).chain(domain).collect())
        }
    }
}

fn person_term(person: &PersonId) -> String {
    format!("person:{person}")
}

fn domain_term(domain: &str) -> String {
    format!("domain:{domain}")
}

#[cfg(test)]
mod tests {
    use datasets::{Delegation, Right};
    use proptest::prelude::*;

    use super::*;

    fn person() -> impl Strategy<Value = PersonId> {
        (0_u8..4).prop_map(|number| PersonId::new(format!("p{number}")))
    }

    fn domain() -> impl Strategy<Value = String> {
        // `p0` is also a person: a domain must not be taken for one.
        prop_oneof![Just("p0".to_owned()), Just("example.org".to_owned())]
    }

    proptest! {
        #[test]
        fn terms_say_what_the_rule_says(
            owner in prop::option::of(person()),
            visibility in prop_oneof![Just(Visibility::Private), Just(Visibility::Participants), domain().prop_map(Visibility::Domain)],
            delegates in prop::collection::vec(person(), 0..3),
            participants in prop::collection::vec(person(), 0..3),
            viewer in prop_oneof![Just(Viewer::Operator), (person(), prop::option::of(domain())).prop_map(|(person, domain)| Viewer::Person { person, domain })],
        ) {
            let delegations = delegates.into_iter().map(|to| Delegation { to, right: Right::View }).collect();
            let access = Access { owner, visibility, delegations };
            let granted = granted(&access, &participants);
            let sees = held(&viewer).is_none_or(|held| held.iter().any(|term| granted.contains(term)));
            prop_assert_eq!(sees, access.allows_view(&viewer, &participants));
        }
    }
}
