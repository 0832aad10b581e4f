//! Keeps statement ids alive across versions of the minutes, so that an action that was ticked off stays the same action,
//! and no link to a decision leads to another, when minutes are made anew.

use std::collections::BTreeSet;

use crate::{Minutes, Statement, StatementId, UtteranceId};

/// Weight of the words that two statements share, beside the evidence that they share.
const WEIGHT_WORDS: f64 = 0.5;
/// What two statements must share, of 1 + [`WEIGHT_WORDS`], to be the same one.
const SAME_MIN: f64 = 0.5;

/// Gives each statement of `new` the id of the statement of `old` of its kind that it shares most evidence and words with,
/// each id once; the rest get ids that neither `old` nor `taken` holds.
pub fn carry(old: &Minutes, taken: impl IntoIterator<Item = StatementId>, new: &mut Minutes) {
    let mut used: BTreeSet<StatementId> = taken.into_iter().collect();
    used.extend(old.statements().map(|statement| statement.id.clone()));
    let mut fresh = 0;
    let mut next = || loop {
        fresh += 1;
        let id = StatementId::new(format!("s{fresh}"));
        if used.insert(id.clone()) {
            return id;
        }
    };
    let topics = |minutes: &Minutes| -> Vec<Statement> {
        let topics = minutes.topics.iter();
        topics.flat_map(|topic| topic.statements.iter().cloned()).collect()
    };
    let old_topics = topics(old);
    let kinds: [(Vec<&Statement>, Vec<&mut Statement>); 5] = [
        (old.abstract_.iter().collect(), new.abstract_.iter_mut().collect()),
        (
            old_topics.iter().collect(),
            new.topics
                .iter_mut()
                .flat_map(|topic| topic.statements.iter_mut())
                .collect(),
        ),
        (
            old.decisions.iter().map(|decision| &decision.statement).collect(),
            new.decisions
                .iter_mut()
                .map(|decision| &mut decision.statement)
                .collect(),
        ),
        (
            old.actions.iter().map(|action| &action.statement).collect(),
            new.actions.iter_mut().map(|action| &mut action.statement).collect(),
        ),
        (
            old.questions.iter().map(|question| &question.statement).collect(),
            new.questions
                .iter_mut()
                .map(|question| &mut question.statement)
                .collect(),
        ),
    ];
    for (old, new) in kinds {
        carry_kind(&old, new, &mut next);
    }
}

fn carry_kind(old: &[&Statement], mut new: Vec<&mut Statement>, next: &mut dyn FnMut() -> StatementId) {
    let of_old: Vec<Content<'_>> = old.iter().map(|statement| Content::of(statement)).collect();
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (new_position, new) in new.iter().enumerate() {
        let of_new = Content::of(new);
        for (old_position, of_old) in of_old.iter().enumerate() {
            let shared = of_old.shared_with(&of_new);
            if shared >= SAME_MIN {
                pairs.push((shared, old_position, new_position));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut id_of_new: Vec<Option<StatementId>> = vec![None; new.len()];
    let mut given = vec![false; old.len()];
    for (_, old_position, new_position) in pairs {
        if !given[old_position] && id_of_new[new_position].is_none() {
            given[old_position] = true;
            id_of_new[new_position] = Some(old[old_position].id.clone());
        }
    }
    for (statement, id) in new.iter_mut().zip(id_of_new) {
        statement.id = id.unwrap_or_else(&mut *next);
    }
}

/// What a statement says and rests on.
struct Content<'a> {
    evidence: BTreeSet<&'a UtteranceId>,
    words: BTreeSet<String>,
}

impl<'a> Content<'a> {
    fn of(statement: &'a Statement) -> Self {
        let text = statement.text.to_lowercase();
        let words = text.split(|character: char| !character.is_alphanumeric());
        Self {
            evidence: statement.evidence.iter().collect(),
            words: words.filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// 1 + [`WEIGHT_WORDS`] for the same one.
    fn shared_with(&self, other: &Self) -> f64 {
        let evidence = share(&self.evidence, &other.evidence);
        // Without common evidence it is about another moment, whatever the words.
        if evidence == 0.0 {
            return 0.0;
        }
        evidence + WEIGHT_WORDS * share(&self.words, &other.words)
    }
}

/// Of all elements, the share that both sets hold.
fn share<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> f64 {
    let all = a.union(b).count();
    if all == 0 {
        0.0
    } else {
        a.intersection(b).count() as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActionItem, Language, Support};

    fn minutes(actions: &[(&str, &str, &[&str])]) -> Minutes {
        let action = |&(id, text, evidence): &(&str, &str, &[&str])| ActionItem {
            statement: Statement {
                id: StatementId::new(id),
                text: text.to_owned(),
                evidence: evidence.iter().map(|id| UtteranceId::new(*id)).collect(),
                support: Support::Proven,
            },
            owner: None,
            due: None,
        };
        Minutes {
            actions: actions.iter().map(action).collect(),
            ..Minutes::empty(Language::ENGLISH)
        }
    }

    fn ids(minutes: &Minutes) -> Vec<&str> {
        minutes
            .actions
            .iter()
            .map(|action| action.statement.id.as_str())
            .collect()
    }

    #[test]
    fn an_action_stays_itself_when_others_come_before_it() {
        let old = minutes(&[
            ("s1", "Ann sends the report.", &["u4"]),
            ("s2", "Ben calls Lyon.", &["u9"]),
        ]);
        let mut new = minutes(&[
            ("s1", "Carla books a room.", &["u2"]),
            ("s2", "Ann will send the report to all.", &["u4", "u5"]),
            ("s3", "Ben will call Lyon.", &["u9"]),
        ]);
        carry(&old, [StatementId::new("s3")], &mut new);
        assert_eq!(
            ids(&new),
            ["s4", "s1", "s2"],
            "and no id that was ever used means something else"
        );
    }

    #[test]
    fn the_same_minutes_keep_their_ids() {
        let old = minutes(&[
            ("s7", "Ann sends the report.", &["u4"]),
            ("s8", "Ann sends the report.", &["u4"]),
        ]);
        let mut new = old.clone();
        carry(&old, [], &mut new);
        assert_eq!(new, old);
    }
}
