//! Related meetings on AMI: five minutes of one meeting as context, its team's earlier meetings to be found.
//!
//! The set-up is that of the baselines ("domain, earlier only"): segments of at most 90 words, a context of 750 words at 0,
//! 25, 50 and 75 % of each meeting; the pool holds every other meeting but later ones of the same series.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use datasets::corpora::ami::AmiMeeting;
use datasets::{Language, Meeting, MeetingId, Transcript, Utterance, Viewer};
use index::{Index, ItemKind, MeetingEntry, RecommendContext, RecommendRequest};
use regex::Regex;
use serde::Serialize;

use crate::metrics::ndcg::{average_precision, ndcg};
use crate::retrieval::RetrievalError;

/// Words of a segment, and of a context.
const SEGMENT_WORDS: usize = 90;
const CONTEXT_WORDS: usize = 750;
/// Where in a meeting contexts begin, in quarters.
const QUARTERS: usize = 4;
/// Depth at which rankings are cut.
const CUT: usize = 10;

/// Figures of one run, in percent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RelatedReport {
    /// Meetings in the file.
    pub meetings: usize,
    /// Different words that were dropped as names.
    pub names_dropped: usize,
    /// Contexts with an earlier meeting of the same series.
    pub contexts: usize,
    /// nDCG of the first ten, nothing cut off.
    pub ndcg_at_10: f64,
    /// Mean average precision, nothing cut off.
    pub map: f64,
    /// What the product recommends of this, and what it says where there is nothing.
    pub abstention: AbstentionReport,
}

/// What is recommended once what stands out too little is cut off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbstentionReport {
    /// Contexts without an earlier meeting of the same series.
    pub contexts_without_relative: usize,
    /// Share of these for which some meeting was recommended all the same.
    pub false_recommendations: f64,
    /// Share of the relevant meetings among the first ten, nothing cut off.
    pub recall_at_10: f64,
    /// The same among what is recommended.
    pub recall_at_10_recommended: f64,
}

/// Runs all contexts of `meetings`, whose order is that of their ids.
pub fn evaluate(meetings: &[AmiMeeting], drop_names: bool) -> Result<RelatedReport, RetrievalError> {
    let mut meetings: Vec<&AmiMeeting> = meetings.iter().collect();
    meetings.sort_by(|a, b| a.id.cmp(&b.id));
    let names = if drop_names { names(&meetings) } else { HashSet::new() };
    let segments: Vec<Vec<String>> = meetings.iter().map(|meeting| segments(meeting, &names)).collect();
    let folder = tempfile::tempdir().map_err(RetrievalError::Folder)?;
    let index = fill(folder.path(), &meetings, &segments)?;
    let mut sums = Sums::default();
    for (meeting, segments) in meetings.iter().zip(&segments) {
        let relation = Relation::new(meeting, &meetings);
        for quarter in 0..QUARTERS {
            sums.add(&index, &relation, context(segments, quarter))?;
        }
    }
    let share = |sum: f64, count: usize| 100.0 * sum / count.max(1) as f64;
    Ok(RelatedReport {
        meetings: meetings.len(),
        names_dropped: names.len(),
        contexts: sums.contexts,
        ndcg_at_10: share(sums.ndcg, sums.contexts),
        map: share(sums.precision, sums.contexts),
        abstention: AbstentionReport {
            contexts_without_relative: sums.without_relative,
            false_recommendations: share(sums.falsely as f64, sums.without_relative),
            recall_at_10: share(sums.recall, sums.contexts),
            recall_at_10_recommended: share(sums.recall_recommended, sums.contexts),
        },
    })
}

#[derive(Default)]
struct Sums {
    contexts: usize,
    ndcg: f64,
    precision: f64,
    recall: f64,
    recall_recommended: f64,
    without_relative: usize,
    falsely: usize,
}

/// What counts for contexts of one meeting.
struct Relation {
    meeting: MeetingId,
    relevant: HashSet<MeetingId>,
    /// Later meetings of the series, which had not taken place.
    hidden: Vec<MeetingId>,
}

impl Relation {
    fn new(meeting: &AmiMeeting, all: &[&AmiMeeting]) -> Self {
        let of_series = || all.iter().filter(|other| other.series() == meeting.series());
        let id = |other: &&AmiMeeting| MeetingId::new(other.id.as_str());
        Self {
            meeting: MeetingId::new(meeting.id.as_str()),
            relevant: of_series().filter(|other| other.id < meeting.id).map(id).collect(),
            hidden: of_series().filter(|other| other.id > meeting.id).map(id).collect(),
        }
    }
}

impl Sums {
    fn add(&mut self, index: &Index, relation: &Relation, texts: Vec<String>) -> Result<(), index::SearchError> {
        let context = RecommendContext {
            texts,
            exclude_meeting: Some(relation.meeting.clone()),
            exclude_also: relation.hidden.clone(),
            ..RecommendContext::default()
        };
        let relevant = relation.relevant.len();
        let is_relevant = |meeting: &MeetingId| relation.relevant.contains(meeting);
        if relevant > 0 {
            let ranked = index.rank_meetings(&context, &Viewer::Operator)?;
            let ranking: Vec<bool> = ranked.iter().map(|(meeting, _)| is_relevant(meeting)).collect();
            self.contexts += 1;
            self.ndcg += ndcg(&ranking, relevant, CUT);
            self.precision += average_precision(&ranking, relevant);
            self.recall += crate::metrics::ndcg::recall(&ranking, relevant, CUT);
        }
        let recommended = index.recommend(&RecommendRequest {
            context,
            viewer: Viewer::Operator,
            limit: CUT,
        })?;
        let recommended = recommended.iter().filter(|item| item.kind == ItemKind::Meeting);
        let recommended: Vec<bool> = recommended
            .map(|item| item.meeting.as_ref().is_some_and(is_relevant))
            .collect();
        if relevant > 0 {
            self.recall_recommended += crate::metrics::ndcg::recall(&recommended, relevant, CUT);
        } else {
            self.without_relative += 1;
            self.falsely += usize::from(!recommended.is_empty());
        }
        Ok(())
    }
}

/// Segments from the given quarter of the meeting on, about [`CONTEXT_WORDS`] words.
fn context(segments: &[String], quarter: usize) -> Vec<String> {
    let mut before = vec![0];
    for segment in segments {
        before.push(before[before.len() - 1] + segment.split_whitespace().count());
    }
    let all = before[before.len() - 1];
    let start = (all as f64 * quarter as f64 / QUARTERS as f64).min(all.saturating_sub(CONTEXT_WORDS) as f64);
    let first = before.partition_point(|&words| (words as f64) < start);
    let enough = before[first.min(segments.len())] + CONTEXT_WORDS;
    let end = before.partition_point(|&words| words < enough).max(first + 1);
    segments[first.min(segments.len())..end.min(segments.len())].to_vec()
}

fn fill(folder: &std::path::Path, meetings: &[&AmiMeeting], segments: &[Vec<String>]) -> Result<Index, RetrievalError> {
    let index = Index::open_or_create(folder, None)?;
    let mut writer = index.writer()?;
    for (record, segments) in meetings.iter().zip(segments) {
        let utterances = segments.iter().enumerate();
        let transcript = Transcript {
            utterances: utterances
                .map(|(position, text)| Utterance::new(Utterance::id_at(position), text.as_str()))
                .collect(),
            ..Transcript::default()
        };
        let meeting = Meeting {
            language: Some(Language::ENGLISH),
            ..Meeting::new(MeetingId::new(record.id.as_str()), "")
        };
        writer.put_meeting(&MeetingEntry {
            meeting: &meeting,
            transcript: &transcript,
            minutes: None,
            action_statuses: None,
            passages: None,
            vectors: None,
        })?;
    }
    writer.commit()?;
    Ok(index)
}

/// Text without marks such as `{vocalsound}`.
fn without_marks(text: &str) -> String {
    static MARKS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\{[a-z]+\}|<[^>]+>").expect("the pattern is constant"));
    MARKS
        .replace_all(text, "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Consecutive utterances packed to at most [`SEGMENT_WORDS`] words, without names.
fn segments(meeting: &AmiMeeting, names: &HashSet<String>) -> Vec<String> {
    let (mut segments, mut current): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for utterance in &meeting.utterances {
        let text = without_marks(&utterance.text);
        let mut words: Vec<&str> = text.split_whitespace().collect();
        while !words.is_empty() {
            if !current.is_empty() && current.len() + words.len() > SEGMENT_WORDS && current.len() >= SEGMENT_WORDS / 2
            {
                segments.push(std::mem::take(&mut current).join(" "));
            }
            let rest = words.split_off(words.len().min(SEGMENT_WORDS - current.len()));
            current.extend(words.into_iter().map(str::to_owned));
            words = rest;
            if current.len() >= SEGMENT_WORDS {
                segments.push(std::mem::take(&mut current).join(" "));
            }
        }
    }
    if !current.is_empty() {
        segments.push(current.join(" "));
    }
    let without_names = segments.iter().map(|segment| {
        let kept = segment.split_whitespace().filter(|word| !names.contains(&bare(word)));
        kept.collect::<Vec<_>>().join(" ")
    });
    without_names.filter(|segment| !segment.is_empty()).collect()
}

/// The letters before the first other character, lower case.
fn bare(word: &str) -> String {
    let lower = word.to_lowercase();
    let stripped = lower.trim_matches(['.', ',', '?', '!', '"', '\'']);
    stripped.chars().take_while(char::is_ascii_lowercase).collect()
}

/// Words that are mostly written with a capital inside a sentence, as the baselines find them, and speakers' labels.
fn names(meetings: &[&AmiMeeting]) -> HashSet<String> {
    static INSIDE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[a-z,] ([A-Za-z]+)").expect("the pattern is constant"));
    let mut written: HashMap<String, (usize, usize)> = HashMap::new();
    let mut speakers: HashSet<String> = HashSet::new();
    for utterance in meetings.iter().flat_map(|meeting| &meeting.utterances) {
        let letters = |character: char| !character.is_ascii_alphabetic();
        speakers.extend(
            utterance
                .speaker
                .split(letters)
                .filter(|part| !part.is_empty())
                .map(str::to_lowercase),
        );
        let text = without_marks(&utterance.text);
        let mut at = 0;
        while let Some(found) = INSIDE.captures_at(&text, at) {
            let Some(word) = found.get(1) else { break };
            let counts = written.entry(word.as_str().to_lowercase()).or_default();
            if word
                .as_str()
                .starts_with(|character: char| character.is_ascii_uppercase())
            {
                counts.0 += 1;
            } else {
                counts.1 += 1;
            }
            // The last letter of this word may stand before the next one.
            at = word.end() - 1;
        }
    }
    let is_speaker = |word: &str| speakers.contains(word);
    let is_name = |word: &str, (upper, lower): (usize, usize)| upper > 2 * lower || is_speaker(word) && upper >= lower;
    let mut names: HashSet<String> = written
        .iter()
        .filter(|(word, counts)| is_name(word, **counts))
        .map(|(word, _)| word.clone())
        .collect();
    names.extend(speakers.iter().filter(|word| !written.contains_key(*word)).cloned());
    names.remove("i");
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_cut_where_the_baselines_cut() {
        let segments: Vec<String> = (0..20).map(|_| "word ".repeat(90)).collect();
        assert_eq!(context(&segments, 0).len(), 9);
        // 1,800 words: the third quarter begins at 1,050 so that 750 words are left.
        assert_eq!(context(&segments, 3).len(), 8);
        assert_eq!(context(&segments[..2], 0).len(), 2);
    }

    #[test]
    fn names_are_compared_by_their_letters() {
        assert_eq!(bare("Anna's,"), "anna");
        assert_eq!(bare("\"Marketing\""), "marketing");
    }
}
