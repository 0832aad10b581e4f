//! Markdown for people: a transcript with anchors, and minutes whose every line points to what proves it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::utterance_list::one_line;
use crate::{
    ActionItem, ActionStatus, Language, Meeting, Minutes, PassageState, Statement, StatementId, Support, Transcript,
    UtteranceId,
};

mod headings;

use headings::Headings;

/// How minutes are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MinutesOptions {
    /// The file that [`transcript`] was written to, for links to its anchors; `None` gives times without links.
    pub transcript_link: Option<String>,
    /// Which actions were ticked off since.
    pub statuses: BTreeMap<StatementId, ActionStatus>,
}

/// The transcript: one paragraph per utterance, each with its id as anchor.
pub fn transcript(meeting: &Meeting, transcript: &Transcript) -> String {
    let language = meeting.language.unwrap_or(Language::ENGLISH);
    let mut out = head(meeting, Headings::of(language));
    for utterance in &transcript.utterances {
        let id = one_line(utterance.id.as_str()).replace('"', "&quot;");
        let _ = write!(out, "\n<a id=\"{id}\"></a>");
        if let Some(span) = utterance.span {
            let _ = write!(out, "`{}` ", span.start.clock());
        }
        if let Some(speaker) = &utterance.speaker {
            let _ = write!(out, "**{}:** ", escape(meeting.speaker_name(speaker)));
        }
        let _ = writeln!(out, "{}", escape(&utterance.text));
    }
    out
}

/// The minutes under French or English headings, in the order abstract, decisions, actions, questions, topics. Behind
/// each statement stand the times of its evidence; `transcript` gives them, without it they are utterance ids.
pub fn minutes(
    meeting: &Meeting,
    minutes: &Minutes,
    transcript: Option<&Transcript>,
    options: &MinutesOptions,
) -> String {
    let headings = Headings::of(minutes.language);
    let page = Page {
        headings,
        evidence: Evidence::new(transcript, options),
        options,
    };
    let mut out = head(meeting, headings);
    page.list(
        &mut out,
        headings.summary,
        minutes.abstract_.iter().map(|statement| page.line(statement)),
    );
    page.list(
        &mut out,
        headings.decisions,
        minutes.decisions.iter().map(|decision| page.line(&decision.statement)),
    );
    page.list(
        &mut out,
        headings.actions,
        minutes.actions.iter().map(|action| page.action(action)),
    );
    page.list(
        &mut out,
        headings.questions,
        minutes.questions.iter().map(|question| page.line(&question.statement)),
    );
    if !minutes.topics.is_empty() {
        let _ = write!(out, "\n## {}\n", headings.topics);
        for topic in &minutes.topics {
            let clock = topic
                .span
                .map(|span| format!(" ({}–{})", span.start.clock(), span.end.clock()));
            let title = format!("{}{}", escape(&topic.title), clock.unwrap_or_default());
            page.section(
                &mut out,
                "###",
                &title,
                topic.statements.iter().map(|statement| page.line(statement)),
            );
        }
    }
    let _ = write!(out, "\n---\n{}\n", coverage(minutes, headings));
    out
}

fn head(meeting: &Meeting, headings: &Headings) -> String {
    let mut out = format!("# {}\n", escape(&meeting.title));
    if let Some(started_at) = meeting.started_at {
        let _ = write!(
            out,
            "\n{}{}{}\n",
            headings.date,
            headings.colon,
            started_at.strftime("%Y-%m-%d %H:%M UTC")
        );
    }
    if !meeting.participants.is_empty() {
        let names = meeting.participants.iter().map(|participant| {
            let role = participant.role.as_ref().map(|role| format!(" ({})", escape(role)));
            let absent = if participant.attended { "" } else { headings.absent };
            format!("{}{}{absent}", escape(&participant.name), role.unwrap_or_default())
        });
        let _ = write!(
            out,
            "\n{}{}{}\n",
            headings.participants,
            headings.colon,
            names.collect::<Vec<_>>().join(", ")
        );
    }
    out
}

struct Page<'a> {
    headings: &'static Headings,
    evidence: Evidence<'a>,
    options: &'a MinutesOptions,
}

impl Page<'_> {
    fn list(&self, out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
        self.section(out, "##", title, lines);
    }

    /// A section without a line is left out.
    fn section(&self, out: &mut String, level: &str, title: &str, lines: impl Iterator<Item = String>) {
        let lines: Vec<String> = lines.collect();
        if !lines.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\n{level} {title}\n\n");
            lines.iter().for_each(|line| {
                let _ = writeln!(out, "- {line}");
            });
        }
    }

    fn line(&self, statement: &Statement) -> String {
        let mut line = escape(&statement.text);
        if let Support::Marked(parts) = &statement.support {
            let parts: Vec<String> = parts.iter().map(|part| escape(&part.text)).collect();
            let _ = write!(
                line,
                " *({}{}{})*",
                self.headings.unsupported,
                self.headings.colon,
                parts.join(", ")
            );
        }
        line + &self.evidence.references(statement)
    }

    fn action(&self, action: &ActionItem) -> String {
        let is_done = self.options.statuses.get(&action.statement.id) == Some(&ActionStatus::Done);
        let mut line = format!("[{}] ", if is_done { 'x' } else { ' ' });
        if let Some(owner) = &action.owner {
            let _ = write!(line, "**{}:** ", escape(&owner.name));
        }
        line.push_str(&self.line(&action.statement));
        if let Some(due) = &action.due {
            let date = due.date.map(|date| format!(" ({date})")).unwrap_or_default();
            let _ = write!(
                line,
                " — {}{}{}{date}",
                self.headings.due,
                self.headings.colon,
                escape(&due.text)
            );
        }
        line
    }
}

/// Where each utterance is to be found.
struct Evidence<'a> {
    clocks: BTreeMap<&'a UtteranceId, Option<String>>,
    replaced: Option<&'a BTreeMap<UtteranceId, UtteranceId>>,
    link: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    fn new(transcript: Option<&'a Transcript>, options: &'a MinutesOptions) -> Self {
        let utterances = transcript.map_or(&[][..], |transcript| &transcript.utterances);
        Self {
            clocks: utterances
                .iter()
                .map(|u| (&u.id, u.span.map(|span| span.start.clock())))
                .collect(),
            replaced: transcript.map(|transcript| &transcript.replaced),
            link: options.transcript_link.as_deref(),
        }
    }

    /// ` [00:00:04](transcript.md#u2)` for each utterance.
    fn references(&self, statement: &Statement) -> String {
        statement.evidence.iter().map(|id| self.reference(id)).collect()
    }

    fn reference(&self, id: &UtteranceId) -> String {
        let id = self.replaced.and_then(|replaced| replaced.get(id)).unwrap_or(id);
        let clock = self.clocks.get(id).cloned().flatten();
        let label = clock.unwrap_or_else(|| escape(id.as_str()));
        match self.link {
            Some(file) => format!(" [{label}](<{file}#{id}>)"),
            None => format!(" \\[{label}\\]"),
        }
    }
}

fn coverage(minutes: &Minutes, headings: &Headings) -> String {
    let failed: Vec<String> = minutes
        .coverage
        .passages
        .iter()
        .filter_map(|passage| match &passage.state {
            PassageState::Covered => None,
            PassageState::Failed(reason) => Some(format!("{}–{}: {}", passage.first, passage.last, escape(reason))),
        })
        .collect();
    let percent = |share: f64| (share * 100.0).floor();
    let mut line = headings.coverage(percent(minutes.coverage.share()), percent(minutes.supported_share()));
    if !minutes.dropped.is_empty() {
        let _ = write!(
            line,
            " {}{}{}.",
            headings.dropped,
            headings.colon,
            minutes.dropped.len()
        );
    }
    if !failed.is_empty() {
        let _ = write!(line, " {}{}{}.", headings.failed, headings.colon, failed.join("; "));
    }
    line
}

/// Text that Markdown shows as it is.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        if matches!(character, '\\' | '*' | '_' | '[' | ']' | '`' | '#' | '|' | '~') {
            escaped.push('\\');
        }
        match character {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::sample;

    #[test]
    fn a_transcript_has_anchors() {
        let (meeting, said, _) = sample::meeting();
        insta::assert_snapshot!(transcript(&meeting, &said));
    }

    #[test]
    fn minutes_point_to_their_evidence() {
        let (meeting, said, record) = sample::meeting();
        let options = MinutesOptions {
            transcript_link: Some("transcript.md".to_owned()),
            statuses: BTreeMap::from([(record.actions[1].statement.id.clone(), ActionStatus::Done)]),
        };
        insta::assert_snapshot!(minutes(&meeting, &record, Some(&said), &options));
    }

    #[test]
    fn french_minutes_have_french_headings() {
        let (mut meeting, _, mut record) = sample::meeting();
        record.language = Language::FRENCH;
        meeting.participants[1].attended = false;
        insta::assert_snapshot!(minutes(&meeting, &record, None, &MinutesOptions::default()));
    }
}
