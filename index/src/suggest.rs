//! Search as you type: words of what the viewer may see that begin with what was typed.

use std::cmp::Reverse;
use std::collections::HashMap;

use datasets::Viewer;
use tantivy::{DocId, SegmentReader, TantivyDocument};

use crate::analyzer::{Analyzer, plain_words, tokens};
use crate::record::Record;
use crate::schema::Fields;
use crate::scope::Scope;
use crate::view::{Columns, View};
use crate::{Filters, ItemKind, SearchError};

/// A word is completed from this many letters on, to the most frequent of those that begin so.
const COMPLETED_FROM: usize = 2;
const COMPLETIONS: usize = 3;

/// The words of titles, statements and context items of one index segment, and where they stand. Not of the terms of the
/// index, which are stems and belong to nobody.
pub(crate) struct WrittenWords {
    /// In the order of their folded forms.
    words: Vec<WrittenWord>,
    /// The documents of all words, word after word; one that holds a word twice stands twice.
    documents: Vec<DocId>,
}

struct WrittenWord {
    /// Without case and accents: what was typed is compared with it.
    folded: Box<str>,
    written: Box<str>,
    /// Where its documents begin.
    start: usize,
}

impl WrittenWords {
    pub(crate) fn read(fields: &Fields, reader: &SegmentReader, columns: &Columns) -> Result<Self, SearchError> {
        let store = reader.get_store_reader(1)?;
        let mut analyzer = Analyzer::Other.build();
        let mut found: HashMap<String, (String, Vec<DocId>), foldhash::fast::RandomState> = HashMap::default();
        for document in reader.doc_ids_alive() {
            if columns.kind[document as usize] == ItemKind::Passage.code() {
                continue;
            }
            let stored: TantivyDocument = store.get(document)?;
            let record = Record::of(&stored, fields)?;
            for text in record.pieces.iter().map(|piece| piece.text.as_str()) {
                for token in tokens(&mut analyzer, text) {
                    let written = text[token.offset_from..token.offset_to].to_lowercase();
                    let known = found.entry(written).or_insert_with(|| (token.text, Vec::new()));
                    known.1.push(document);
                }
            }
        }
        let mut found: Vec<(String, (String, Vec<DocId>))> = found.into_iter().collect();
        found.sort_unstable_by(|a, b| (&a.1.0, &a.0).cmp(&(&b.1.0, &b.0)));
        let mut words = Self {
            words: Vec::with_capacity(found.len()),
            documents: Vec::new(),
        };
        for (written, (folded, documents)) in found {
            words.words.push(WrittenWord {
                folded: folded.into_boxed_str(),
                written: written.into_boxed_str(),
                start: words.documents.len(),
            });
            words.documents.extend(documents);
        }
        Ok(words)
    }

    /// Words that begin with `prefix`, each with where it stands.
    fn beginning_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [DocId])> {
        let first = self.words.partition_point(|word| *word.folded < *prefix);
        let all = self.words[first..].iter().enumerate();
        let beginning = all.take_while(move |(_, word)| word.folded.starts_with(prefix));
        beginning.map(move |(number, word)| {
            let next = self.words.get(first + number + 1);
            let end = next.map_or(self.documents.len(), |next| next.start);
            (&*word.written, &self.documents[word.start..end])
        })
    }
}

/// Words that begin with `prefix`, the most frequent first.
pub(crate) fn suggest(
    fields: &Fields,
    view: &View,
    prefix: &str,
    viewer: &Viewer,
    limit: usize,
) -> Result<Vec<String>, SearchError> {
    let Some(prefix) = plain_words(prefix).pop().map(|token| token.text) else {
        return Ok(Vec::new());
    };
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (reader, columns) in view.segments() {
        let scope = Scope::new(fields, reader, columns, viewer, &Filters::default())?;
        for (written, documents) in columns.written_words(fields, reader)?.beginning_with(&prefix) {
            let seen = documents.iter().filter(|&&document| scope.is_visible(document)).count();
            if seen > 0 {
                *counts.entry(written).or_default() += seen;
            }
        }
    }
    let mut words: Vec<(&str, usize)> = counts.into_iter().collect();
    words.sort_unstable_by_key(|&(word, count)| (Reverse(count), word));
    Ok(words.into_iter().take(limit).map(|(word, _)| word.to_owned()).collect())
}

/// `text` and, if it ends within a word, what that word is most likely to become.
pub(crate) fn completed(fields: &Fields, view: &View, text: &str, viewer: &Viewer) -> Result<String, SearchError> {
    let begun = text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let mut completed = text.to_owned();
    if begun.chars().count() >= COMPLETED_FROM {
        for word in suggest(fields, view, begun, viewer, COMPLETIONS)? {
            if word.to_lowercase() != begun.to_lowercase() {
                completed.push(' ');
                completed.push_str(&word);
            }
        }
    }
    Ok(completed)
}
