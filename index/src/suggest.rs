//! Search as you type: words of what the viewer may see that begin with what was typed.

use std::collections::{BTreeMap, HashMap};

use datasets::Viewer;
use tantivy::TantivyDocument;

use crate::analyzer::plain_words;
use crate::record::Record;
use crate::schema::Fields;
use crate::scope::Scope;
use crate::view::View;
use crate::{Filters, ItemKind, SearchError};

/// Records that are read at most: titles and statements of the latest meetings and items.
const RECORDS_MAX: usize = 2000;

/// Words that begin with `prefix`, the most frequent first. They come from titles, statements and context items that
/// `viewer` may see, because terms of the index are stems and belong to nobody.
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
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut left = RECORDS_MAX;
    for (reader, columns) in view.segments() {
        let scope = Scope::new(fields, reader, columns, viewer, &Filters::default())?;
        let store = reader.get_store_reader(4)?;
        for document in (0..reader.max_doc()).rev() {
            if left == 0 {
                break;
            }
            if columns.kind[document as usize] == ItemKind::Passage.code() || !scope.is_visible(document) {
                continue;
            }
            left -= 1;
            let stored: TantivyDocument = store.get(document)?;
            let record = Record::of(&stored, fields)?;
            for text in record.pieces.iter().map(|piece| piece.text.as_str()) {
                for token in plain_words(text) {
                    if token.text.starts_with(&prefix) {
                        *counts
                            .entry(text[token.offset_from..token.offset_to].to_lowercase())
                            .or_default() += 1;
                    }
                }
            }
        }
    }
    let by_count: BTreeMap<_, _> = counts
        .into_iter()
        .map(|(word, count)| ((std::cmp::Reverse(count), word.clone()), word))
        .collect();
    Ok(by_count.into_values().take(limit).collect())
}
