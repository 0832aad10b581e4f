//! What searches look at between two commits: the index segments, their columns in memory, and the meetings in them.
//!
//! Built at each commit; the columns of an index segment that did not change are taken over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tantivy::index::SegmentId;
use tantivy::schema::Value;
use tantivy::{DocId, Searcher, SegmentReader, TantivyDocument};

use crate::analyzer::plain_words;
use crate::keyword_search::document_lengths;
use crate::record::{MeetingProfile, Record};
use crate::related_meetings::PoolStatistics;
use crate::schema::{Fields, GROUP, KIND, ORDER, ORDINAL};
use crate::suggest::WrittenWords;
use crate::vector_segment::VectorSegment;
use crate::vocabulary::Vocabulary;
use crate::{ItemKind, SearchError};

/// All index segments at one commit.
pub(crate) struct View {
    pub(crate) searcher: Searcher,
    /// In the order of `searcher`'s segments.
    pub(crate) columns: Vec<Arc<Columns>>,
    vocabulary: OnceLock<Vocabulary>,
    /// The pools that were asked for last.
    pools: Mutex<Vec<Arc<PoolStatistics>>>,
}

/// Pools that are remembered, one for each set of meetings that somebody may see: a few megabytes in a large library.
const POOLS_MAX: usize = 16;

/// The columns of one index segment, and its meetings.
pub(crate) struct Columns {
    /// The segment and its deletions: they say whether the columns still hold.
    state: (SegmentId, Option<u64>),
    /// Ascending.
    pub(crate) order: Vec<u64>,
    pub(crate) kind: Vec<u8>,
    /// Position in `meetings`; `u32::MAX` for context items and deleted documents.
    pub(crate) meeting_of: Vec<u32>,
    /// Of a passage its position in its meeting's `passages`.
    pub(crate) position_of: Vec<u32>,
    /// Terms in each document, all languages together.
    pub(crate) lengths: Vec<f32>,
    pub(crate) meetings: Vec<MeetingDocuments>,
    /// Meetings and speakers in them, by each word of the speaker's name.
    pub(crate) speakers_by_word: HashMap<String, Vec<(u32, u16)>>,
    pub(crate) vectors: Option<VectorSegment>,
    written_words: OnceLock<WrittenWords>,
}

/// The documents of one meeting.
pub(crate) struct MeetingDocuments {
    /// The document of the meeting itself.
    pub(crate) document: Option<DocId>,
    /// In order of time.
    pub(crate) passages: Vec<DocId>,
    /// All of them, ascending: the index is sorted by meeting, so they lie close together.
    pub(crate) all: Vec<DocId>,
    pub(crate) profile: MeetingProfile,
    /// What is shown of it, without its text.
    pub(crate) record: Option<Record>,
    /// The words of each speaker's name, in the order of the profile's speakers.
    pub(crate) speaker_words: Vec<Vec<String>>,
}

/// No meeting.
pub(crate) const NO_MEETING: u32 = u32::MAX;

impl View {
    pub(crate) fn build(searcher: &Searcher, fields: &Fields, before: Option<&View>) -> tantivy::Result<Self> {
        let columns = searcher.segment_readers().iter().map(|reader| {
            let state = (reader.segment_id(), reader.delete_opstamp());
            match before.and_then(|view| view.columns.iter().find(|columns| columns.state == state)) {
                Some(columns) => Ok(Arc::clone(columns)),
                None => Columns::read(reader, fields).map(Arc::new),
            }
        });
        Ok(Self {
            columns: columns.collect::<tantivy::Result<_>>()?,
            vocabulary: OnceLock::new(),
            pools: Mutex::default(),
            searcher: searcher.clone(),
        })
    }

    /// Index segments with their columns.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (&SegmentReader, &Columns)> {
        self.searcher
            .segment_readers()
            .iter()
            .zip(self.columns.iter().map(Arc::as_ref))
    }

    /// The words of all meetings, numbered; made when the first recommendation asks for it.
    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        self.vocabulary.get_or_init(|| Vocabulary::new(&self.columns))
    }

    /// What the meetings of `pool` are among themselves.
    pub(crate) fn pool(&self, pool: Vec<(usize, u32)>) -> Arc<PoolStatistics> {
        // A poisoned lock holds whole entries all the same.
        let remembered = || self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        // The one that was asked for last is forgotten last.
        let keep = |mut pools: MutexGuard<'_, Vec<Arc<PoolStatistics>>>, latest: Arc<PoolStatistics>| {
            pools.push(Arc::clone(&latest));
            latest
        };
        let mut pools = remembered();
        if let Some(place) = pools.iter().position(|known| known.pool == pool) {
            let known = pools.remove(place);
            return keep(pools, known);
        }
        drop(pools);
        let made = Arc::new(PoolStatistics::new(self.vocabulary(), pool));
        let mut pools = remembered();
        if pools.len() >= POOLS_MAX {
            pools.remove(0);
        }
        keep(pools, made)
    }

    /// What is stored of a document.
    pub(crate) fn record(&self, fields: &Fields, segment: usize, document: DocId) -> Result<Record, SearchError> {
        let stored: TantivyDocument = self.searcher.doc(tantivy::DocAddress::new(segment as u32, document))?;
        Record::of(&stored, fields)
    }
}

impl Columns {
    fn read(reader: &SegmentReader, fields: &Fields) -> tantivy::Result<Self> {
        let column = |name: &str| -> tantivy::Result<Vec<u64>> {
            let column = reader.fast_fields().u64(name)?;
            Ok((0..reader.max_doc())
                .map(|document| column.first(document).unwrap_or(0))
                .collect())
        };
        let (order, group, ordinal) = (column(ORDER)?, column(GROUP)?, column(ORDINAL)?);
        let kind: Vec<u8> = column(KIND)?.into_iter().map(|code| code as u8).collect();
        let mut columns = Self {
            state: (reader.segment_id(), reader.delete_opstamp()),
            order,
            meeting_of: vec![NO_MEETING; kind.len()],
            position_of: vec![0; kind.len()],
            kind,
            lengths: document_lengths(fields, reader)?,
            meetings: Vec::new(),
            speakers_by_word: HashMap::new(),
            vectors: VectorSegment::open(reader)?,
            written_words: OnceLock::new(),
        };
        columns.gather_meetings(reader, &group);
        for meeting in &mut columns.meetings {
            meeting.passages.sort_by_key(|&passage| ordinal[passage as usize]);
            for (position, &passage) in (0..).zip(&meeting.passages) {
                columns.position_of[passage as usize] = position;
            }
        }
        columns.read_profiles(reader, fields)?;
        for (number, meeting) in (0..).zip(&columns.meetings) {
            for (speaker, words) in (0..).zip(&meeting.speaker_words) {
                for word in words {
                    columns
                        .speakers_by_word
                        .entry(word.clone())
                        .or_default()
                        .push((number, speaker));
                }
            }
        }
        Ok(columns)
    }

    /// The words that can be completed; read when somebody types for the first time.
    pub(crate) fn written_words(&self, fields: &Fields, reader: &SegmentReader) -> Result<&WrittenWords, SearchError> {
        if let Some(words) = self.written_words.get() {
            return Ok(words);
        }
        let words = WrittenWords::read(fields, reader, self)?;
        Ok(self.written_words.get_or_init(|| words))
    }

    fn gather_meetings(&mut self, reader: &SegmentReader, group: &[u64]) {
        let mut by_group: HashMap<u64, u32> = HashMap::new();
        for document in reader.doc_ids_alive() {
            let kind = ItemKind::from_code(self.kind[document as usize]);
            if kind.is_none_or(ItemKind::is_context_item) {
                continue;
            }
            let meetings = &mut self.meetings;
            let meeting = *by_group.entry(group[document as usize]).or_insert_with(|| {
                meetings.push(MeetingDocuments {
                    document: None,
                    passages: Vec::new(),
                    all: Vec::new(),
                    profile: MeetingProfile::default(),
                    record: None,
                    speaker_words: Vec::new(),
                });
                meetings.len() as u32 - 1
            });
            self.meeting_of[document as usize] = meeting;
            meetings[meeting as usize].all.push(document);
            match kind {
                Some(ItemKind::Meeting) => meetings[meeting as usize].document = Some(document),
                Some(ItemKind::Passage) => meetings[meeting as usize].passages.push(document),
                _ => {}
            }
        }
    }

    fn read_profiles(&mut self, reader: &SegmentReader, fields: &Fields) -> tantivy::Result<()> {
        let store = reader.get_store_reader(2)?;
        for meeting in &mut self.meetings {
            let Some(document) = meeting.document else { continue };
            let stored: TantivyDocument = store.get(document)?;
            let bytes = stored.get_first(fields.profile).and_then(|value| value.as_bytes());
            meeting.profile = MeetingProfile::from_bytes(bytes.unwrap_or_default());
            meeting.record = Record::of(&stored, fields).ok();
            if let Some(record) = &mut meeting.record {
                record.pieces = Vec::new();
            }
            meeting.speaker_words = meeting
                .profile
                .speakers
                .iter()
                .map(|name| plain_words(name).into_iter().map(|token| token.text).collect())
                .collect();
        }
        Ok(())
    }
}
