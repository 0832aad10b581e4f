//! From records to documents: a meeting becomes one document, one per passage and one per statement of its minutes.

use std::collections::{BTreeMap, HashMap};

use datasets::{
    ActionStatus, ContextItem, ContextItemId, Language, Meeting, MeetingId, PersonId, SeriesId, Statement, TimeSpan,
    Transcript, Utterance, UtteranceId,
};
use jiff::Timestamp;
use tantivy::TantivyDocument;

use crate::access::granted;
use crate::analyzer::{Analyzer, DETECTION_BYTES, detect_language};
use crate::profile::{TextCounter, stored};
use crate::record::{MeetingProfile, Piece, Record};
use crate::schema::{Fields, order_value, stable_hash};
use crate::vector_segment::to_bytes;
use crate::{ItemKind, MeetingEntry, Passage, WriteIndexError};

/// The value of the owner field for a meeting.
pub(crate) fn meeting_owner(id: &MeetingId) -> String {
    format!("meeting:{id}")
}

/// The value of the owner field for a context item.
pub(crate) fn context_owner(id: &ContextItemId) -> String {
    format!("item:{id}")
}

/// Makes documents of one index.
pub(crate) struct DocumentBuilder {
    fields: Fields,
    counter: TextCounter,
}

/// What all documents of one owner have in common.
struct Owner<'a> {
    id: String,
    group: u64,
    at: Option<Timestamp>,
    series: Option<&'a SeriesId>,
    people: Vec<&'a PersonId>,
    access: Vec<String>,
}

impl DocumentBuilder {
    pub(crate) fn new(fields: Fields) -> Self {
        Self {
            fields,
            counter: TextCounter::new(),
        }
    }

    /// All documents of a meeting; `vectors` as long as `passages`.
    pub(crate) fn meeting(
        &mut self,
        entry: &MeetingEntry<'_>,
        passages: &[Passage],
        vectors: &[Option<Vec<f32>>],
    ) -> Result<Vec<TantivyDocument>, WriteIndexError> {
        let meeting = entry.meeting;
        let owner = Owner {
            id: meeting_owner(&meeting.id),
            group: stable_hash(&[b"meeting", meeting.id.as_str().as_bytes()]),
            at: meeting.started_at,
            series: meeting.series.as_ref(),
            people: meeting
                .participants
                .iter()
                .map(|participant| &participant.person)
                .collect(),
            access: granted(
                &meeting.access,
                meeting.participants.iter().map(|participant| &participant.person),
            ),
        };
        let language = language_of(meeting, entry.transcript);
        let profile = self.profile(meeting, entry.transcript, passages, language);
        let mut documents = vec![self.meeting_document(meeting, &owner, language, &profile)?];
        for (ordinal, (passage, vector)) in passages.iter().zip(vectors).enumerate() {
            let record = passage_record(meeting, entry.transcript, passage, language);
            let mut document = self.document(&owner, &record, ordinal)?;
            self.add_vector(&mut document, vector.as_deref());
            documents.push(document);
        }
        for (ordinal, record) in statement_records(entry).iter().enumerate() {
            documents.push(self.document(&owner, record, ordinal)?);
        }
        Ok(documents)
    }

    /// The document of a context item.
    pub(crate) fn context_item(
        &mut self,
        item: &ContextItem,
        vector: Option<&[f32]>,
    ) -> Result<TantivyDocument, WriteIndexError> {
        let owner = Owner {
            id: context_owner(&item.id),
            group: stable_hash(&[b"item", item.id.as_str().as_bytes()]),
            at: item.at,
            series: item.series.as_ref(),
            people: item.people.iter().collect(),
            access: granted(&item.access, &item.people),
        };
        let text = format!("{}\n{}", item.title, item.text);
        let language = item
            .language
            .or_else(|| detect_language(&text))
            .unwrap_or(Language::ENGLISH);
        let piece = |text: &str| Piece {
            speaker: None,
            text: text.to_owned(),
            language,
        };
        let record = Record {
            kind: ItemKind::of_context(item.kind),
            meeting: None,
            context_item: Some(item.id.clone()),
            statement: None,
            title: item.title.clone(),
            pieces: vec![piece(&item.title), piece(&item.text)],
            evidence: None,
            span: None,
            at: item.at,
            series: item.series.clone(),
            people: item
                .people
                .iter()
                .map(|person| (person.clone(), person.to_string()))
                .collect(),
            status: None,
        };
        let mut document = self.document(&owner, &record, 0)?;
        self.add_vector(&mut document, vector);
        Ok(document)
    }

    fn document(&self, owner: &Owner<'_>, record: &Record, ordinal: usize) -> Result<TantivyDocument, WriteIndexError> {
        let fields = &self.fields;
        let mut document = TantivyDocument::new();
        let kind = record.kind.code();
        // The position counts within the kind, so the key needs both.
        let key = stable_hash(&[&owner.group.to_le_bytes(), &[kind], &(ordinal as u64).to_le_bytes()]);
        document.add_u64(fields.order, order_value(owner.at, owner.group, ordinal));
        document.add_u64(fields.key, key);
        document.add_u64(fields.group, owner.group);
        document.add_u64(fields.kind, u64::from(kind));
        document.add_u64(fields.ordinal, ordinal as u64);
        document.add_text(fields.owner, &owner.id);
        if record.kind == ItemKind::Meeting || record.kind.is_context_item() {
            if let Some(series) = owner.series {
                document.add_text(fields.series, series.as_str());
            }
            for person in &owner.people {
                document.add_text(fields.person, person.as_str());
            }
            for term in &owner.access {
                document.add_text(fields.access, term);
            }
        }
        let mut texts: BTreeMap<Analyzer, String> = BTreeMap::new();
        for piece in &record.pieces {
            let text = texts.entry(Analyzer::for_language(piece.language)).or_default();
            text.push_str(&piece.text);
            text.push('\n');
        }
        for (analyzer, text) in texts {
            document.add_text(fields.words[analyzer as usize], text);
        }
        let record = serde_json::to_string(record).map_err(WriteIndexError::Record)?;
        document.add_text(fields.record, record);
        Ok(document)
    }

    fn meeting_document(
        &self,
        meeting: &Meeting,
        owner: &Owner<'_>,
        language: Language,
        profile: &MeetingProfile,
    ) -> Result<TantivyDocument, WriteIndexError> {
        let people = meeting.participants.iter().map(|participant| participant.name.as_str());
        let texts = [
            meeting.title.clone(),
            meeting.agenda.clone().unwrap_or_default(),
            people.collect::<Vec<_>>().join(", "),
        ];
        let record = Record {
            kind: ItemKind::Meeting,
            pieces: texts
                .into_iter()
                .map(|text| Piece {
                    speaker: None,
                    text,
                    language,
                })
                .collect(),
            people: meeting
                .participants
                .iter()
                .map(|participant| (participant.person.clone(), participant.name.clone()))
                .collect(),
            ..meeting_record(meeting, ItemKind::Meeting)
        };
        let mut document = self.document(owner, &record, 0)?;
        document.add_bytes(self.fields.profile, &profile.to_bytes());
        Ok(document)
    }

    fn add_vector(&self, document: &mut TantivyDocument, vector: Option<&[f32]>) {
        if let (Some(field), Some(vector)) = (self.fields.vector, vector) {
            document.add_custom(field, &to_bytes(vector));
        }
    }

    fn profile(
        &mut self,
        meeting: &Meeting,
        transcript: &Transcript,
        passages: &[Passage],
        language: Language,
    ) -> MeetingProfile {
        for utterance in &transcript.utterances {
            self.counter
                .add(&utterance.text, utterance.language.unwrap_or(language));
        }
        let counts = self.counter.take(false);
        let labels = transcript.speakers();
        let numbers: HashMap<_, u16> = labels.iter().copied().zip(0..).collect();
        MeetingProfile {
            words: stored(&counts.words),
            terms: stored(&counts.terms),
            speakers: labels
                .iter()
                .map(|label| meeting.speaker_name(label).to_owned())
                .collect(),
            shares: passages
                .iter()
                .map(|passage| shares(&transcript.utterances[passage.utterances.clone()], &numbers))
                .collect(),
        }
    }
}

/// Each speaker's share of the words, in percent.
fn shares(utterances: &[Utterance], numbers: &HashMap<&datasets::SpeakerLabel, u16>) -> Vec<(u16, u8)> {
    let mut words: BTreeMap<u16, usize> = BTreeMap::new();
    let mut all = 0;
    for utterance in utterances {
        // An utterance without a word still has a speaker.
        let count = utterance.text.split_whitespace().count() + 1;
        all += count;
        if let Some(&number) = utterance.speaker.as_ref().and_then(|speaker| numbers.get(speaker)) {
            *words.entry(number).or_default() += count;
        }
    }
    words
        .into_iter()
        .map(|(number, count)| (number, (count * 100 / all) as u8))
        .collect()
}

fn language_of(meeting: &Meeting, transcript: &Transcript) -> Language {
    meeting.language.unwrap_or_else(|| {
        let mut text = String::new();
        for utterance in &transcript.utterances {
            text.push_str(&utterance.text);
            text.push(' ');
            if text.len() > DETECTION_BYTES {
                break;
            }
        }
        detect_language(&text).unwrap_or(Language::ENGLISH)
    })
}

fn meeting_record(meeting: &Meeting, kind: ItemKind) -> Record {
    Record {
        kind,
        meeting: Some(meeting.id.clone()),
        context_item: None,
        statement: None,
        title: meeting.title.clone(),
        pieces: Vec::new(),
        evidence: None,
        span: None,
        at: meeting.started_at,
        series: meeting.series.clone(),
        people: Vec::new(),
        status: None,
    }
}

fn passage_record(meeting: &Meeting, transcript: &Transcript, passage: &Passage, language: Language) -> Record {
    let utterances = &transcript.utterances[passage.utterances.clone()];
    let spans: Vec<TimeSpan> = utterances.iter().filter_map(|utterance| utterance.span).collect();
    let evidence = utterances.first().zip(utterances.last());
    Record {
        pieces: utterances
            .iter()
            .map(|utterance| Piece {
                speaker: utterance
                    .speaker
                    .as_ref()
                    .map(|label| meeting.speaker_name(label).to_owned()),
                text: utterance.text.clone(),
                language: utterance.language.unwrap_or(language),
            })
            .collect(),
        evidence: evidence.map(|(first, last)| (first.id.clone(), last.id.clone())),
        span: spans.first().map(|first| {
            let end = spans.iter().map(|span| span.end).max().unwrap_or(first.end);
            TimeSpan::new(first.start, end)
        }),
        ..meeting_record(meeting, ItemKind::Passage)
    }
}

fn statement_records(entry: &MeetingEntry<'_>) -> Vec<Record> {
    let Some(minutes) = entry.minutes else {
        return Vec::new();
    };
    let language = minutes.language;
    let positions = entry.transcript.positions();
    let record = |kind: ItemKind, statement: &Statement| {
        let mut cited: Vec<usize> = statement
            .evidence
            .iter()
            .filter_map(|id| positions.get(id).copied())
            .collect();
        cited.sort_unstable();
        let ends: Option<(UtteranceId, UtteranceId)> = cited.first().zip(cited.last()).map(|(&first, &last)| {
            let id = |position: usize| entry.transcript.utterances[position].id.clone();
            (id(first), id(last))
        });
        Record {
            statement: Some(statement.id.clone()),
            pieces: vec![Piece {
                speaker: None,
                text: statement.text.clone(),
                language,
            }],
            evidence: ends,
            ..meeting_record(entry.meeting, kind)
        }
    };
    let mut records: Vec<Record> = minutes
        .abstract_
        .iter()
        .map(|statement| record(ItemKind::Abstract, statement))
        .collect();
    for topic in &minutes.topics {
        let text: Vec<&str> = std::iter::once(topic.title.as_str())
            .chain(topic.statements.iter().map(|statement| statement.text.as_str()))
            .collect();
        records.push(Record {
            statement: topic.statements.first().map(|statement| statement.id.clone()),
            pieces: text
                .into_iter()
                .map(|text| Piece {
                    speaker: None,
                    text: text.to_owned(),
                    language,
                })
                .collect(),
            evidence: Some((topic.first.clone(), topic.last.clone())),
            span: topic.span,
            ..meeting_record(entry.meeting, ItemKind::Topic)
        });
    }
    records.extend(
        minutes
            .decisions
            .iter()
            .map(|decision| record(ItemKind::Decision, &decision.statement)),
    );
    records.extend(minutes.actions.iter().map(|action| {
        Record {
            status: Some(status(entry, &action.statement)),
            people: action
                .owner
                .iter()
                .map(|owner| (owner.person.clone(), owner.name.clone()))
                .collect(),
            ..record(ItemKind::Action, &action.statement)
        }
    }));
    records.extend(
        minutes
            .questions
            .iter()
            .map(|question| record(ItemKind::Question, &question.statement)),
    );
    records
}

fn status(entry: &MeetingEntry<'_>, statement: &Statement) -> ActionStatus {
    entry
        .action_statuses
        .and_then(|statuses| statuses.get(&statement.id).copied())
        .unwrap_or_default()
}
