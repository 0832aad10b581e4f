//! The fields of the index: words per language, exact terms for filters and access, columns, vectors, stored records.

use serde_json::json;
use tantivy::schema::{FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions};

use crate::EmbeddingSpec;
use crate::analyzer::Analyzer;

/// The custom type that the vector plug-in reads.
pub(crate) const VECTOR_TYPE: &str = "unit_vector";
/// The column that the index is sorted by: when, then which meeting, then which passage.
pub(crate) const ORDER: &str = "order";
/// The column that names each document for good, so that the vector plug-in can find it after a sort or merge.
pub(crate) const KEY: &str = "key";
/// The column that is the same for all documents of one meeting.
pub(crate) const GROUP: &str = "group";
/// The column with [`crate::ItemKind`]'s code.
pub(crate) const KIND: &str = "kind";
/// The column with the position of a passage or statement in its meeting.
pub(crate) const ORDINAL: &str = "ordinal";

/// The schema with its fields by name.
#[derive(Clone)]
pub(crate) struct Fields {
    pub(crate) schema: Schema,
    /// One per [`Analyzer`], in the order of [`Analyzer::ALL`].
    pub(crate) words: [Field; 3],
    /// Meeting or context item, for removal and the meeting filter.
    pub(crate) owner: Field,
    /// This and the next two stand on the meeting itself and hold for all its documents.
    pub(crate) series: Field,
    pub(crate) person: Field,
    /// Who may see it: see [`crate::access`].
    pub(crate) access: Field,
    pub(crate) order: Field,
    pub(crate) key: Field,
    pub(crate) group: Field,
    pub(crate) kind: Field,
    pub(crate) ordinal: Field,
    /// What is shown of a hit.
    pub(crate) record: Field,
    /// What a whole meeting is compared by; on meetings only.
    pub(crate) profile: Field,
    /// `None` when the index holds no vectors.
    pub(crate) vector: Option<Field>,
}

impl Fields {
    pub(crate) fn new(embedding: Option<&EmbeddingSpec>) -> Self {
        let mut schema = Schema::builder();
        let words = Analyzer::ALL.map(|analyzer| {
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(analyzer.name())
                .set_index_option(IndexRecordOption::WithFreqs);
            schema.add_text_field(analyzer.name(), TextOptions::default().set_indexing_options(indexing))
        });
        let owner = schema.add_text_field("owner", STRING);
        let series = schema.add_text_field("series", STRING);
        let person = schema.add_text_field("person", STRING);
        let access = schema.add_text_field("access", STRING);
        let [order, key, group, kind, ordinal] =
            [ORDER, KEY, GROUP, KIND, ORDINAL].map(|name| schema.add_u64_field(name, FAST));
        // As text: tantivy reads stored bytes one by one.
        let record = schema.add_text_field("record", STORED);
        let profile = schema.add_bytes_field("profile", STORED);
        let vector = embedding
            .map(|spec| schema.add_custom_field("vector", VECTOR_TYPE, json!({ "dimensions": spec.dimensions })));
        Self {
            schema: schema.build(),
            words,
            owner,
            series,
            person,
            access,
            order,
            key,
            group,
            kind,
            ordinal,
            record,
            profile,
            vector,
        }
    }
}

/// FNV-1a, 64 bits: stable across versions and platforms, which the standard hasher is not.
pub(crate) fn stable_hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for &byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// Bits of the order below the minute: 24 of the meeting, 14 of the position in it.
const ORDER_MINUTE_SHIFT: u32 = 38;
const ORDER_ORDINAL_BITS: u32 = 14;

/// The value of the order column. Things without a date come first, under minute 0.
pub(crate) fn order_value(at: Option<jiff::Timestamp>, group: u64, ordinal: usize) -> u64 {
    let meeting = (group & 0x00ff_ffff) << ORDER_ORDINAL_BITS;
    let position = (ordinal as u64).min((1 << ORDER_ORDINAL_BITS) - 1);
    order_of_minute(at.map_or(0, minute_of)) | meeting | position
}

/// Minutes since 1970, at least 1: earlier times count as 1970, 0 is for things without a date.
pub(crate) fn minute_of(at: jiff::Timestamp) -> u64 {
    u64::try_from(at.as_second().div_euclid(60))
        .unwrap_or(1)
        .clamp(1, (1 << 26) - 1)
}

/// The least order of everything in a minute.
pub(crate) fn order_of_minute(minute: u64) -> u64 {
    minute << ORDER_MINUTE_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_by_time_then_meeting_then_position() {
        let at = |second| Some(jiff::Timestamp::from_second(second).expect("valid"));
        assert!(order_value(None, u64::MAX, 9) < order_value(at(60), 0, 0));
        assert!(order_value(at(60), 5, 9) < order_value(at(120), 1, 0));
        assert!(order_value(at(60), 5, 1) < order_value(at(60), 5, 2));
        assert!(order_value(at(60), 5, 99_999_999) < order_value(at(60), 6, 0));
        assert_eq!(minute_of(jiff::Timestamp::from_second(-600).expect("valid")), 1);
    }
}
