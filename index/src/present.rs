//! From a document to what is shown of it: the best part of its text, what matched in it, and why it was found.

use std::ops::Range;

use tantivy::tokenizer::TextAnalyzer;

use crate::analyzer::{Analyzer, LentAnalyzers, tokens};
use crate::hybrid_search::Candidate;
use crate::keyword_search::QueryWord;
use crate::record::Record;
use crate::schema::Fields;
use crate::view::View;
use crate::{Hit, Reason, SearchError, Snippet};

/// Length of a snippet in bytes, about.
const SNIPPET_BYTES: usize = 240;
/// Words that a reason names.
const REASON_WORDS: usize = 8;

/// The hit to show for `candidate`.
pub(crate) fn hit(
    fields: &Fields,
    view: &View,
    candidate: &Candidate,
    highlighter: &mut Highlighter<'_>,
) -> Result<Hit, SearchError> {
    let record = view.record(fields, candidate.segment, candidate.document)?;
    let (snippet, matched) = highlighter.snippet(&record);
    let mut why = Vec::new();
    if !matched.is_empty() {
        why.push(Reason::Words {
            words: matched,
            found_in: record.title.clone(),
        });
    }
    if let Some(cosine) = candidate.cosine.filter(|&cosine| cosine >= 0.3) {
        why.push(Reason::SimilarMeaning(cosine.min(1.0)));
    }
    if why.is_empty() {
        // Found by what is said around it.
        why.push(Reason::Neighbours(1));
    }
    Ok(Hit {
        kind: record.kind,
        meeting: record.meeting,
        context_item: record.context_item,
        statement: record.statement,
        utterances: record.evidence,
        span: record.span,
        title: record.title,
        snippet,
        score: candidate.score.clamp(0.0, 1.0),
        started_at: record.at,
        why,
    })
}

/// Finds the words of a query in texts.
pub(crate) struct Highlighter<'a> {
    words: &'a [QueryWord],
    analyzers: LentAnalyzers,
}

impl<'a> Highlighter<'a> {
    pub(crate) fn new(words: &'a [QueryWord]) -> Self {
        Self {
            words,
            analyzers: LentAnalyzers::new(),
        }
    }

    /// The best part of the record's text, and the words of the query in it as they are written.
    pub(crate) fn snippet(&mut self, record: &Record) -> (Snippet, Vec<String>) {
        snippet(record, self.words, &mut self.analyzers)
    }
}

fn snippet(record: &Record, words: &[QueryWord], analyzers: &mut LentAnalyzers) -> (Snippet, Vec<String>) {
    let mut text = String::new();
    let mut matches: Vec<(Range<usize>, usize)> = Vec::new();
    for piece in &record.pieces {
        if piece.text.trim().is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        if let Some(speaker) = &piece.speaker {
            text.push_str(speaker);
            text.push_str(": ");
        }
        let start = text.len();
        text.push_str(&piece.text);
        let analyzer = Analyzer::for_language(piece.language);
        for (range, word) in matches_in(&piece.text, analyzer, analyzers.get(analyzer), words) {
            matches.push((start + range.start..start + range.end, word));
        }
    }
    let mut matched: Vec<String> = Vec::new();
    for (range, _) in &matches {
        let written = text[range.clone()].to_lowercase();
        if !matched.contains(&written) && matched.len() < REASON_WORDS {
            matched.push(written);
        }
    }
    (cut_out(&text, &matches), matched)
}

fn matches_in(
    text: &str,
    analyzer: Analyzer,
    by: &mut TextAnalyzer,
    words: &[QueryWord],
) -> Vec<(Range<usize>, usize)> {
    tokens(by, text)
        .into_iter()
        .filter_map(|token| {
            let is_it = |word: &QueryWord| word.terms[analyzer as usize].as_ref() == Some(&token.text);
            let word = words.iter().position(is_it)?;
            Some((token.offset_from..token.offset_to, word))
        })
        .collect()
}

/// The window of the text that holds the most different words of the query.
fn cut_out(text: &str, matches: &[(Range<usize>, usize)]) -> Snippet {
    if text.len() <= SNIPPET_BYTES {
        return Snippet {
            text: text.to_owned(),
            highlights: matches.iter().map(|(range, _)| range.clone()).collect(),
        };
    }
    let held = |from: usize| {
        let window = matches
            .iter()
            .filter(|(range, _)| range.start >= from && range.end <= from + SNIPPET_BYTES);
        let mut words: Vec<usize> = window.map(|(_, word)| *word).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        (words.len(), all)
    };
    // The first of the best windows that begin with a match.
    let mut best = (0, (0, 0));
    for (range, _) in matches {
        let count = held(range.start);
        if count > best.1 {
            best = (range.start, count);
        }
    }
    // Some words before the first match make it readable.
    let start = text.floor_char_boundary(best.0.saturating_sub(SNIPPET_BYTES / 6));
    let start = if start == 0 {
        0
    } else {
        text[start..]
            .find(char::is_whitespace)
            .map_or(start, |space| start + space + 1)
    };
    let start = start.min(best.0);
    let mut end = text.floor_char_boundary((start + SNIPPET_BYTES).min(text.len()));
    if end < text.len()
        && let Some(space) = text[start..end].rfind(char::is_whitespace)
    {
        end = start + space;
    }
    let inside = matches
        .iter()
        .filter(|(range, _)| range.start >= start && range.end <= end);
    Snippet {
        text: text[start..end].to_owned(),
        highlights: inside
            .map(|(range, _)| range.start - start..range.end - start)
            .collect(),
    }
}
