//! From a transcript to minutes. [`Extractive`] is the engine that is always there: it needs no download, takes its
//! sentences from what was said, and gives the same minutes for the same transcript.

use std::ops::Range;

use datasets::{
    Decision, Language, Meeting, Minutes, PassageState, Provenance, Statement, TimeSpan, Topic, Transcript,
};

use crate::acts::{ACT_THRESHOLD, Acts, classify};
use crate::generative::GenerateError;
use crate::reading::Reading;
use crate::selection::StatementSelector;
use crate::statements::StatementWriter;
use crate::verifier::Verifier;
use crate::{action_items, coverage, questions, topics};

/// Makes minutes. Whatever the engine, its statements have gone through [`Verifier`], each utterance stands in exactly
/// one passage of the coverage, and a passage that could not be read shows as failed instead of failing the whole.
pub trait MinutesEngine {
    /// The minutes of `meeting`, whose speech is `transcript`.
    ///
    /// # Errors
    /// When the engine cannot go on, or was told to stop. What it had done by then may be kept for the next time.
    fn summarize(
        &mut self,
        meeting: &Meeting,
        transcript: &Transcript,
        options: &MinutesOptions,
    ) -> Result<Minutes, GenerateError>;
}

/// What the reader asks of the minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinutesOptions {
    /// Language of the minutes; `None` for that of the meeting.
    pub language: Option<Language>,
    /// Words in the abstract, at most.
    pub abstract_words: usize,
    /// Words under each topic, at most.
    pub topic_words: usize,
}

impl Default for MinutesOptions {
    /// 150 words of abstract and 60 for each topic fill about two pages for an hour of talk.
    fn default() -> Self {
        Self {
            language: None,
            abstract_words: 150,
            topic_words: 60,
        }
    }
}

/// The engine that selects and shortens what was said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extractive;

impl MinutesEngine for Extractive {
    /// Takes time in proportion to the transcript, times its logarithm.
    ///
    /// It cannot translate: asked for another language than the meeting's, it keeps the words that were said and notes
    /// `translated: no` in the provenance, so that only headings follow the language asked for.
    fn summarize(
        &mut self,
        meeting: &Meeting,
        transcript: &Transcript,
        options: &MinutesOptions,
    ) -> Result<Minutes, GenerateError> {
        let reading = Reading::new(meeting, transcript);
        let acts = classify(&reading);
        let sentence_ranges = topics::segment(&reading);
        let titles = topics::topic_titles(meeting, &reading, &sentence_ranges);
        let passages = utterance_ranges(&sentence_ranges, &reading);
        let selector = StatementSelector::new(meeting, transcript, reading.language);
        let mut writer = StatementWriter::new(transcript);
        let abstract_ = selected(
            &selector,
            0..reading.utterance_count,
            options.abstract_words,
            &mut writer,
        );
        let topics = titles
            .into_iter()
            .zip(passages.iter().cloned())
            .map(|(title, range)| Topic {
                title,
                first: transcript.utterances[range.start].id.clone(),
                last: transcript.utterances[range.end - 1].id.clone(),
                span: span(transcript, range.clone()),
                statements: selected(&selector, range, options.topic_words, &mut writer),
            });
        let topics = topics.collect();
        let passages = passages.into_iter().map(|range| (range, PassageState::Covered));
        let mut minutes = Minutes {
            language: options.language.unwrap_or(reading.language),
            abstract_,
            decisions: decisions(&reading, &acts, &mut writer),
            actions: action_items::action_items(meeting, transcript, &reading, &acts, &mut writer),
            questions: questions::open_questions(&reading, &acts, &mut writer),
            coverage: coverage::account(transcript, passages),
            topics,
            dropped: Vec::new(),
            provenance: provenance(&reading, options),
        };
        Verifier::new(meeting, transcript).verify(&mut minutes);
        minutes.coverage.cited = coverage::count_cited(&minutes, transcript);
        Ok(minutes)
    }
}

pub(crate) fn span(transcript: &Transcript, range: Range<usize>) -> Option<TimeSpan> {
    let spans = transcript.utterances[range]
        .iter()
        .filter_map(|utterance| utterance.span);
    spans.reduce(|all, span| TimeSpan {
        start: all.start.min(span.start),
        end: all.end.max(span.end),
    })
}

/// The utterances of each topic; those of which cleaning left nothing belong to the topic before them.
pub(crate) fn utterance_ranges(topics: &[Range<usize>], reading: &Reading) -> Vec<Range<usize>> {
    let first = |topic: &Range<usize>| reading.sentences[topic.start].utterance;
    let starts = topics
        .iter()
        .enumerate()
        .map(|(position, topic)| if position == 0 { 0 } else { first(topic) });
    let ends = topics
        .iter()
        .skip(1)
        .map(first)
        .chain(std::iter::once(reading.utterance_count));
    // Without a topic, what there is was read in full, and is nothing but noise.
    let noise = (topics.is_empty() && reading.utterance_count > 0).then_some(0..reading.utterance_count);
    let read = starts.zip(ends).map(|(start, end)| start..end);
    read.chain(noise).collect()
}

fn decisions(reading: &Reading, acts: &[Acts], writer: &mut StatementWriter) -> Vec<Decision> {
    let decided = reading
        .sentences
        .iter()
        .zip(acts)
        .filter(|(_, acts)| acts.decision >= ACT_THRESHOLD);
    decided
        .map(|(sentence, _)| Decision {
            statement: writer.statement(&sentence.text, vec![sentence.utterance]),
        })
        .collect()
}

fn provenance(reading: &Reading, options: &MinutesOptions) -> Provenance {
    let asked = options.language.unwrap_or(reading.language);
    let parameters = [
        ("abstract_words", options.abstract_words.to_string()),
        ("topic_words", options.topic_words.to_string()),
        ("language", asked.to_string()),
        ("spoken_language", reading.language.to_string()),
        (
            "translated",
            if asked == reading.language { "not needed" } else { "no" }.to_owned(),
        ),
    ];
    Provenance {
        engine: "extractive".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        parameters: parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        ..Provenance::default()
    }
}

/// What `selector` finds worth saying about the utterances of `range`.
fn selected(
    selector: &StatementSelector,
    range: Range<usize>,
    words_max: usize,
    writer: &mut StatementWriter,
) -> Vec<Statement> {
    let selected = selector.select(range, words_max).into_iter();
    selected
        .map(|selected| writer.statement(&selected.text, selected.evidence))
        .collect()
}

#[cfg(test)]
mod tests {
    use datasets::{MeetingId, Participant, SpeakerLabel, Support, Utterance};
    use proptest::prelude::*;

    use super::*;

    fn transcript(lines: &[(&str, &str)]) -> (Meeting, Transcript) {
        let mut meeting = Meeting::new(MeetingId::new("m"), "m");
        let mut transcript = Transcript::default();
        for (position, (speaker, text)) in lines.iter().enumerate() {
            let mut utterance = Utterance::new(Utterance::id_at(position), *text);
            utterance.speaker = Some(SpeakerLabel::new(*speaker));
            transcript.utterances.push(utterance);
        }
        let speakers = transcript.speakers().into_iter().cloned();
        meeting.participants = speakers.map(Participant::from_speaker).collect();
        (meeting, transcript)
    }

    fn summarize(lines: &[(&str, &str)]) -> Minutes {
        let (mut meeting, transcript) = transcript(lines);
        meeting.started_at = "2026-03-05T09:00:00Z".parse().ok();
        Extractive
            .summarize(&meeting, &transcript, &MinutesOptions::default())
            .unwrap()
    }

    #[test]
    fn an_action_has_the_owner_and_the_day_that_were_said() {
        let minutes = summarize(&[
            ("Anna", "Where are we with the search page of the application?"),
            ("Ben", "I will finish the search page before Friday."),
            ("Anna", "We decided to release the calendar in April."),
            ("Anna", "Who is responsible for the old library now?"),
            ("Ben", "I do not know."),
        ]);
        let action = &minutes.actions[0];
        assert_eq!(action.statement.text, "I will finish the search page before Friday.");
        assert_eq!(action.owner.as_ref().map(|owner| owner.name.as_str()), Some("Ben"));
        assert_eq!(
            action.due.as_ref().and_then(|due| due.date),
            Some(jiff::civil::date(2026, 3, 6))
        );
        assert_eq!(minutes.decisions.len(), 1);
        assert_eq!(minutes.questions.len(), 1);
        assert_eq!(minutes.language, Language::ENGLISH);
    }

    #[test]
    fn two_commitments_in_one_sentence_are_two_items() {
        let minutes = summarize(&[
            (
                "David",
                "I will move the backups next week, and Ben will fix the password reset.",
            ),
            ("Ben", "Okay."),
        ]);
        let owners: Vec<_> = minutes
            .actions
            .iter()
            .map(|action| action.owner.as_ref().map(|owner| owner.name.as_str()))
            .collect();
        assert_eq!(owners, [Some("David"), Some("Ben")]);
    }

    #[test]
    fn another_language_changes_the_headings_and_is_noted() {
        let (meeting, transcript) = transcript(&[("Anna", "We decided to release the calendar in April this year.")]);
        let options = MinutesOptions {
            language: Some(Language::FRENCH),
            ..MinutesOptions::default()
        };
        let minutes = Extractive.summarize(&meeting, &transcript, &options).unwrap();
        assert_eq!(minutes.language, Language::FRENCH);
        assert_eq!(minutes.provenance.parameters["translated"], "no");
    }

    #[test]
    fn silence_gives_no_line() {
        for lines in [&[][..], &[("Anna", "{vocalsound}")][..], &[("Anna", "")][..]] {
            let minutes = summarize(lines);
            assert_eq!(minutes.statements().count(), 0);
            assert!((minutes.coverage.share() - 1.0).abs() < 1e-9);
        }
    }

    proptest! {
        #[test]
        fn every_statement_is_proven_and_every_utterance_covered(
            lines in prop::collection::vec(("[AB]", "([a-z]{1,6}|I will send|twenty|7|Anna|Friday|\\?|\\.| ){0,14}"), 0..60),
        ) {
            let lines: Vec<(&str, &str)> = lines.iter().map(|(speaker, text)| (speaker.as_str(), text.as_str())).collect();
            let minutes = summarize(&lines);
            prop_assert!(minutes.statements().all(|statement| statement.support == Support::Proven));
            prop_assert_eq!(&minutes.dropped, &[]);
            let covered: usize = minutes.coverage.passages.iter().map(|passage| passage.utterances).sum();
            prop_assert_eq!(covered, lines.len());
        }
    }
}
