//! Minutes in the form that the reader wants: built-in templates, or files of the user's own, in Jinja's language.
//!
//! A template sees `meeting` (`title`, `day`, `people`), `abstract`, `decisions`, `questions` (each a list of `text`, `at`
//! and `evidence`), `actions` (the same with `owner`, `due`, `done`) and `topics` (`title`, `at`, `statements`). `at` is the
//! time of the first utterance that proves a statement.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use datasets::{ActionStatus, Language, Meeting, Minutes, Statement, StatementId, Transcript};
use jiff::tz::TimeZone;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

/// Name of each built-in template, with its text in English and in French.
const BUILT_IN: [(&str, &str, &str); 4] = [
    (
        "minutes",
        include_str!("../../templates/en/minutes.md"),
        include_str!("../../templates/fr/minutes.md"),
    ),
    (
        "executive-summary",
        include_str!("../../templates/en/executive-summary.md"),
        include_str!("../../templates/fr/executive-summary.md"),
    ),
    (
        "follow-up-mail",
        include_str!("../../templates/en/follow-up-mail.md"),
        include_str!("../../templates/fr/follow-up-mail.md"),
    ),
    (
        "decision-register",
        include_str!("../../templates/en/decision-register.md"),
        include_str!("../../templates/fr/decision-register.md"),
    ),
];

/// The minutes through the template `name`, which is built in or a file.
///
/// # Errors
/// When there is no such template, or it is none; the line is named.
pub fn render_template(
    name: &str,
    meeting: &Meeting,
    transcript: &Transcript,
    minutes: &Minutes,
    statuses: &BTreeMap<StatementId, ActionStatus>,
) -> anyhow::Result<String> {
    let source = source(name, minutes.language)?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
        .add_template(name, &source)
        .with_context(|| format!("reading the template `{name}`"))?;
    let values = values(meeting, transcript, minutes, statuses);
    let template = environment.get_template(name)?;
    template
        .render(Serde(values))
        .with_context(|| format!("filling the template `{name}`"))
}

fn source(name: &str, language: Language) -> anyhow::Result<String> {
    let built_in = BUILT_IN.iter().find(|(known, _, _)| *known == name);
    if let Some((_, english, french)) = built_in {
        let text = if language == Language::FRENCH { french } else { english };
        return Ok((*text).to_owned());
    }
    if !Path::new(name).is_file() {
        let names: Vec<&str> = BUILT_IN.iter().map(|(name, _, _)| *name).collect();
        bail!(
            "there is no template `{name}`: name a file, or one of {}",
            names.join(", ")
        );
    }
    std::fs::read_to_string(name).with_context(|| format!("reading the template `{name}`"))
}

fn values(
    meeting: &Meeting,
    transcript: &Transcript,
    minutes: &Minutes,
    statuses: &BTreeMap<StatementId, ActionStatus>,
) -> Value {
    let statement = |statement: &Statement| {
        let first = statement.evidence.iter().find_map(|id| transcript.utterance(id)?.span);
        json!({
            "text": statement.text,
            "evidence": statement.evidence,
            "at": first.map(|span| span.start.clock().to_string()).unwrap_or_default(),
        })
    };
    let day = meeting
        .started_at
        .map(|start| start.to_zoned(TimeZone::UTC).date().to_string());
    let attended = meeting.participants.iter().filter(|participant| participant.attended);
    let people: Vec<&str> = attended.map(|participant| participant.name.as_str()).collect();
    let actions = minutes.actions.iter().map(|action| {
        let mut value = statement(&action.statement);
        let due = action
            .due
            .as_ref()
            .map(|due| due.date.map_or_else(|| due.text.clone(), |date| date.to_string()));
        value["owner"] = json!(action.owner.as_ref().map(|owner| &owner.name));
        value["due"] = json!(due);
        value["done"] = json!(statuses.get(&action.statement.id) == Some(&ActionStatus::Done));
        value
    });
    let topics = minutes.topics.iter().map(|topic| {
        json!({
            "title": topic.title,
            "at": topic.span.map(|span| span.start.clock().to_string()).unwrap_or_default(),
            "statements": topic.statements.iter().map(statement).collect::<Vec<_>>(),
        })
    });
    json!({
        "meeting": { "title": meeting.title, "day": day.unwrap_or_default(), "people": people },
        "abstract": minutes.abstract_.iter().map(statement).collect::<Vec<_>>(),
        "decisions": minutes.decisions.iter().map(|decision| statement(&decision.statement)).collect::<Vec<_>>(),
        "questions": minutes.questions.iter().map(|question| statement(&question.statement)).collect::<Vec<_>>(),
        "actions": actions.collect::<Vec<_>>(),
        "topics": topics.collect::<Vec<_>>(),
    })
}
