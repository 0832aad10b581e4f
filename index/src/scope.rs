//! Which documents of an index segment a question may look at: those the viewer may see, and among them those that pass
//! the filters. Everything that is counted or weighed is counted over these alone.

use std::ops::Range;

use datasets::Viewer;
use jiff::Timestamp;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, SegmentReader, Term};

use crate::document::meeting_owner;
use crate::schema::{Fields, minute_of, order_of_minute};
use crate::view::Columns;
use crate::{Filters, ItemKind, access};

/// A set of documents of one index segment.
#[derive(Clone)]
pub(crate) struct Documents(Vec<u64>);

impl Documents {
    fn none(count: u32) -> Self {
        Self(vec![0; (count as usize).div_ceil(64)])
    }

    fn insert(&mut self, document: DocId) {
        self.0[document as usize / 64] |= 1 << (document % 64);
    }

    #[inline]
    pub(crate) fn contains(&self, document: DocId) -> bool {
        self.0[document as usize / 64] >> (document % 64) & 1 == 1
    }

    fn intersect(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// What a question may look at in one index segment.
pub(crate) struct Scope {
    /// What the viewer may see; `None` for everything.
    pub(crate) visible: Option<Documents>,
    /// What passes viewer and filters, within `range`; `None` for everything in it.
    pub(crate) eligible: Option<Documents>,
    /// The documents in the time that is asked for: the index is sorted by it.
    pub(crate) range: Range<DocId>,
    /// How many the viewer may see.
    pub(crate) visible_count: usize,
}

impl Scope {
    /// The scope of one index segment. Kinds are left to the caller, as passages are evidence for other kinds.
    pub(crate) fn new(
        fields: &Fields,
        reader: &SegmentReader,
        columns: &Columns,
        viewer: &Viewer,
        filters: &Filters,
    ) -> tantivy::Result<Self> {
        let mut visible = alive(reader);
        if let Some(mut held) = access::held(viewer, Timestamp::now()) {
            for range in held.ranges {
                held.terms.extend(terms_within(reader, fields.access, &range)?);
            }
            let seen = with_any(reader, columns, fields.access, held.terms.iter().map(String::as_str))?;
            restrict(&mut visible, seen);
        }
        let visible_count = visible.as_ref().map_or(reader.max_doc() as usize, Documents::count);
        let mut eligible = visible.clone();
        let owners: Vec<String> = filters.meetings.iter().map(meeting_owner).collect();
        let filters_by_term: [(Field, Vec<&str>); 3] = [
            (fields.owner, owners.iter().map(String::as_str).collect()),
            (
                fields.series,
                filters.series.iter().map(|series| series.as_str()).collect(),
            ),
            (
                fields.person,
                filters.people.iter().map(|person| person.as_str()).collect(),
            ),
        ];
        for (field, values) in filters_by_term {
            if !values.is_empty() {
                restrict(&mut eligible, with_any(reader, columns, field, values)?);
            }
        }
        Ok(Self {
            visible,
            eligible,
            range: time_range(columns, filters),
            visible_count,
        })
    }

    #[inline]
    pub(crate) fn is_visible(&self, document: DocId) -> bool {
        self.visible.as_ref().is_none_or(|visible| visible.contains(document))
    }

    #[inline]
    pub(crate) fn is_eligible(&self, document: DocId) -> bool {
        self.range.contains(&document)
            && self
                .eligible
                .as_ref()
                .is_none_or(|eligible| eligible.contains(document))
    }

    /// Whether every document of the index segment is eligible.
    pub(crate) fn is_whole(&self) -> bool {
        self.visible.is_none() && self.eligible.is_none() && self.range.len() == self.visible_count
    }

    /// At most how many documents are eligible.
    pub(crate) fn eligible_count(&self) -> usize {
        let in_time = self.range.len();
        self.eligible
            .as_ref()
            .map_or(in_time, |eligible| eligible.count().min(in_time))
    }
}

fn restrict(set: &mut Option<Documents>, by: Documents) {
    match set {
        Some(set) => set.intersect(&by),
        None => *set = Some(by),
    }
}

fn alive(reader: &SegmentReader) -> Option<Documents> {
    reader.has_deletes().then(|| {
        let mut documents = Documents::none(reader.max_doc());
        for document in reader.doc_ids_alive() {
            documents.insert(document);
        }
        documents
    })
}

/// The terms of the index segment that lie in a range.
fn terms_within(reader: &SegmentReader, field: Field, range: &Range<String>) -> tantivy::Result<Vec<String>> {
    let inverted = reader.inverted_index(field)?;
    let mut stream = inverted.terms().range().ge(&range.start).lt(&range.end).into_stream()?;
    let mut terms = Vec::new();
    while stream.advance() {
        terms.extend(std::str::from_utf8(stream.key()).ok().map(str::to_owned));
    }
    Ok(terms)
}

/// Documents with at least one of the values, and all documents of a meeting whose own document has one.
fn with_any<'a>(
    reader: &SegmentReader,
    columns: &Columns,
    field: Field,
    values: impl IntoIterator<Item = &'a str>,
) -> tantivy::Result<Documents> {
    let mut documents = Documents::none(reader.max_doc());
    let inverted = reader.inverted_index(field)?;
    for value in values {
        let term = Term::from_field_text(field, value);
        if let Some(mut postings) = inverted.read_block_postings(&term, IndexRecordOption::Basic)? {
            while !postings.docs().is_empty() {
                for &document in postings.docs() {
                    documents.insert(document);
                    if columns.kind[document as usize] == ItemKind::Meeting.code()
                        && let Some(meeting) = columns.meetings.get(columns.meeting_of[document as usize] as usize)
                    {
                        meeting.all.iter().for_each(|&document| documents.insert(document));
                    }
                }
                postings.advance();
            }
        }
    }
    Ok(documents)
}

/// Documents from `from` to `until`; with either bound, those without a date fall out.
fn time_range(columns: &Columns, filters: &Filters) -> Range<DocId> {
    if filters.from.is_none() && filters.until.is_none() {
        return 0..columns.order.len() as DocId;
    }
    let first = filters.from.map_or(1, minute_of);
    // The minute after the last, so that the whole of the last minute is in.
    let end = filters
        .until
        .map_or(u64::MAX, |until| order_of_minute(minute_of(until) + 1));
    let position = |bound: u64| columns.order.partition_point(|&order| order < bound) as DocId;
    let (first, end) = (position(order_of_minute(first)), position(end));
    first..end.max(first)
}
