//! Words against documents: which documents of the scope hold which words of the query, how often, and how rare each word
//! is among what the viewer may see.
//!
//! Term at a time over whole posting lists: every score of a segment is known afterwards, which the smoothing along the
//! time of a meeting needs, and a document frequency never counts what the viewer may not see.

use std::collections::HashSet;

use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, SegmentReader, Term};

use crate::analyzer::{Analyzer, LentAnalyzers, detect_language, is_request_word, plain_words, tokens};
use crate::schema::Fields;
use crate::scope::Scope;

/// Saturation of BM25 (Robertson and Zaragoza 2009, the usual value).
pub(crate) const K1: f32 = 1.2;
/// How far BM25 takes length into account (the usual value).
pub(crate) const B: f32 = 0.75;
/// Terms in a usual passage. Fixed, because an average over the index would tell of documents that may not be seen.
pub(crate) const USUAL_TERMS: f32 = 50.0;

/// A word of the query, with the term that stands for it in each language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueryWord {
    /// As written, folded.
    pub(crate) plain: String,
    /// By [`Analyzer`]; `None` where it is a stop word.
    pub(crate) terms: [Option<String>; 3],
    /// 1 in a search; the frequency in a context.
    pub(crate) weight: f32,
}

/// The words of `text` that say what is looked for, each once. Words of asking ("summarize", "did they discuss") count
/// only where there is nothing else.
pub(crate) fn query_words(text: &str) -> Vec<QueryWord> {
    let sure = detect_language(text).map(Analyzer::for_language);
    let mut analyzers = LentAnalyzers::new();
    let mut words: Vec<QueryWord> = Vec::new();
    let mut known = HashSet::new();
    for token in plain_words(text) {
        let written = &text[token.offset_from..token.offset_to];
        let mut terms =
            Analyzer::ALL.map(|analyzer| tokens(analyzers.get(analyzer), written).pop().map(|token| token.text));
        let stop_words = [Analyzer::English, Analyzer::French].map(|analyzer| terms[analyzer as usize].is_none());
        let is_stop_word = match sure {
            Some(analyzer @ (Analyzer::English | Analyzer::French)) => stop_words[analyzer as usize],
            // Not sure: a word is left out where either language has no use for it.
            _ => stop_words.contains(&true),
        };
        if is_stop_word {
            continue;
        }
        if terms.iter().all(Option::is_none) || !known.insert(terms.clone()) {
            continue;
        }
        terms[Analyzer::Other as usize] = Some(token.text.clone());
        words.push(QueryWord {
            plain: token.text,
            terms,
            weight: 1.0,
        });
    }
    // "l'équipe" asks as "équipe" does.
    let asks = |word: &QueryWord| is_request_word(word.plain.rsplit(['\'', '’']).next().unwrap_or(&word.plain));
    if words.iter().any(|word| !asks(word)) {
        words.retain(|word| !asks(word));
    }
    words
}

/// Where a word stands in one index segment: documents of the scope, ascending.
#[derive(Default)]
pub(crate) struct WordPostings {
    pub(crate) documents: Vec<DocId>,
    pub(crate) frequencies: Vec<u32>,
    /// In how many documents that the viewer may see.
    pub(crate) visible: usize,
}

impl WordPostings {
    /// Reads the postings of `word`.
    pub(crate) fn read(
        fields: &Fields,
        reader: &SegmentReader,
        scope: &Scope,
        word: &QueryWord,
    ) -> tantivy::Result<Self> {
        let mut postings = Self::default();
        let mut lists = 0;
        for analyzer in Analyzer::ALL {
            if let Some(term) = &word.terms[analyzer as usize] {
                lists += usize::from(postings.add(fields.words[analyzer as usize], reader, scope, term)?);
            }
        }
        if lists > 1 {
            postings.merge();
        }
        Ok(postings)
    }

    fn add(&mut self, field: Field, reader: &SegmentReader, scope: &Scope, term: &str) -> tantivy::Result<bool> {
        let inverted = reader.inverted_index(field)?;
        let Some(info) = inverted.get_term_info(&Term::from_field_text(field, term))? else {
            return Ok(false);
        };
        let mut blocks = inverted.read_block_postings_from_terminfo(&info, IndexRecordOption::WithFreqs)?;
        let mut from = 0;
        if scope.is_whole() {
            let count = info.doc_freq as usize;
            self.visible += count;
            self.documents.reserve(count);
            self.frequencies.reserve(count);
            while !blocks.docs().is_empty() {
                self.documents.extend_from_slice(blocks.docs());
                self.frequencies.extend_from_slice(blocks.freqs());
                blocks.advance();
            }
            return Ok(true);
        }
        if scope.visible.is_none() {
            // Everything is visible: the count is known, and only the time that is asked for is read.
            self.visible += info.doc_freq as usize;
            if scope.range.start > 0 {
                from = blocks.seek(scope.range.start);
            }
        }
        loop {
            let documents = blocks.docs();
            if documents.is_empty() {
                break;
            }
            self.add_block(
                scope,
                &documents[from.min(documents.len())..],
                &blocks.freqs()[from.min(documents.len())..],
            );
            if scope.visible.is_none() && documents.last().is_some_and(|&last| last >= scope.range.end) {
                break;
            }
            blocks.advance();
            from = 0;
        }
        Ok(true)
    }

    fn add_block(&mut self, scope: &Scope, documents: &[DocId], frequencies: &[u32]) {
        for (&document, &frequency) in documents.iter().zip(frequencies) {
            if scope.visible.is_some() {
                self.visible += usize::from(scope.is_visible(document));
            }
            if scope.is_eligible(document) {
                self.documents.push(document);
                self.frequencies.push(frequency);
            }
        }
    }

    /// Brings the lists of several languages into one, documents ascending and each once.
    fn merge(&mut self) {
        let mut pairs: Vec<(DocId, u32)> = self
            .documents
            .iter()
            .copied()
            .zip(self.frequencies.iter().copied())
            .collect();
        pairs.sort_unstable();
        self.documents.clear();
        self.frequencies.clear();
        for (document, frequency) in pairs {
            match self.documents.last() {
                Some(&last) if last == document => {
                    if let Some(sum) = self.frequencies.last_mut() {
                        *sum += frequency;
                    }
                }
                _ => {
                    self.documents.push(document);
                    self.frequencies.push(frequency);
                }
            }
        }
    }

    /// How often the word stands in `document`.
    pub(crate) fn frequency(&self, document: DocId) -> u32 {
        self.documents
            .binary_search(&document)
            .map_or(0, |position| self.frequencies[position])
    }
}

/// Number of terms of each document, all languages together.
pub(crate) fn document_lengths(fields: &Fields, reader: &SegmentReader) -> tantivy::Result<Vec<f32>> {
    let mut lengths = vec![0.0; reader.max_doc() as usize];
    for field in fields.words {
        if let Some(norms) = reader.fieldnorms_readers().get_field(field)? {
            for (document, length) in (0..).zip(&mut lengths) {
                *length += norms.fieldnorm(document) as f32;
            }
        }
    }
    Ok(lengths)
}

/// How telling a word is that stands in `holding` of `all` documents.
pub(crate) fn inverse_document_frequency(holding: usize, all: usize) -> f32 {
    let (holding, all) = (holding as f32, all.max(holding) as f32);
    (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
}

/// BM25's weight of a word that stands `frequency` times in a text of `length` terms.
#[inline]
pub(crate) fn bm25(frequency: f32, length: f32) -> f32 {
    frequency * (K1 + 1.0) / (frequency + K1 * (1.0 - B + B * length / USUAL_TERMS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let words: Vec<String> = query_words(text).into_iter().map(|word| word.plain).collect();
        assert_eq!(words, expected, "{text}");
    }

    #[test]
    fn a_query_is_what_is_asked_about() {
        check(
            "Summarize the discussion about the remote control.",
            &["remote", "control"],
        );
        check("Qu'est-ce que le groupe a dit du budget de l'équipe ?", &["budget"]);
        check("budget 2026", &["budget", "2026"]);
        check("discussion", &["discussion"]);
        check("", &[]);
    }

    #[test]
    fn rarer_words_tell_more() {
        assert!(inverse_document_frequency(1, 100) > inverse_document_frequency(50, 100));
        assert!(inverse_document_frequency(100, 100) > 0.0);
    }
}
