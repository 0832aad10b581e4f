//! Passage retrieval on QMSum: the specific queries against windows of about 150 words, through the product's own search.
//!
//! A window is relevant when at least half of its turns lie in the turns that the annotators named. Packing and texts are
//! those of the baselines: `speaker: words` without fillers and marks, a window ends with the turn that fills it.

use std::collections::HashSet;
use std::sync::LazyLock;

use datasets::corpora::qmsum::QmsumMeeting;
use datasets::{Language, Meeting, MeetingId, SpeakerLabel, Transcript, Utterance, UtteranceId, Viewer};
use index::{
    EmbeddingSpec, Filters, Index, ItemKind, MeetingEntry, Passage, PassageOptions, SearchMode, SearchRequest,
    passages_with,
};
use regex::Regex;
use serde::Serialize;

use crate::metrics::ndcg::{ndcg, recall, reciprocal_rank};

/// Words of a window.
const WINDOW_WORDS: usize = 150;
/// Depth at which rankings are cut.
const CUT: usize = 10;

/// Makes one vector per text; all of one length.
pub type Embed<'a> = &'a dyn Fn(&[&str]) -> Result<Vec<Vec<f32>>, Box<dyn std::error::Error + Send + Sync>>;

/// Where a query is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RetrievalScope {
    /// In the meeting that it was written for.
    Meeting,
    /// In all meetings of the file.
    All,
}

/// Figures of one run, each a mean over queries, in percent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RetrievalReport {
    /// Where queries were looked for.
    pub scope: RetrievalScope,
    /// Whether vectors took part.
    pub vectors: bool,
    /// Queries with at least one relevant window.
    pub queries: usize,
    /// Meetings in the file.
    pub meetings: usize,
    /// Windows in all.
    pub windows: usize,
    /// nDCG of the first ten.
    pub ndcg_at_10: f64,
    /// Share of the relevant windows among the first ten.
    pub recall_at_10: f64,
    /// Reciprocal rank of the first relevant window among the first ten.
    pub mrr_at_10: f64,
}

/// The evaluation could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    /// No folder for the index.
    #[error("making a folder for the index")]
    Folder(#[source] std::io::Error),
    /// The index could not be made.
    #[error(transparent)]
    Open(#[from] index::OpenIndexError),
    /// The index could not be filled.
    #[error(transparent)]
    Write(#[from] index::WriteIndexError),
    /// A search failed.
    #[error(transparent)]
    Search(#[from] index::SearchError),
    /// The encoder failed.
    #[error("embedding texts")]
    Embed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Runs all specific queries of `meetings`; with `embed`, words and vectors take part, else words alone.
pub fn evaluate(
    meetings: &[QmsumMeeting],
    scope: RetrievalScope,
    embed: Option<Embed<'_>>,
) -> Result<RetrievalReport, RetrievalError> {
    let prepared: Vec<Prepared> = meetings
        .iter()
        .enumerate()
        .map(|(number, meeting)| Prepared::new(number, meeting))
        .collect();
    let folder = tempfile::tempdir().map_err(RetrievalError::Folder)?;
    let index = fill(folder.path(), &prepared, embed)?;
    let queries: Vec<Query<'_>> = prepared
        .iter()
        .zip(meetings)
        .flat_map(|(prepared, meeting)| prepared.queries(meeting))
        .collect();
    let texts: Vec<&str> = queries.iter().map(|query| query.text).collect();
    let vectors = embed
        .map(|embed| embed(&texts))
        .transpose()
        .map_err(RetrievalError::Embed)?;
    let mut sums = [0.0; 3];
    for (number, query) in queries.iter().enumerate() {
        let ranking = query.run(&index, scope, vectors.as_ref().map(|vectors| vectors[number].clone()))?;
        sums[0] += ndcg(&ranking, query.relevant.len(), CUT);
        sums[1] += recall(&ranking, query.relevant.len(), CUT);
        sums[2] += reciprocal_rank(&ranking, CUT);
    }
    let mean = |sum: f64| 100.0 * sum / queries.len().max(1) as f64;
    Ok(RetrievalReport {
        scope,
        vectors: embed.is_some(),
        queries: queries.len(),
        meetings: meetings.len(),
        windows: prepared.iter().map(|meeting| meeting.windows.len()).sum(),
        ndcg_at_10: mean(sums[0]),
        recall_at_10: mean(sums[1]),
        mrr_at_10: mean(sums[2]),
    })
}

/// A meeting as the index takes it.
struct Prepared {
    meeting: Meeting,
    transcript: Transcript,
    windows: Vec<Passage>,
}

/// A query with the windows that answer it, by their first utterance.
struct Query<'a> {
    text: &'a str,
    meeting: &'a MeetingId,
    relevant: HashSet<UtteranceId>,
}

impl Prepared {
    fn new(number: usize, record: &QmsumMeeting) -> Self {
        let utterances = record.turns.iter().enumerate().map(|(position, turn)| Utterance {
            speaker: Some(SpeakerLabel::new(turn.speaker.as_str())),
            ..Utterance::new(Utterance::id_at(position), without_fillers(&turn.content))
        });
        let transcript = Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        };
        let options = PassageOptions {
            words_min: WINDOW_WORDS,
        };
        Self {
            windows: passages_with(None, &transcript, options),
            transcript,
            meeting: Meeting {
                language: Some(Language::ENGLISH),
                // Published files name no meeting: the number keeps them apart.
                ..Meeting::new(MeetingId::new(format!("{number}-{}", record.id)), record.id.as_str())
            },
        }
    }

    fn queries<'a>(&'a self, record: &'a QmsumMeeting) -> Vec<Query<'a>> {
        let query = |query: &'a datasets::corpora::qmsum::SpecificQuery| {
            let answers = |turn: usize| query.spans.iter().any(|span| span.contains(&turn));
            let is_relevant = |window: &&Passage| {
                let answering = window.utterances.clone().filter(|&turn| answers(turn)).count();
                2 * answering >= window.utterances.len()
            };
            let first = |window: &Passage| self.transcript.utterances[window.utterances.start].id.clone();
            Query {
                text: &query.query,
                meeting: &self.meeting.id,
                relevant: self.windows.iter().filter(is_relevant).map(first).collect(),
            }
        };
        let queries = record.specific_queries.iter().map(query);
        queries.filter(|query| !query.relevant.is_empty()).collect()
    }
}

impl Query<'_> {
    /// Of each hit, best first, whether it is relevant.
    fn run(
        &self,
        index: &Index,
        scope: RetrievalScope,
        vector: Option<Vec<f32>>,
    ) -> Result<Vec<bool>, index::SearchError> {
        let meetings = match scope {
            RetrievalScope::Meeting => vec![self.meeting.clone()],
            RetrievalScope::All => Vec::new(),
        };
        let results = index.search(&SearchRequest {
            text: self.text.to_owned(),
            vector,
            mode: SearchMode::Hybrid,
            filters: Filters {
                meetings,
                kinds: vec![ItemKind::Passage],
                ..Filters::default()
            },
            viewer: Viewer::Operator,
            limit: CUT,
            offset: 0,
        })?;
        let is_relevant = |hit: &index::Hit| {
            let first = hit.utterances.as_ref().map(|(first, _)| first);
            hit.meeting.as_ref() == Some(self.meeting) && first.is_some_and(|first| self.relevant.contains(first))
        };
        Ok(results.hits.iter().map(is_relevant).collect())
    }
}

fn fill(folder: &std::path::Path, meetings: &[Prepared], embed: Option<Embed<'_>>) -> Result<Index, RetrievalError> {
    let texts: Vec<&str> = meetings
        .iter()
        .flat_map(|meeting| meeting.windows.iter().map(|window| window.text.as_str()))
        .collect();
    let vectors = embed
        .map(|embed| embed(&texts))
        .transpose()
        .map_err(RetrievalError::Embed)?;
    let spec = vectors
        .as_ref()
        .and_then(|vectors| vectors.first())
        .map(|vector| EmbeddingSpec {
            dimensions: vector.len(),
            model_sha256: String::new(),
        });
    let index = Index::open_or_create(folder, spec.as_ref())?;
    let mut writer = index.writer()?;
    let mut done = 0;
    for meeting in meetings {
        let windows = done..done + meeting.windows.len();
        done = windows.end;
        writer.put_meeting(&MeetingEntry {
            meeting: &meeting.meeting,
            transcript: &meeting.transcript,
            minutes: None,
            action_statuses: None,
            passages: Some(&meeting.windows),
            vectors: vectors.as_ref().map(|vectors| &vectors[windows]),
        })?;
    }
    writer.commit()?;
    Ok(index)
}

/// The text as the baselines clean it.
fn without_fillers(text: &str) -> String {
    static FILLERS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(uh+|um+|mm+|hmm+|uh-huh|mm-hmm)\b[ ,]*|\{[^}]*\}|<[^>]*>").expect("the pattern is constant")
    });
    let text = FILLERS.replace_all(text, " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_and_marks_go() {
        assert_eq!(
            without_fillers("Uh, the {vocalsound} um price , mm-hmm ."),
            "the price , - ."
        );
    }

    #[test]
    fn a_query_finds_its_window_in_its_meeting_and_among_all() {
        let turn = |speaker: &str, content: &str| format!(r#"{{"speaker":"{speaker}","content":"{content}"}}"#);
        let filler = "so we go on with other things of the day and come back later ".repeat(12);
        let record = |id: &str, matter: &str| {
            format!(
                r#"{{"id":"{id}","domain":"Product","meeting_transcripts":[{},{},{}],"specific_query_list":[{{"query":"What was said about the {matter}?","answer":"","relevant_text_span":[["1","1"]]}}]}}"#,
                turn("Ann", &filler),
                turn("Bob", &format!("the {matter} is what we talk of {filler}")),
                turn("Cid", &filler),
            )
        };
        let lines = [record("a", "battery"), record("b", "colour")];
        let meetings: Vec<QmsumMeeting> = lines
            .iter()
            .map(|line| serde_json::from_str(line).expect("a record"))
            .collect();
        for scope in [RetrievalScope::Meeting, RetrievalScope::All] {
            let report = evaluate(&meetings, scope, None).expect("runs");
            assert_eq!((report.queries, report.windows), (2, 6));
            assert!((report.mrr_at_10 - 100.0).abs() < 1e-9, "{report:?}");
        }
    }
}
