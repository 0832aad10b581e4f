//! What goes over the wire where it differs from what is kept: names beside labels, times in milliseconds, rights of the
//! caller. The artifacts themselves go out as they are through the exports.

use std::collections::BTreeMap;

use datasets::{
    Access, ActionStatus, Delegate, Delegation, GroupId, Meeting, Minutes, PassageState, Statement, StatementId,
    Support, TimeSpan, Transcript, Viewer, Visibility,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::catalog::Entry;

/// A meeting in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct MeetingSummary {
    id: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// ISO 639-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    participants: Vec<ParticipantView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    /// The first statements of the abstract.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    topics: Vec<String>,
    decisions: usize,
    open_actions: usize,
}

/// One of those who were invited or present.
#[derive(Serialize, ToSchema)]
pub(super) struct ParticipantView {
    /// The person across meetings.
    person: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// The label under which the person speaks in the transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
    attended: bool,
}

/// A meeting's record.
#[derive(Serialize, ToSchema)]
pub(super) struct MeetingView {
    #[serde(flatten)]
    summary: MeetingSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    agenda: Option<String>,
    /// The file it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    /// Where the sound can be played; absent for a meeting that came as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recording: Option<String>,
    /// Where the file itself is, when `recording` is a mix of its tracks, of which players would leave some out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) original: Option<String>,
    /// Whether the caller may correct, share and delete it.
    can_manage: bool,
    /// Who may see it; only for those who may manage it.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<AccessView>,
    /// Formats under `/v1/meetings/{id}/exports/`.
    exports: Vec<String>,
}

/// Who may see and change a meeting.
#[derive(Serialize, ToSchema)]
pub(super) struct AccessView {
    /// The person who may do everything; nobody in a library of one user.
    owner: Option<String>,
    visibility: VisibilityView,
    delegations: Vec<DelegationView>,
}

/// What of that is to be changed; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(super) struct AccessChange {
    /// Only the owner and the operator name another. A meeting that has one keeps one.
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    visibility: Option<VisibilityView>,
    /// All of them.
    #[serde(default)]
    delegations: Option<Vec<DelegationView>>,
}

/// Who sees a meeting beside its owner and those it was shared with.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "to", content = "domain")]
pub(super) enum VisibilityView {
    /// Nobody else.
    Private,
    /// Those who were invited or spoke.
    Participants,
    /// Everybody of the named domain.
    Domain(String),
}

/// A right given to a person or a group, for good or until a time.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct DelegationView {
    #[serde(flatten)]
    to: DelegateView,
    right: RightView,
    /// From when on it may no longer be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// Who receives a right.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(super) enum DelegateView {
    /// A mail address or a name.
    #[serde(rename = "to")]
    Person(String),
    /// A group, as tokens name it.
    #[serde(rename = "group")]
    Group(String),
}

/// What may be done.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RightView {
    /// Read.
    View,
    /// Read, correct, share and delete.
    Manage,
}

/// All that was said.
#[derive(Serialize, ToSchema)]
pub(super) struct TranscriptView {
    /// In order of time.
    utterances: Vec<UtteranceView>,
    /// What the recognizer gave and the guards took out; the place in this list is what restoring asks for.
    suppressed: Vec<SuppressedView>,
    /// Earlier ids, each with the utterance that now stands for it.
    replaced: BTreeMap<String, String>,
    warnings: Vec<String>,
    /// Which engine or format it came from.
    engine: String,
}

/// What one speaker says in one go.
#[derive(Serialize, ToSchema)]
pub(super) struct UtteranceView {
    /// Stable across corrections and new transcriptions.
    id: String,
    /// The label in the transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
    /// Who that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_ms: Option<i64>,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

/// A stretch whose text was taken out.
#[derive(Serialize, ToSchema)]
pub(super) struct SuppressedView {
    start_ms: i64,
    end_ms: i64,
    text: String,
    /// `not_speech`, `loop`, `boilerplate` or `low_probability`.
    reason: String,
}

/// What came out of a meeting; every statement names the utterances that prove it.
#[derive(Serialize, ToSchema)]
pub(super) struct MinutesView {
    language: String,
    #[serde(rename = "abstract")]
    abstract_: Vec<StatementView>,
    topics: Vec<TopicView>,
    decisions: Vec<StatementView>,
    actions: Vec<ActionView>,
    questions: Vec<StatementView>,
    /// Share of the statements that are proven, in 0..=1.
    supported_share: f64,
    /// Share of the utterances that were read, in 0..=1.
    coverage_share: f64,
    /// Passages that could not be read.
    failed_passages: usize,
    /// Statements that the verifier struck.
    dropped: usize,
    /// Which engine made them: `extractive`, `lucie` or `remote`.
    engine: String,
}

/// A sentence and the utterances that prove it.
#[derive(Serialize, ToSchema)]
pub(super) struct StatementView {
    id: String,
    text: String,
    /// Ids of utterances.
    evidence: Vec<String>,
    /// Parts that the evidence does not hold; empty for a proven statement.
    unsupported: Vec<String>,
}

/// A stretch of the meeting about one thing.
#[derive(Serialize, ToSchema)]
pub(super) struct TopicView {
    title: String,
    first: String,
    last: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_ms: Option<i64>,
    statements: Vec<StatementView>,
}

/// Something that somebody is to do.
#[derive(Serialize, ToSchema)]
pub(super) struct ActionView {
    #[serde(flatten)]
    statement: StatementView,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerView>,
    /// The words: "by next Friday".
    #[serde(skip_serializing_if = "Option::is_none")]
    due_text: Option<String>,
    /// The day they mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    due: Option<jiff::civil::Date>,
    status: StatusView,
}

/// Who is to do it.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnerView {
    person: String,
    name: String,
}

/// Whether an action is still to be done.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum StatusView {
    /// To be done.
    Open,
    /// Done.
    Done,
}

impl MeetingSummary {
    pub(super) fn of(entry: &Entry) -> Self {
        let meeting = &entry.meeting;
        let open = entry
            .actions
            .iter()
            .filter(|action| action.status == ActionStatus::Open);
        Self {
            id: meeting.id.to_string(),
            title: meeting.title.clone(),
            series: meeting.series.as_ref().map(ToString::to_string),
            started_at: meeting.started_at,
            language: meeting.language.map(|language| language.to_string()),
            participants: participants(meeting),
            duration_ms: entry.duration_ms,
            summary: entry.summary.clone(),
            topics: entry.topics.clone(),
            decisions: entry.decisions,
            open_actions: open.count(),
        }
    }
}

impl MeetingView {
    pub(super) fn of(entry: &Entry, viewer: &Viewer) -> Self {
        let meeting = &entry.meeting;
        let can_manage = meeting.access.allows_manage(viewer);
        Self {
            summary: MeetingSummary::of(entry),
            agenda: meeting.agenda.clone(),
            file_name: meeting.source.as_ref().map(|source| source.file_name.clone()),
            recording: None,
            original: None,
            can_manage,
            access: can_manage.then(|| AccessView::of(&meeting.access)),
            exports: crate::stages::export_meeting::ExportFormat::ALL
                .iter()
                .map(|format| format.name().to_owned())
                .collect(),
        }
    }
}

impl AccessView {
    fn of(access: &Access) -> Self {
        Self {
            owner: access.owner.as_ref().map(ToString::to_string),
            visibility: match &access.visibility {
                Visibility::Private => VisibilityView::Private,
                Visibility::Participants => VisibilityView::Participants,
                Visibility::Domain(domain) => VisibilityView::Domain(domain.clone()),
            },
            delegations: access
                .delegations
                .iter()
                .map(|delegation| DelegationView {
                    to: match &delegation.to {
                        Delegate::Person(person) => DelegateView::Person(person.to_string()),
                        Delegate::Group(group) => DelegateView::Group(group.to_string()),
                    },
                    right: match delegation.right {
                        datasets::Right::View => RightView::View,
                        datasets::Right::Manage => RightView::Manage,
                    },
                    until: delegation.until,
                })
                .collect(),
        }
    }
}

impl AccessChange {
    /// The access that comes of `before`.
    pub(super) fn applied_to(self, before: &Access) -> Access {
        let person = |text: &str| datasets::PersonId::from_contact(text, None);
        let delegations = self.delegations.map(|delegations| {
            let named = delegations.into_iter().map(|delegation| Delegation {
                to: match &delegation.to {
                    DelegateView::Person(to) => Delegate::Person(person(to)),
                    DelegateView::Group(group) => Delegate::Group(GroupId::new(group.trim())),
                },
                right: match delegation.right {
                    RightView::View => datasets::Right::View,
                    RightView::Manage => datasets::Right::Manage,
                },
                until: delegation.until,
            });
            named.collect()
        });
        Access {
            owner: self.owner.as_deref().map(person).or_else(|| before.owner.clone()),
            visibility: self
                .visibility
                .map_or_else(|| before.visibility.clone(), VisibilityView::into_visibility),
            delegations: delegations.unwrap_or_else(|| before.delegations.clone()),
        }
    }
}

impl VisibilityView {
    pub(super) fn into_visibility(self) -> Visibility {
        match self {
            Self::Private => Visibility::Private,
            Self::Participants => Visibility::Participants,
            Self::Domain(domain) => Visibility::Domain(domain.to_lowercase()),
        }
    }
}

impl TranscriptView {
    pub(super) fn of(meeting: &Meeting, transcript: Transcript) -> Self {
        let utterances = transcript.utterances.into_iter().map(|utterance| UtteranceView {
            name: utterance
                .speaker
                .as_ref()
                .map(|speaker| meeting.speaker_name(speaker).to_owned()),
            id: utterance.id.to_string(),
            speaker: utterance.speaker.map(|speaker| speaker.to_string()),
            start_ms: utterance.span.map(|span| span.start.0),
            end_ms: utterance.span.map(|span| span.end.0),
            text: utterance.text,
            language: utterance.language.map(|language| language.to_string()),
        });
        let suppressed = transcript.suppressed.into_iter().map(|suppressed| SuppressedView {
            start_ms: suppressed.span.start.0,
            end_ms: suppressed.span.end.0,
            text: suppressed.text,
            reason: serde_name(&suppressed.reason),
        });
        Self {
            utterances: utterances.collect(),
            suppressed: suppressed.collect(),
            replaced: transcript
                .replaced
                .into_iter()
                .map(|(id, heir)| (id.to_string(), heir.to_string()))
                .collect(),
            warnings: transcript.warnings,
            engine: transcript.provenance.engine,
        }
    }
}

impl MinutesView {
    pub(super) fn of(minutes: &Minutes, statuses: &BTreeMap<StatementId, ActionStatus>) -> Self {
        let failed = |state: &PassageState| *state != PassageState::Covered;
        Self {
            language: minutes.language.to_string(),
            abstract_: minutes.abstract_.iter().map(StatementView::of).collect(),
            topics: minutes.topics.iter().map(topic).collect(),
            decisions: minutes
                .decisions
                .iter()
                .map(|decision| StatementView::of(&decision.statement))
                .collect(),
            actions: minutes
                .actions
                .iter()
                .map(|action| ActionView::of(action, statuses.get(&action.statement.id).copied().unwrap_or_default()))
                .collect(),
            questions: minutes
                .questions
                .iter()
                .map(|question| StatementView::of(&question.statement))
                .collect(),
            supported_share: minutes.supported_share(),
            coverage_share: minutes.coverage.share(),
            failed_passages: minutes
                .coverage
                .passages
                .iter()
                .filter(|passage| failed(&passage.state))
                .count(),
            dropped: minutes.dropped.len(),
            engine: minutes.provenance.engine.clone(),
        }
    }
}

impl StatementView {
    fn of(statement: &Statement) -> Self {
        Self {
            id: statement.id.to_string(),
            text: statement.text.clone(),
            evidence: statement.evidence.iter().map(ToString::to_string).collect(),
            unsupported: match &statement.support {
                Support::Proven => Vec::new(),
                Support::Marked(parts) => parts.iter().map(|part| part.text.clone()).collect(),
            },
        }
    }
}

impl ActionView {
    pub(super) fn of(action: &datasets::ActionItem, status: ActionStatus) -> Self {
        Self {
            statement: StatementView::of(&action.statement),
            owner: action.owner.as_ref().map(|owner| OwnerView {
                person: owner.person.to_string(),
                name: owner.name.clone(),
            }),
            due_text: action.due.as_ref().map(|due| due.text.clone()),
            due: action.due.as_ref().and_then(|due| due.date),
            status: status.into(),
        }
    }
}

impl From<ActionStatus> for StatusView {
    fn from(status: ActionStatus) -> Self {
        match status {
            ActionStatus::Open => Self::Open,
            ActionStatus::Done => Self::Done,
        }
    }
}

impl From<StatusView> for ActionStatus {
    fn from(status: StatusView) -> Self {
        match status {
            StatusView::Open => Self::Open,
            StatusView::Done => Self::Done,
        }
    }
}

/// The name under which a closed choice is serialized.
pub(super) fn serde_name(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn participants(meeting: &Meeting) -> Vec<ParticipantView> {
    let participants = meeting.participants.iter();
    participants
        .map(|participant| ParticipantView {
            person: participant.person.to_string(),
            name: participant.name.clone(),
            email: participant.email.clone(),
            role: participant.role.clone(),
            speaker: participant.speaker.as_ref().map(ToString::to_string),
            attended: participant.attended,
        })
        .collect()
}

fn topic(topic: &datasets::Topic) -> TopicView {
    TopicView {
        title: topic.title.clone(),
        first: topic.first.to_string(),
        last: topic.last.to_string(),
        start_ms: topic.span.map(|span: TimeSpan| span.start.0),
        end_ms: topic.span.map(|span| span.end.0),
        statements: topic.statements.iter().map(StatementView::of).collect(),
    }
}
