//! Rows of meetings, participants, transcripts and utterances.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{TableError, TableRow, parse};
use crate::arrow_schema::Table;
use crate::{
    Access, Delegate, Delegation, GroupId, Language, MediaTime, Meeting, MeetingId, Participant, PersonId, Provenance,
    Right, SeriesId, Source, SpeakerLabel, SuppressedSpan, SuppressionReason, TimeSpan, Transcript, Utterance,
    UtteranceId, Visibility, Word,
};

/// A row of `meetings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Meeting"
)]
pub struct MeetingRow {
    pub meeting: String,
    pub title: String,
    pub series: Option<String>,
    /// Microseconds since 1970 in UTC; finer parts are lost.
    pub started_at: Option<i64>,
    pub language: Option<String>,
    pub agenda: Option<String>,
    pub source_file: Option<String>,
    pub source_sha256: Option<String>,
    pub access: AccessColumns,
}

/// The columns that say who may see a row's thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Access"
)]
pub struct AccessColumns {
    pub owner: Option<String>,
    pub visibility: String,
    pub visible_domain: Option<String>,
    pub delegations: Vec<DelegationColumns>,
}

/// One delegation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Delegation"
)]
pub struct DelegationColumns {
    /// A person, or a group.
    pub to: String,
    pub right: String,
    #[serde(default)]
    pub is_group: bool,
    /// Microseconds since 1970 in UTC.
    #[serde(default)]
    pub until: Option<i64>,
}

/// A row of `participants`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Participant"
)]
pub struct ParticipantRow {
    pub meeting: String,
    pub position: u32,
    pub person: String,
    pub name: String,
    pub email: Option<String>,
    pub role: Option<String>,
    pub speaker: Option<String>,
    pub attended: bool,
}

/// A row of `transcripts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Transcript"
)]
pub struct TranscriptRow {
    pub meeting: String,
    pub provenance: ProvenanceColumns,
    pub suppressed: Vec<SuppressedColumns>,
    pub replaced: Vec<ReplacedColumns>,
    pub warnings: Vec<String>,
}

/// The columns that say where an artifact came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Provenance"
)]
pub struct ProvenanceColumns {
    pub engine: String,
    pub version: String,
    pub input_sha256: Option<String>,
    pub model_sha256: Option<String>,
    pub parameters: Vec<ParameterColumns>,
}

/// One pinned parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "name and value")]
pub struct ParameterColumns {
    pub name: String,
    pub value: String,
}

/// One suppressed stretch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of SuppressedSpan"
)]
pub struct SuppressedColumns {
    pub start_ms: i64,
    pub end_ms: i64,
    pub speaker: Option<String>,
    pub text: String,
    pub reason: String,
}

/// One utterance that another stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the earlier id and the one that stands for it")]
pub struct ReplacedColumns {
    pub utterance: String,
    pub by: String,
}

/// A row of `utterances`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Utterance"
)]
pub struct UtteranceRow {
    pub meeting: String,
    pub position: u32,
    pub utterance: String,
    pub speaker: Option<String>,
    pub start_ms: Option<i64>,
    pub end_ms: Option<i64>,
    pub text: String,
    pub language: Option<String>,
    pub words: Vec<WordColumns>,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Word"
)]
pub struct WordColumns {
    pub text: String,
    pub start_ms: i64,
    pub end_ms: i64,
    pub probability: Option<f32>,
}

impl TableRow for MeetingRow {
    const TABLE: Table = Table::Meetings;
}

impl TableRow for ParticipantRow {
    const TABLE: Table = Table::Participants;
}

impl TableRow for TranscriptRow {
    const TABLE: Table = Table::Transcripts;
}

impl TableRow for UtteranceRow {
    const TABLE: Table = Table::Utterances;
}

fn owned<T: ToString>(value: &Option<T>) -> Option<String> {
    value.as_ref().map(ToString::to_string)
}

pub(super) fn language(table: Table, code: Option<String>) -> Result<Option<Language>, TableError> {
    code.map(|code| parse(table, "language", &code, |code| code.parse().ok()))
        .transpose()
}

pub(super) fn span(start_ms: Option<i64>, end_ms: Option<i64>) -> Option<TimeSpan> {
    Some(TimeSpan::new(MediaTime(start_ms?), MediaTime(end_ms?)))
}

pub(super) fn instant(table: Table, micros: Option<i64>) -> Result<Option<Timestamp>, TableError> {
    let read = |micros: i64| {
        let value = micros.to_string();
        parse(table, "instant", &value, |_| Timestamp::from_microsecond(micros).ok())
    };
    micros.map(read).transpose()
}

impl From<&Meeting> for MeetingRow {
    fn from(meeting: &Meeting) -> Self {
        Self {
            meeting: meeting.id.to_string(),
            title: meeting.title.clone(),
            series: owned(&meeting.series),
            started_at: meeting.started_at.map(Timestamp::as_microsecond),
            language: owned(&meeting.language),
            agenda: meeting.agenda.clone(),
            source_file: meeting.source.as_ref().map(|source| source.file_name.clone()),
            source_sha256: meeting.source.as_ref().map(|source| source.sha256.clone()),
            access: AccessColumns::from(&meeting.access),
        }
    }
}

impl MeetingRow {
    /// The meeting, without its participants.
    ///
    /// # Errors
    /// When a value is none that a meeting can have.
    pub fn into_meeting(self) -> Result<Meeting, TableError> {
        let table = Table::Meetings;
        Ok(Meeting {
            id: MeetingId::new(self.meeting),
            title: self.title,
            series: self.series.map(SeriesId::new),
            started_at: instant(table, self.started_at)?,
            language: language(table, self.language)?,
            participants: Vec::new(),
            agenda: self.agenda,
            source: self
                .source_file
                .zip(self.source_sha256)
                .map(|(file_name, sha256)| Source { file_name, sha256 }),
            access: self.access.into_access(table)?,
        })
    }
}

impl From<&Access> for AccessColumns {
    fn from(access: &Access) -> Self {
        let (visibility, visible_domain) = match &access.visibility {
            Visibility::Private => ("private", None),
            Visibility::Participants => ("participants", None),
            Visibility::Domain(domain) => ("domain", Some(domain.clone())),
        };
        let right = |right| match right {
            Right::View => "view",
            Right::Manage => "manage",
        };
        let delegation = |delegation: &Delegation| DelegationColumns {
            to: match &delegation.to {
                Delegate::Person(person) => person.to_string(),
                Delegate::Group(group) => group.to_string(),
            },
            right: right(delegation.right).to_owned(),
            is_group: matches!(delegation.to, Delegate::Group(_)),
            until: delegation.until.map(Timestamp::as_microsecond),
        };
        Self {
            owner: owned(&access.owner),
            visibility: visibility.to_owned(),
            visible_domain,
            delegations: access.delegations.iter().map(delegation).collect(),
        }
    }
}

impl AccessColumns {
    pub(super) fn into_access(self, table: Table) -> Result<Access, TableError> {
        let domain = self.visible_domain;
        let visibility = parse(table, "visibility", &self.visibility, |value| match (value, domain) {
            ("private", _) => Some(Visibility::Private),
            ("participants", _) => Some(Visibility::Participants),
            ("domain", Some(domain)) => Some(Visibility::Domain(domain)),
            _ => None,
        })?;
        let right = |value: &str| match value {
            "view" => Some(Right::View),
            "manage" => Some(Right::Manage),
            _ => None,
        };
        let delegation = |columns: DelegationColumns| {
            let right = parse(table, "right", &columns.right, right)?;
            Ok(Delegation {
                to: if columns.is_group {
                    Delegate::Group(GroupId::new(columns.to))
                } else {
                    Delegate::Person(PersonId::new(columns.to))
                },
                right,
                until: instant(table, columns.until)?,
            })
        };
        Ok(Access {
            owner: self.owner.map(PersonId::new),
            visibility,
            delegations: self
                .delegations
                .into_iter()
                .map(delegation)
                .collect::<Result<_, TableError>>()?,
        })
    }
}

impl ParticipantRow {
    /// The row of the participant at `position` of `meeting`.
    pub fn new(meeting: &MeetingId, position: usize, participant: &Participant) -> Self {
        Self {
            meeting: meeting.to_string(),
            position: row_number(position),
            person: participant.person.to_string(),
            name: participant.name.clone(),
            email: participant.email.clone(),
            role: participant.role.clone(),
            speaker: owned(&participant.speaker),
            attended: participant.attended,
        }
    }

    /// The participant.
    pub fn into_participant(self) -> Participant {
        Participant {
            person: PersonId::new(self.person),
            name: self.name,
            email: self.email,
            role: self.role,
            speaker: self.speaker.map(SpeakerLabel::new),
            attended: self.attended,
        }
    }
}

/// No meeting has four billion utterances; beyond that the order of rows still tells.
pub(super) fn row_number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

impl From<&Provenance> for ProvenanceColumns {
    fn from(provenance: &Provenance) -> Self {
        let parameters = provenance.parameters.iter();
        Self {
            engine: provenance.engine.clone(),
            version: provenance.version.clone(),
            input_sha256: provenance.input_sha256.clone(),
            model_sha256: provenance.model_sha256.clone(),
            parameters: parameters
                .map(|(name, value)| ParameterColumns {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
        }
    }
}

impl ProvenanceColumns {
    pub(super) fn into_provenance(self) -> Provenance {
        Provenance {
            engine: self.engine,
            version: self.version,
            input_sha256: self.input_sha256,
            model_sha256: self.model_sha256,
            parameters: self
                .parameters
                .into_iter()
                .map(|parameter| (parameter.name, parameter.value))
                .collect(),
        }
    }
}

const REASONS: [(SuppressionReason, &str); 4] = [
    (SuppressionReason::NotSpeech, "not_speech"),
    (SuppressionReason::Loop, "loop"),
    (SuppressionReason::Boilerplate, "boilerplate"),
    (SuppressionReason::LowProbability, "low_probability"),
];

impl TranscriptRow {
    /// The row of the transcript of `meeting`; its utterances are rows of their own.
    pub fn new(meeting: &MeetingId, transcript: &Transcript) -> Self {
        let name = |reason| {
            REASONS
                .iter()
                .find(|(known, _)| *known == reason)
                .map_or("", |(_, name)| name)
        };
        let suppressed = |suppressed: &SuppressedSpan| SuppressedColumns {
            start_ms: suppressed.span.start.0,
            end_ms: suppressed.span.end.0,
            speaker: suppressed.speaker.as_ref().map(ToString::to_string),
            text: suppressed.text.clone(),
            reason: name(suppressed.reason).to_owned(),
        };
        let replaced = transcript.replaced.iter();
        Self {
            meeting: meeting.to_string(),
            provenance: ProvenanceColumns::from(&transcript.provenance),
            suppressed: transcript.suppressed.iter().map(suppressed).collect(),
            replaced: replaced
                .map(|(utterance, by)| ReplacedColumns {
                    utterance: utterance.to_string(),
                    by: by.to_string(),
                })
                .collect(),
            warnings: transcript.warnings.clone(),
        }
    }

    /// The transcript with the utterances given.
    ///
    /// # Errors
    /// When a value is none that a transcript can have.
    pub fn into_transcript(self, utterances: Vec<Utterance>) -> Result<Transcript, TableError> {
        let reason = |value: &str| {
            REASONS
                .iter()
                .find(|(_, name)| *name == value)
                .map(|(reason, _)| *reason)
        };
        let suppressed = |columns: SuppressedColumns| {
            Ok(SuppressedSpan {
                span: TimeSpan::new(MediaTime(columns.start_ms), MediaTime(columns.end_ms)),
                reason: parse(Table::Transcripts, "reason", &columns.reason, reason)?,
                speaker: columns.speaker.map(SpeakerLabel::new),
                text: columns.text,
            })
        };
        let replaced = self.replaced.into_iter();
        Ok(Transcript {
            utterances,
            provenance: self.provenance.into_provenance(),
            suppressed: self
                .suppressed
                .into_iter()
                .map(suppressed)
                .collect::<Result<_, TableError>>()?,
            replaced: replaced
                .map(|columns| (UtteranceId::new(columns.utterance), UtteranceId::new(columns.by)))
                .collect(),
            warnings: self.warnings,
        })
    }
}

impl UtteranceRow {
    /// The row of the utterance at `position` of `meeting`.
    pub fn new(meeting: &MeetingId, position: usize, utterance: &Utterance) -> Self {
        let word = |word: &Word| WordColumns {
            text: word.text.clone(),
            start_ms: word.span.start.0,
            end_ms: word.span.end.0,
            probability: word.probability,
        };
        Self {
            meeting: meeting.to_string(),
            position: row_number(position),
            utterance: utterance.id.to_string(),
            speaker: owned(&utterance.speaker),
            start_ms: utterance.span.map(|span| span.start.0),
            end_ms: utterance.span.map(|span| span.end.0),
            text: utterance.text.clone(),
            language: owned(&utterance.language),
            words: utterance.words.iter().map(word).collect(),
        }
    }

    /// The utterance.
    ///
    /// # Errors
    /// When the language is none.
    pub fn into_utterance(self) -> Result<Utterance, TableError> {
        let word = |columns: WordColumns| Word {
            text: columns.text,
            span: TimeSpan::new(MediaTime(columns.start_ms), MediaTime(columns.end_ms)),
            probability: columns.probability,
        };
        Ok(Utterance {
            id: UtteranceId::new(self.utterance),
            speaker: self.speaker.map(SpeakerLabel::new),
            span: span(self.start_ms, self.end_ms),
            text: self.text,
            language: language(Table::Utterances, self.language)?,
            words: self.words.into_iter().map(word).collect(),
        })
    }
}
