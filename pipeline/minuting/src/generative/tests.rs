//! The engine with scripted models: what a model may do wrong must not become minutes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use datasets::{MeetingId, Participant, SpeakerLabel, Utterance};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Answers by a function of passage, question and schema.
struct Scripted<F> {
    answer: F,
    context_tokens: usize,
    reads: Cell<usize>,
}

struct ScriptedReader<'a, F> {
    model: &'a Scripted<F>,
    passage: String,
}

impl<F: Fn(&str, &str, &Value) -> Result<String, GenerateError>> Scripted<F> {
    fn new(context_tokens: usize, answer: F) -> Self {
        Self {
            answer,
            context_tokens,
            reads: Cell::new(0),
        }
    }
}

impl<F: Fn(&str, &str, &Value) -> Result<String, GenerateError>> TextGenerator for Scripted<F> {
    fn description(&self) -> GeneratorDescription {
        GeneratorDescription {
            engine: "scripted".to_owned(),
            ..GeneratorDescription::default()
        }
    }

    fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn read<'a>(
        &'a self,
        _: &str,
        passage: &str,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<Box<dyn PassageReader + 'a>, GenerateError> {
        self.reads.set(self.reads.get() + 1);
        if on_tokens(self.count_tokens(passage)).is_break() {
            return Err(GenerateError::Stopped);
        }
        Ok(Box::new(ScriptedReader {
            model: self,
            passage: passage.to_owned(),
        }))
    }
}

impl<F: Fn(&str, &str, &Value) -> Result<String, GenerateError>> PassageReader for ScriptedReader<'_, F> {
    fn ask(
        &mut self,
        question: &str,
        schema: &Value,
        tokens_max: usize,
        _: &mut OnTokens<'_>,
    ) -> Result<Answer, GenerateError> {
        let mut text = (self.model.answer)(&self.passage, question, schema)?;
        // A token is a letter here, ten times over.
        let cut = text.char_indices().nth(10 * tokens_max).map(|(at, _)| at);
        if let Some(at) = cut {
            text.truncate(at);
        }
        Ok(Answer {
            is_whole: cut.is_none(),
            text,
        })
    }
}

#[derive(Default)]
struct Kept(HashMap<String, PassageNotes>);

impl PassageStore for Kept {
    fn get(&self, key: &str) -> Option<PassageNotes> {
        self.0.get(key).cloned()
    }

    fn put(&mut self, key: &str, notes: &PassageNotes) -> std::io::Result<()> {
        self.0.insert(key.to_owned(), notes.clone());
        Ok(())
    }
}

fn meeting(utterances: usize) -> (Meeting, Transcript) {
    let mut meeting = Meeting::new(MeetingId::new("m"), "Weekly");
    meeting.started_at = Some("2026-03-02T09:00:00Z".parse().unwrap());
    meeting.language = Some(Language::ENGLISH);
    let mut transcript = Transcript::default();
    for position in 0..utterances {
        let text = format!("We looked at item number {position} of the list and Ben will send it by Friday.");
        let mut utterance = Utterance::new(Utterance::id_at(position), text);
        utterance.speaker = Some(SpeakerLabel::new(if position % 2 == 0 { "Ann" } else { "Ben" }));
        transcript.utterances.push(utterance);
    }
    let speakers = transcript.speakers().into_iter().cloned();
    meeting.participants = speakers.map(Participant::from_speaker).collect();
    (meeting, transcript)
}

/// The ids that a schema lets statements cite.
fn ids(schema: &Value) -> Vec<String> {
    let draft = match &schema["properties"]["topics"] {
        Value::Null => &schema["properties"]["statements"]["items"],
        topics => &topics["items"]["properties"]["statements"]["items"],
    };
    serde_json::from_value(draft["properties"]["evidence"]["items"]["enum"].clone()).unwrap()
}

/// A model that does as it is told.
fn obedient(_: &str, question: &str, schema: &Value) -> Result<String, GenerateError> {
    let ids = ids(schema);
    let draft = |id: &String| json!({ "evidence": [id], "text": "They looked at an item of the list" });
    let answer = if question.contains("topics") {
        let half = ids.len() / 2;
        json!({ "topics": [
            { "statements": [draft(&ids[half])], "title": "Later items" },
            { "statements": [draft(&ids[0])], "title": "First items" },
        ] })
    } else if question.contains("Who is to do what") {
        json!({ "statements": [{ "evidence": [ids[0]], "owner": "Ben", "text": "Ben will send it", "until": "by Friday" }] })
    } else if question.contains("summary") {
        json!({ "statements": [{ "evidence": ids, "text": "They went through the list" }] })
    } else {
        json!({ "statements": [] })
    };
    Ok(answer.to_string())
}

fn minutes_by(
    model: &dyn TextGenerator,
    store: &mut dyn PassageStore,
    utterances: usize,
) -> Result<(Minutes, Transcript), GenerateError> {
    let (meeting, transcript) = meeting(utterances);
    let minutes = Generative::new(model, store, &mut |_| ControlFlow::Continue(())).summarize(
        &meeting,
        &transcript,
        &MinutesOptions::default(),
    )?;
    Ok((minutes, transcript))
}

#[test]
fn every_utterance_is_read_once_and_topics_span_the_meeting() {
    let model = Scripted::new(3000, obedient);
    let (minutes, transcript) = minutes_by(&model, &mut NoStore, 200).unwrap();
    assert!(minutes.coverage.passages.len() > 2, "{:?}", minutes.coverage);
    assert!((minutes.coverage.share() - 1.0).abs() < 1e-9);
    let positions = transcript.positions();
    let mut next = 0;
    for topic in &minutes.topics {
        assert_eq!(positions[&topic.first], next);
        next = positions[&topic.last] + 1;
    }
    assert_eq!(next, 200);
    assert_eq!(minutes.topics[0].title, "First items");
    // What each passage says in the same words is one action, with all the evidence there is.
    assert_eq!(minutes.actions.len(), 1);
    let action = &minutes.actions[0];
    assert_eq!(action.owner.as_ref().map(|owner| owner.name.as_str()), Some("Ben"));
    assert_eq!(
        action.due.as_ref().and_then(|due| due.date),
        Some(jiff::civil::date(2026, 3, 6))
    );
    assert_eq!(action.statement.evidence.len(), minutes.coverage.passages.len());
    assert_eq!(minutes.abstract_.len(), 1);
    assert_eq!(minutes.abstract_[0].text, "They went through the list.");
    assert!(minutes.dropped.is_empty());
}

#[test]
fn what_was_planned_is_what_is_read() {
    let model = Scripted::new(3000, obedient);
    let (meeting, transcript) = meeting(200);
    let plan = Generative::plan(&model, &meeting, &transcript, &MinutesOptions::default()).unwrap();
    minutes_by(&model, &mut NoStore, 200).unwrap();
    assert_eq!(model.reads.get(), plan.passages + 1, "each passage, and the abstract");
    let small = Scripted::new(500, obedient);
    let error = Generative::plan(&small, &meeting, &transcript, &MinutesOptions::default()).unwrap_err();
    assert!(matches!(error, GenerateError::Failed(_)), "{error}");
}

#[test]
fn a_passage_that_fails_shows_and_the_others_stand() {
    let model = Scripted::new(3000, |passage: &str, question: &str, schema: &Value| {
        if passage.contains("[u1]") {
            return Err(GenerateError::Failed("out of memory".into()));
        }
        obedient(passage, question, schema)
    });
    let (minutes, transcript) = minutes_by(&model, &mut NoStore, 200).unwrap();
    assert_eq!(
        minutes.coverage.passages[0].state,
        PassageState::Failed("the language model failed: out of memory".to_owned())
    );
    let covered = minutes
        .coverage
        .passages
        .iter()
        .filter(|passage| passage.state == PassageState::Covered);
    assert_eq!(covered.count(), minutes.coverage.passages.len() - 1);
    assert_eq!(minutes.topics[0].first, transcript.utterances[0].id);
    assert!(!minutes.actions.is_empty());
}

#[test]
fn a_question_that_fails_takes_nothing_from_the_others() {
    let model = Scripted::new(3000, |passage: &str, question: &str, schema: &Value| {
        if question.contains("What was decided") {
            return Ok("I would rather not say.".to_owned());
        }
        obedient(passage, question, schema)
    });
    let mut store = Kept::default();
    let (minutes, _) = minutes_by(&model, &mut store, 20).unwrap();
    assert_eq!(minutes.actions.len(), 1);
    assert!(matches!(minutes.coverage.passages[0].state, PassageState::Failed(_)));
    assert!(store.0.is_empty(), "it is asked again the next time");
}

#[test]
fn of_an_answer_that_is_cut_the_whole_statements_stand() {
    let model = Scripted::new(30_000, |passage: &str, question: &str, schema: &Value| {
        if question.contains("What was decided") {
            let drafts = ids(schema).into_iter().enumerate().map(|(position, id)| {
                json!({ "evidence": [id], "text": format!("They looked at item number {position} of the list") })
            });
            let drafts: Vec<Value> = drafts.collect();
            return Ok(json!({ "statements": drafts }).to_string());
        }
        obedient(passage, question, schema)
    });
    let (minutes, _) = minutes_by(&model, &mut NoStore, 200).unwrap();
    let count = minutes.decisions.len();
    assert!(count > 20 && count < 200, "{count}");
    assert_eq!(minutes.coverage.passages[0].state, PassageState::Covered);
}

#[test]
fn of_a_model_that_fails_at_everything_there_are_no_minutes() {
    let model = Scripted::new(3000, |_: &str, _: &str, _: &Value| {
        Err(GenerateError::Failed("system messages are not supported".into()))
    });
    let error = minutes_by(&model, &mut NoStore, 200).unwrap_err();
    assert!(error.to_string().contains("not supported"), "{error}");
}

#[test]
fn progress_knows_the_tokens_and_stops_the_work() {
    let model = Scripted::new(3000, obedient);
    let (meeting, transcript) = meeting(200);
    let mut told: Vec<GenerativeProgress> = Vec::new();
    let mut on_progress = |progress| {
        told.push(progress);
        ControlFlow::Continue(())
    };
    let options = MinutesOptions::default();
    let made = Generative::new(&model, &mut NoStore, &mut on_progress).summarize(&meeting, &transcript, &options);
    assert!(made.is_ok());
    assert!(told.is_sorted_by_key(|progress| progress.tokens_done));
    let last = told.last().unwrap();
    assert_eq!(last.passages_done, last.passages);
    assert!(
        last.tokens_done <= last.tokens && 2 * last.tokens_done > last.tokens,
        "{last:?}"
    );
    let mut stop = |progress: GenerativeProgress| match progress.passages_done {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let made = Generative::new(&model, &mut NoStore, &mut stop).summarize(&meeting, &transcript, &options);
    assert!(matches!(made, Err(GenerateError::Stopped)));
}

/// What is decided in its last minutes is in the minutes of a meeting of any length.
#[test]
fn eight_hours_keep_their_last_action() {
    let (meeting, mut transcript) = meeting(12_000);
    let last = transcript.utterances.last_mut().unwrap();
    last.text = "And Ben orders the lamps by Monday.".to_owned();
    let model = Scripted::new(8192, |passage: &str, question: &str, schema: &Value| {
        if question.contains("Who is to do what") && passage.contains("orders the lamps") {
            let last = ids(schema).last().cloned();
            let action =
                json!({ "evidence": [last], "owner": "Ben", "text": "Ben orders the lamps", "until": "by Monday" });
            return Ok(json!({ "statements": [action] }).to_string());
        }
        obedient(passage, question, schema)
    });
    let minutes = Generative::new(&model, &mut NoStore, &mut |_| ControlFlow::Continue(()))
        .summarize(&meeting, &transcript, &MinutesOptions::default())
        .unwrap();
    let accounted: usize = minutes.coverage.passages.iter().map(|passage| passage.utterances).sum();
    assert_eq!(accounted, 12_000);
    assert!(
        minutes
            .actions
            .iter()
            .any(|action| action.statement.text.contains("lamps")),
        "{:?}",
        minutes.actions
    );
}

#[test]
fn a_job_that_stopped_goes_on_where_it_was() {
    let mut store = Kept::default();
    let passages_read = Cell::new(0);
    let model = Scripted::new(3000, |passage: &str, question: &str, schema: &Value| {
        if question.contains("topics") {
            passages_read.set(passages_read.get() + 1);
            if passages_read.get() == 3 {
                return Err(GenerateError::Unreachable("connection refused".into()));
            }
        }
        obedient(passage, question, schema)
    });
    assert!(matches!(
        minutes_by(&model, &mut store, 200),
        Err(GenerateError::Unreachable(_))
    ));
    let (minutes, _) = minutes_by(&model, &mut store, 200).unwrap();
    let passages = minutes.coverage.passages.len();
    assert_eq!(passages_read.get(), passages + 1, "only the third was asked twice");
    let undisturbed = minutes_by(&Scripted::new(3000, obedient), &mut NoStore, 200).unwrap();
    assert_eq!(minutes, undisturbed.0);
}

#[test]
fn what_is_struck_is_asked_for_once_more_and_then_dropped() {
    for (second, kept) in [("Item number 0 was looked at", 1), ("It costs 40 euros", 0)] {
        let asked = RefCell::new(Vec::new());
        let model = Scripted::new(3000, |passage: &str, question: &str, schema: &Value| {
            let wrong = json!({ "statements": [{ "evidence": ["u1"], "text": "It costs 12 euros" }] });
            if question.contains("What was decided") {
                return Ok(wrong.to_string());
            }
            if question.contains("not proven") {
                asked.borrow_mut().push(question.to_owned());
                return Ok(json!({ "statements": [{ "evidence": ["u1"], "text": second }] }).to_string());
            }
            obedient(passage, question, schema)
        });
        let (minutes, _) = minutes_by(&model, &mut NoStore, 20).unwrap();
        assert_eq!(minutes.decisions.len(), kept);
        assert_eq!(minutes.dropped.len(), 1 - kept);
        let asked = asked.borrow();
        assert_eq!(asked.len(), 1);
        assert!(
            asked[0].contains("It costs 12 euros (not found there: 12"),
            "{}",
            asked[0]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever comes back, no statement stands whose evidence does not exist or does not prove it. No utterance holds a 90.
    #[test]
    fn no_answer_makes_unproven_minutes(
        texts in prop::collection::vec("(Ann|Ben|Zoe|it) (pays|said) ([0-9]{1,3}|\"item\"|twelve|Friday)?", 1..6),
        evidence in prop::collection::vec("u[0-9]{1,3}|s[0-9]|", 0..3),
        second in prop::collection::vec("u[0-9]{1,3}", 1..3),
        garbage in prop::option::of(".{0,40}"),
    ) {
        let model = Scripted::new(2600, |_: &str, question: &str, _: &Value| {
            if let Some(garbage) = &garbage {
                return Ok(garbage.clone());
            }
            let drafts: Vec<Value> = texts.iter().map(|text| json!({ "evidence": evidence, "owner": "Zoe", "text": text, "until": "in May" })).collect();
            Ok(if question.contains("topics") {
                json!({ "topics": [
                    { "statements": drafts, "title": "" },
                    { "statements": [{ "evidence": second, "text": "it said so" }], "title": "Ninety euros" },
                ] })
            } else {
                json!({ "statements": drafts })
            }.to_string())
        });
        let made = minutes_by(&model, &mut NoStore, 60);
        if let Err(GenerateError::NothingRead { .. }) = made {
            // Garbage makes no minutes, which leaves those of the extractive engine.
            prop_assert!(garbage.is_some());
            return Ok(());
        }
        let (minutes, transcript) = made.unwrap();
        let (meeting, _) = meeting(60);
        let verifier = Verifier::new(&meeting, &transcript);
        for statement in minutes.statements() {
            prop_assert!(!statement.evidence.is_empty());
            prop_assert!(verifier.unsupported(&statement.text, &statement.evidence).is_empty());
        }
        let positions = transcript.positions();
        for topic in &minutes.topics {
            prop_assert!(topic.title.trim() != "" && topic.title != "Ninety euros");
            let (first, last) = (positions[&topic.first], positions[&topic.last]);
            prop_assert!(first <= last);
        }
        prop_assert!(minutes.actions.iter().all(|action| action.owner.is_none() && action.due.is_none()));
        let accounted: usize = minutes.coverage.passages.iter().map(|passage| passage.utterances).sum();
        prop_assert_eq!(accounted, 60);
    }
}
