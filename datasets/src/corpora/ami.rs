//! The AMI corpus: scenario meetings of four with dialogue acts, linked summaries and topics.
//!
//! Carletta et al., "The AMI meeting corpus: a pre-announcement", MLMI 2005; CC BY 4.0. Text of the recognizer per
//! dialogue act as in Shang et al., ACL 2018. The ICSI files have the same records, see [`super::icsi`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::CorpusRecord;
use crate::MediaTime;

/// One meeting with all its annotations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "MeetingRow")]
pub struct AmiMeeting {
    /// `ES2002a`.
    pub id: String,
    /// `ami` or `icsi`.
    pub corpus: String,
    /// `train`, `val`, `dev` or `test`; `None` where the file does not say.
    pub split: Option<String>,
    /// Role by speaker letter, as abbreviated in the file (`PM`); empty for a few meetings.
    pub roles: BTreeMap<String, String>,
    /// One per dialogue act, in order of their beginning.
    pub utterances: Vec<AmiUtterance>,
    /// The reference summary; `None` where nobody wrote one.
    pub summary: Option<ReferenceSummary>,
    /// Utterances chosen for the extractive summary, as positions; empty where nobody chose any.
    pub extractive: Vec<usize>,
    /// Which utterances stand behind which sentence of the summary; empty where nobody linked them.
    pub links: Vec<SummaryLink>,
    /// In order of time, each subtopic after its parent; empty where nobody annotated them.
    pub topics: Vec<ReferenceTopic>,
}

/// A dialogue act.
#[derive(Clone, Debug, PartialEq)]
pub struct AmiUtterance {
    /// The letter of the speaker: `A`.
    pub speaker: String,
    /// When it begins.
    pub start: MediaTime,
    /// When it ends; not before `start`.
    pub end: MediaTime,
    /// The dialogue act, in the tags of the corpus: `inf` (AMI), `s^cs^rt` (ICSI).
    pub act: Option<String>,
    /// As transcribed by hand: words and punctuation each between spaces.
    pub text: String,
    /// As recognized by machine; may repeat words of the neighbours. Empty where the recognizer gave nothing.
    pub asr: String,
}

/// The reference summary, section by section; a section that the corpus does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ReferenceSummary {
    /// The summary proper.
    #[serde(rename = "abstract")]
    pub abstract_: Vec<SummarySentence>,
    /// What somebody is to do (AMI only).
    pub actions: Vec<SummarySentence>,
    /// What was decided.
    pub decisions: Vec<SummarySentence>,
    /// What is difficult or open.
    pub problems: Vec<SummarySentence>,
    /// What has been achieved (ICSI only).
    pub progress: Vec<SummarySentence>,
}

/// A sentence of the reference summary.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SummarySentence {
    /// Unique within the meeting; links point to it.
    pub id: String,
    /// The sentence.
    pub text: String,
}

/// The utterances that an annotator put behind a sentence of the summary.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "(String, Vec<usize>)")]
pub struct SummaryLink {
    /// Id of the sentence.
    pub sentence: String,
    /// Positions of the utterances, each within the meeting.
    pub utterances: Vec<usize>,
}

/// A stretch of the meeting about one thing, as an annotator cut it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ReferenceTopic {
    /// 0 for the top; a subtopic follows its parent.
    pub level: usize,
    /// A few words.
    pub name: String,
    /// Position of its first utterance.
    #[serde(rename = "first_utt")]
    pub first: usize,
    /// Position of its last utterance, inclusive.
    #[serde(rename = "last_utt")]
    pub last: usize,
    /// Number of its utterances; fewer than the stretch is long where others stand in between.
    #[serde(rename = "n_utts")]
    pub utterances: usize,
}

/// Every word of one meeting with its times; a file of its own beside the meetings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WordsRow")]
pub struct AmiWords {
    /// Id of the meeting.
    pub id: String,
    /// In order of time.
    pub words: Vec<AmiWord>,
}

/// One word by one speaker.
#[derive(Clone, Debug, PartialEq)]
pub struct AmiWord {
    /// The letter of the speaker.
    pub speaker: String,
    /// When it begins.
    pub start: MediaTime,
    /// When it ends.
    pub end: MediaTime,
    /// The word, without punctuation.
    pub word: String,
}

/// A record names or orders its columns otherwise, or points outside the meeting.
#[derive(Debug, thiserror::Error)]
enum RowError {
    #[error("columns are {found:?}, expected {expected:?}")]
    Columns {
        found: Vec<String>,
        expected: &'static [&'static str],
    },
    #[error("{what} points to utterance {position} of {utterances}")]
    Position {
        what: &'static str,
        position: usize,
        utterances: usize,
    },
}

impl AmiMeeting {
    /// The series: the four meetings of one team differ in the last letter of the id only.
    pub fn series(&self) -> &str {
        Self::series_of(&self.id)
    }

    /// The series of the meeting `id`.
    pub fn series_of(id: &str) -> &str {
        let mut characters = id.chars();
        characters.next_back();
        characters.as_str()
    }

    /// The role of `speaker` in full: "Project Manager"; roles without an abbreviation are given as they stand.
    pub fn role(&self, speaker: &str) -> Option<&str> {
        self.roles.get(speaker).map(|role| match role.as_str() {
            "PM" => "Project Manager",
            "ME" => "Marketing Expert",
            "UI" => "User Interface Designer",
            "ID" => "Industrial Designer",
            other => other,
        })
    }

    /// Positions of the utterances linked to any of `sentences`, as [`ReferenceSummary::actions`].
    pub fn linked_utterances(&self, sentences: &[SummarySentence]) -> BTreeSet<usize> {
        let ids: BTreeSet<&str> = sentences.iter().map(|sentence| sentence.id.as_str()).collect();
        self.links
            .iter()
            .filter(|link| ids.contains(link.sentence.as_str()))
            .flat_map(|link| link.utterances.iter().copied())
            .collect()
    }

    fn check_positions(&self) -> Result<(), RowError> {
        let utterances = self.utterances.len();
        let named = |what| move |position| (what, position);
        self.extractive
            .iter()
            .copied()
            .map(named("the extractive summary"))
            .chain(
                self.links
                    .iter()
                    .flat_map(|link| link.utterances.iter().copied().map(named("a link"))),
            )
            .chain(
                self.topics
                    .iter()
                    .flat_map(|topic| [topic.first, topic.last].map(named("a topic"))),
            )
            .find(|&(_, position)| position >= utterances)
            .map_or(Ok(()), |(what, position)| {
                Err(RowError::Position {
                    what,
                    position,
                    utterances,
                })
            })
    }
}

impl CorpusRecord for AmiMeeting {
    const CORPUS: &'static str = "AMI or ICSI";
}

impl CorpusRecord for AmiWords {
    const CORPUS: &'static str = "AMI words";
}

/// The columns of an utterance, in the order of the file.
const UTTERANCE_COLUMNS: &[&str] = &["speaker", "start", "end", "dialogue_act", "text", "asr"];
/// The columns of a word, in the order of the file.
const WORD_COLUMNS: &[&str] = &["speaker", "start", "end", "word"];

/// The values of [`UTTERANCE_COLUMNS`], times in seconds.
type UtteranceRow = (String, f64, f64, Option<String>, String, Option<String>);

#[derive(Deserialize)]
struct MeetingRow {
    id: String,
    corpus: String,
    #[serde(default)]
    split: Option<String>,
    #[serde(default)]
    roles: BTreeMap<String, String>,
    utt_columns: Vec<String>,
    utterances: Vec<UtteranceRow>,
    #[serde(default)]
    summary: Option<ReferenceSummary>,
    #[serde(default)]
    extractive: Vec<usize>,
    #[serde(default)]
    links: Vec<SummaryLink>,
    #[serde(default)]
    topics: Vec<ReferenceTopic>,
}

#[derive(Deserialize)]
struct WordsRow {
    id: String,
    word_columns: Vec<String>,
    words: Vec<(String, f64, f64, String)>,
}

fn check_columns(found: Vec<String>, expected: &'static [&'static str]) -> Result<(), RowError> {
    if found == expected {
        Ok(())
    } else {
        Err(RowError::Columns { found, expected })
    }
}

impl TryFrom<MeetingRow> for AmiMeeting {
    type Error = RowError;

    fn try_from(row: MeetingRow) -> Result<Self, RowError> {
        check_columns(row.utt_columns, UTTERANCE_COLUMNS)?;
        let utterances = row.utterances.into_iter().map(|(speaker, start, end, act, text, asr)| {
            let start = MediaTime::from_seconds(start);
            AmiUtterance {
                speaker,
                start,
                // One dialogue act of the corpus ends before it begins.
                end: MediaTime::from_seconds(end).max(start),
                act,
                text,
                asr: asr.unwrap_or_default(),
            }
        });
        let meeting = Self {
            id: row.id,
            corpus: row.corpus,
            split: row.split,
            roles: row.roles,
            utterances: utterances.collect(),
            summary: row.summary,
            extractive: row.extractive,
            links: row.links,
            topics: row.topics,
        };
        meeting.check_positions()?;
        Ok(meeting)
    }
}

impl TryFrom<WordsRow> for AmiWords {
    type Error = RowError;

    fn try_from(row: WordsRow) -> Result<Self, RowError> {
        check_columns(row.word_columns, WORD_COLUMNS)?;
        let words = row.words.into_iter().map(|(speaker, start, end, word)| {
            let start = MediaTime::from_seconds(start);
            AmiWord {
                speaker,
                start,
                end: MediaTime::from_seconds(end).max(start),
                word,
            }
        });
        Ok(Self {
            id: row.id,
            words: words.collect(),
        })
    }
}

impl From<(String, Vec<usize>)> for SummaryLink {
    fn from((sentence, utterances): (String, Vec<usize>)) -> Self {
        Self { sentence, utterances }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(link: usize, columns: &str) -> Result<AmiMeeting, String> {
        let line = format!(
            r#"{{"id":"XX1001b","corpus":"ami","split":"val","roles":{{"A":"PM"}},{columns}
               "utterances":[["A",0.5,1.57,"inf","So , hello .","so hello"],["B",2.0,1.0,null,"Hi .",""]],
               "summary":{{"abstract":[],"actions":[{{"id":"s.1","text":"A will write."}}]}},
               "extractive":[0],"links":[["s.1",[{link}]],["s.2",[0]]],
               "topics":[{{"level":0,"name":"opening","first_utt":0,"last_utt":1,"n_utts":2}}]}}"#
        );
        serde_json::from_str(&line).map_err(|error| error.to_string())
    }

    const COLUMNS: &str = r#""utt_columns":["speaker","start","end","dialogue_act","text","asr"],"#;

    #[test]
    fn a_record_gives_typed_fields() {
        let meeting = parse(1, COLUMNS).unwrap();
        assert_eq!(meeting.series(), "XX1001");
        assert_eq!(meeting.role("A"), Some("Project Manager"));
        assert_eq!(meeting.utterances[0].end, MediaTime(1570));
        assert_eq!(meeting.utterances[1].end, meeting.utterances[1].start);
        let summary = meeting.summary.as_ref().unwrap();
        assert_eq!(meeting.linked_utterances(&summary.actions), BTreeSet::from([1]));
        assert!(summary.progress.is_empty());
    }

    #[test]
    fn a_position_outside_the_meeting_is_an_error() {
        assert!(
            parse(2, COLUMNS)
                .unwrap_err()
                .contains("a link points to utterance 2 of 2")
        );
    }

    #[test]
    fn other_columns_are_an_error() {
        assert!(
            parse(0, r#""utt_columns":["start","speaker"],"#)
                .unwrap_err()
                .contains("columns are")
        );
    }
}
