//! Live meetings: opened here, then spoken into and read over a WebSocket (`live_socket.rs`).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use datasets::formats::invitation;
use datasets::{Language, MeetingId, SeriesId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{Reader, Writer};
use super::input::{Body, Part};
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use super::uploads::visibility;
use crate::live::{Coding, ExpectedPerson};
use crate::service::live::{LiveSession, LiveState, NewLiveSession, OpenLiveError};

/// Tracks of a meeting, at most.
pub(super) const TRACKS_MAX: usize = 16;
/// Words, names and people that may be given, and letters of each.
const LIST_MAX: usize = 500;
const TEXT_MAX: usize = 500;

/// What a live meeting is opened with; all of it may be left out.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LiveRequest {
    title: Option<String>,
    series: Option<String>,
    /// ISO 639-1; detected unless given.
    spoken_language: Option<String>,
    /// `fr` or `en`.
    minutes_language: Option<String>,
    /// How many people speak, where they are not on tracks of their own.
    speakers: Option<usize>,
    /// One for each microphone; one without a name unless given, 16 at most.
    tracks: Vec<TrackView>,
    format: FormatView,
    pace: PaceView,
    /// Names and terms that are likely to be said.
    vocabulary: Vec<String>,
    participants: Vec<ExpectedPersonView>,
    /// The text of an `.ics` file with one event.
    invitation: Option<String>,
    /// `participants` (unless said otherwise), `private`, or `domain:example.org`.
    visibility: Option<String>,
}

/// A track of sound.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrackView {
    /// Who speaks on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Somebody who takes part.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExpectedPersonView {
    name: String,
    #[serde(default)]
    email: Option<String>,
}

/// What the frames of sound hold.
#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
enum FormatView {
    /// Samples at 16 kHz: signed, 16 bits, little-endian.
    #[default]
    #[serde(rename = "pcm_s16le_16000")]
    Pcm,
    /// One Opus packet each.
    #[serde(rename = "opus")]
    Opus,
}

/// How sound comes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PaceView {
    /// As it is spoken: what cannot be recognized in time is put off to the end.
    #[default]
    Live,
    /// As fast as it can be recognized: the sender is made to wait.
    Fast,
}

/// A live meeting.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveView {
    /// Its name; the meeting's id once it is in the library.
    id: String,
    title: String,
    /// `listening`, `ending`, `ended` (a job makes the meeting of it), `finished` (it is in the library) or `failed`.
    state: &'static str,
    /// The address of the WebSocket.
    socket: String,
    format: FormatView,
    pace: PaceView,
    tracks: Vec<TrackView>,
    /// Samples of each track that are safe on disk.
    accepted: u64,
    /// Number of the last event.
    last_event: u64,
    opened_at: Timestamp,
    /// The job that makes the meeting of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    /// The meeting that came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting: Option<String>,
}

/// The live meetings of the caller, the latest first.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveList {
    items: Vec<LiveView>,
}

/// Opens a live meeting; its sound goes over the WebSocket at `socket`
#[utoipa::path(post, path = "/v1/live", tag = "live", request_body = LiveRequest,
    responses((status = 201, body = LiveView, headers(("location" = String))), (status = "4XX", body = ProblemBody),
        (status = 503, description = "As many are held as the server holds, or it has no speech model", body = ProblemBody)))]
pub(super) async fn open(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Body(request): Body<LiveRequest>,
) -> Answer<Response> {
    let new = request.into_session(caller)?;
    let asked = Arc::clone(&api);
    let session = api
        .writing
        .run(move || asked.service.open_live(new).map_err(Problem::from))
        .await?;
    let location = HeaderValue::from_str(&format!("/v1/live/{}", encoded(session.id())));
    let location = [(header::LOCATION, location.map_err(|_| Problem::internal())?)];
    Ok((StatusCode::CREATED, location, Json(LiveView::of(&session))).into_response())
}

/// Lists the caller's live meetings: those that are held, and those of the last hour
#[utoipa::path(get, path = "/v1/live", tag = "live",
    responses((status = 200, body = LiveList), (status = "4XX", body = ProblemBody)))]
pub(super) async fn list(State(api): State<Arc<Api>>, caller: Reader) -> Json<LiveList> {
    let sessions = api.service.all_own_live(&caller.viewer);
    Json(LiveList {
        items: sessions.iter().map(|session| LiveView::of(session)).collect(),
    })
}

/// Reads how a live meeting stands
#[utoipa::path(get, path = "/v1/live/{live}", tag = "live", params(("live" = String, Path)),
    responses((status = 200, body = LiveView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Part(id): Part<String>,
) -> Answer<Json<LiveView>> {
    let session = api.own_live(&id, &caller)?;
    Ok(Json(LiveView::of(&session)))
}

/// Ends a live meeting, as `finish` over its WebSocket does
#[utoipa::path(post, path = "/v1/live/{live}/finish", tag = "live", params(("live" = String, Path)),
    responses((status = 202, body = LiveView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn finish(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
) -> Answer<Response> {
    let session = api.own_live(&id, &caller)?;
    session.end().await;
    Ok((StatusCode::ACCEPTED, Json(LiveView::of(&session))).into_response())
}

/// Throws a live meeting away, with all that was recorded; `finished` without a meeting is told when it is gone
#[utoipa::path(delete, path = "/v1/live/{live}", tag = "live", params(("live" = String, Path)),
    responses((status = 202, body = LiveView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn discard(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
) -> Answer<Response> {
    let session = api.own_live(&id, &caller)?;
    let asked = Arc::clone(&api);
    let discarded = api
        .writing
        .run(move || {
            let is_discarded = asked.service.discard_live(&session)?;
            Ok(is_discarded.then(|| LiveView::of(&session)))
        })
        .await?;
    let view = discarded.ok_or_else(|| Problem::conflict("a meeting has come of it already: delete that"))?;
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

impl Api {
    /// The live meeting, when it is the caller's: to everybody else there is none.
    pub(super) fn own_live(&self, id: &str, caller: &Reader) -> Answer<Arc<LiveSession>> {
        let session = self.service.own_live(&MeetingId::new(id), &caller.viewer);
        session.ok_or_else(Problem::not_found)
    }
}

impl LiveRequest {
    fn into_session(mut self, caller: Reader) -> Answer<NewLiveSession> {
        self.check()?;
        let language = |name: &str, value: Option<String>| -> Answer<Option<Language>> {
            let parsed = value.map(|value| value.parse::<Language>()).transpose();
            parsed.map_err(|error| Problem::bad_request(format!("{name}: {error}")))
        };
        if self.tracks.is_empty() {
            self.tracks.push(TrackView::default());
        }
        let people = self.participants.into_iter();
        Ok(NewLiveSession {
            viewer: caller.viewer,
            title: self.title.filter(|title| !title.trim().is_empty()),
            series: self.series.map(SeriesId::new),
            spoken_language: language("spoken_language", self.spoken_language)?,
            minutes_language: language("minutes_language", self.minutes_language)?,
            speakers: self.speakers,
            tracks: self.tracks.into_iter().map(|track| track.name).collect(),
            coding: match self.format {
                FormatView::Pcm => Coding::Pcm,
                FormatView::Opus => Coding::Opus,
            },
            is_real_time: self.pace == PaceView::Live,
            vocabulary: self.vocabulary,
            people: people
                .map(|person| ExpectedPerson {
                    name: person.name,
                    email: person.email,
                })
                .collect(),
            invitation: self.invitation,
            visibility: self.visibility.as_deref().map_or(Ok(Default::default()), visibility)?,
        })
    }

    fn check(&self) -> Answer<()> {
        let wrong = |detail: String| Err(Problem::bad_request(detail));
        if self.tracks.len() > TRACKS_MAX {
            return wrong(format!("tracks: {TRACKS_MAX} at most"));
        }
        if self.vocabulary.len() > LIST_MAX || self.participants.len() > LIST_MAX {
            return wrong(format!("vocabulary and participants: {LIST_MAX} of each at most"));
        }
        let names = self
            .participants
            .iter()
            .flat_map(|one| [Some(&one.name), one.email.as_ref()]);
        let tracks = self.tracks.iter().map(|track| track.name.as_ref());
        let texts = names.chain(tracks).chain([self.title.as_ref(), self.series.as_ref()]);
        let texts = texts.flatten().chain(&self.vocabulary);
        if texts.into_iter().any(|text| text.len() > TEXT_MAX) {
            return wrong(format!("titles, names and words have at most {TEXT_MAX} bytes"));
        }
        if self
            .tracks
            .iter()
            .any(|track| track.name.as_ref().is_some_and(|name| name.trim().is_empty()))
        {
            return wrong("tracks: leave out the name of a track that has none".to_owned());
        }
        if let Some(text) = &self.invitation {
            let events = invitation::read("invitation.ics", text.as_bytes()).map_err(anyhow::Error::from)?;
            if events.len() != 1 {
                return wrong(format!("invitation: it holds {} events, not one", events.len()));
            }
        }
        Ok(())
    }
}

impl LiveView {
    pub(super) fn of(session: &LiveSession) -> Self {
        let state = session.state();
        let (job, meeting) = match &state {
            LiveState::Ended(job) => (Some(job.0.clone()), None),
            LiveState::Finished(meeting) => (None, meeting.as_ref().map(ToString::to_string)),
            LiveState::Listening | LiveState::Ending | LiveState::Failed => (None, None),
        };
        let tracks = session.tracks().iter();
        Self {
            id: session.id().to_string(),
            title: session.title().to_owned(),
            state: state_name(&state),
            socket: format!("/v1/live/{}/socket", encoded(session.id())),
            format: match session.coding() {
                Coding::Pcm => FormatView::Pcm,
                Coding::Opus => FormatView::Opus,
            },
            pace: if session.is_real_time() {
                PaceView::Live
            } else {
                PaceView::Fast
            },
            tracks: tracks.map(|name| TrackView { name: name.clone() }).collect(),
            accepted: session.recorded(),
            last_event: session.last_event(),
            opened_at: session.opened_at(),
            job,
            meeting,
        }
    }
}

impl From<OpenLiveError> for Problem {
    fn from(error: OpenLiveError) -> Self {
        match error {
            OpenLiveError::TooMany { .. } | OpenLiveError::TooManyOwn { .. } => Self::unavailable(error.to_string()),
            OpenLiveError::NoSpeechModel => Self::unavailable("this server has no speech model, so it hears nothing"),
            OpenLiveError::Failed(error) => error.into(),
        }
    }
}

fn state_name(state: &LiveState) -> &'static str {
    match state {
        LiveState::Listening => "listening",
        LiveState::Ending => "ending",
        LiveState::Ended(_) => "ended",
        LiveState::Finished(_) => "finished",
        LiveState::Failed => "failed",
    }
}

/// An id as part of an address: letters of any script may be in it.
fn encoded(id: &MeetingId) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let bytes = id.as_str().bytes();
    bytes
        .map(|byte| {
            if is_plain(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
