//! The WebSocket of a live meeting: sound in, events out. It may break and come back at any time; the meeting does not
//! depend on it.
//!
//! A binary frame is a piece of one track: its number (2 bytes), the place of its first sample in the meeting (8 bytes), both
//! little-endian, then the sound. Text frames are JSON both ways.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::Response;
use datasets::Language;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{MissedTickBehavior, interval, timeout};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Reader, Writer, caller_still};
use super::input::{Part, Query};
use super::live::LiveView;
use super::problem::{Answer, Problem, ProblemBody};
use super::recommendations::{RecommendationView, language};
use super::router::Api;
use super::wire::MinutesView;
use crate::live::{Coding, SCHEMA_VERSION, TrackFrame};
use crate::phrases::Phrases;
use crate::service::live::{Event, LiveSession, LiveState, Notice, Replayed, SendError, ToldLine};
use crate::service::tokens::Scope;

/// Largest frame: two seconds of samples, a header, and room.
const FRAME_BYTES_MAX: usize = 1 << 16;
/// Track and place before the sound.
const HEADER_BYTES: usize = 10;
/// Answers that wait to be written, beside events.
const ANSWERS_MAX: usize = 16;
/// How often a silent connection is asked whether it is there, and after what time without an answer it is not.
const PING: Duration = Duration::from_secs(20);
const GONE: Duration = Duration::from_secs(60);
/// How often is asked whether the client may still be here.
const RECHECK: Duration = Duration::from_secs(5);
/// How long a client may take to hear that the connection is closed.
const FAREWELL_MAX: Duration = Duration::from_secs(2);
/// Longest wait for a reader that takes nothing.
const WRITE_MAX: Duration = Duration::from_secs(60);

/// From where events are told.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SocketQuery {
    /// Number of the last event that is known; 0 for none.
    #[serde(default)]
    after: u64,
    /// Language of the reasons, `en` or `fr`, for clients that cannot set `Accept-Language`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    language: Option<Language>,
}

/// A text frame of the client.
#[derive(Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "type")]
enum Control {
    /// No more sound comes: what came is heard to its end, and the meeting is made of it.
    Finish,
    /// Is answered with `pong`.
    Ping,
}

/// Why a connection is closed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("a binary frame has a header of 10 bytes: track and place")]
    Short,
    #[error("there is no track {0}")]
    NoTrack(usize),
    #[error("samples are of two bytes each")]
    HalfSample,
    #[error("a text frame is {{\"type\": \"finish\"}} or {{\"type\": \"ping\"}}")]
    NoControl,
    #[error(transparent)]
    NotTaken(#[from] SendError),
}

/// What is written beside events.
enum Answered {
    Pong,
    Fault(Fault),
}

/// An unnumbered event.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
enum Aside {
    /// First on every connection.
    Hello {
        version: u32,
        #[serde(flatten)]
        live: LiveView,
    },
    Pong,
    Error {
        detail: String,
    },
}

/// A numbered event that the machinery of live meetings does not tell.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
enum Told<'a> {
    Accepted { samples: u64 },
    Minutes { minutes: Box<MinutesView> },
    Recommendations { items: Vec<RecommendationView> },
    Ended { job: &'a str },
    Finished { meeting: Option<&'a str> },
    Failed,
}

#[derive(Serialize)]
struct Numbered<T> {
    seq: u64,
    #[serde(flatten)]
    told: T,
}

/// Takes the sound of a live meeting and tells its events
///
/// A WebSocket. Binary frames: track (2 bytes), place of the first sample (8 bytes), little-endian, then the sound. Text
/// frames: `{"type": "finish"}`, `{"type": "ping"}`. Events are described in `docs/http-api.md`.
#[utoipa::path(get, path = "/v1/live/{live}/socket", tag = "live", params(("live" = String, Path), SocketQuery),
    responses((status = 101, description = "The connection is a WebSocket from now on"), (status = "4XX", body = ProblemBody)))]
pub(super) async fn socket(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
    Query(query): Query<SocketQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    // Before anything is said of the protocol: whoever may not know of the meeting learns nothing.
    let session = api.own_live(&id, &caller)?;
    session.seen_as(&caller.viewer);
    let upgrade = upgrade.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let phrases = Phrases::of(query.language.unwrap_or_else(|| language(&headers)));
    let upgrade = upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let (sink, mut stream) = socket.split();
        let (answer, answers) = channel(ANSWERS_MAX);
        let mut writer = Writing {
            sink,
            api,
            phrases,
            session: Arc::clone(&session),
            answers,
            last: query.after,
            headers,
            caller,
        };
        tokio::select! {
            () = hear(&mut stream, &session, answer) => {}
            () = writer.write_all() => {}
        }
        // A connection that is closed on unread bytes takes what was said last with it.
        let _ = timeout(FAREWELL_MAX, async { while let Some(Ok(_)) = stream.next().await {} }).await;
    }))
}

/// Hears what the client sends, until it goes or makes a mistake. The meeting goes on either way.
async fn hear(stream: &mut SplitStream<WebSocket>, session: &LiveSession, answer: Sender<Answered>) {
    loop {
        let message = match timeout(GONE, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            // A message that is too large, or no message at all.
            Ok(Some(Err(_)) | None) | Err(_) => return,
        };
        let heard = match message {
            // What is under way when a meeting ends is no mistake.
            Message::Binary(_) if session.state() != LiveState::Listening => Ok(()),
            Message::Binary(bytes) => match read_frame(&bytes, session.tracks().len(), session.coding()) {
                Ok(frame) => session.send(frame).await.map_err(Fault::NotTaken),
                Err(fault) => Err(fault),
            },
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(Control::Finish) => {
                    session.end().await;
                    Ok(())
                }
                Ok(Control::Ping) => answer.send(Answered::Pong).await.map_err(|_| Fault::NoControl),
                Err(_) => Err(Fault::NoControl),
            },
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => return,
        };
        if let Err(fault) = heard
            && fault != Fault::NotTaken(SendError::Ended)
        {
            let _ = answer.send(Answered::Fault(fault)).await;
            // The writer closes the connection.
            std::future::pending::<()>().await;
        }
    }
}

/// Reads a binary frame.
fn read_frame(bytes: &[u8], tracks: usize, coding: Coding) -> Result<TrackFrame, Fault> {
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES).ok_or(Fault::Short)?;
    let (track, position) = header.split_at(2);
    let track = usize::from(u16::from_le_bytes([track[0], track[1]]));
    let position = position.try_into().map(u64::from_le_bytes).map_err(|_| Fault::Short)?;
    if track >= tracks {
        return Err(Fault::NoTrack(track));
    }
    if coding == Coding::Pcm && !payload.len().is_multiple_of(2) {
        return Err(Fault::HalfSample);
    }
    Ok(TrackFrame {
        track,
        position,
        payload: payload.to_vec(),
    })
}

/// The half of a connection that is written.
struct Writing {
    sink: SplitSink<WebSocket, Message>,
    api: Arc<Api>,
    phrases: Phrases,
    session: Arc<LiveSession>,
    answers: Receiver<Answered>,
    last: u64,
    /// Of the call that opened the connection: who the client is.
    headers: HeaderMap,
    caller: Reader,
}

impl Writing {
    /// Writes events and answers until the meeting is over, the client goes, or the server stops.
    async fn write_all(&mut self) {
        let hello = Aside::Hello {
            version: SCHEMA_VERSION,
            live: LiveView::of(&self.session),
        };
        let mut changes = self.session.watch();
        let mut stopping = self.api.stopping.clone();
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let mut recheck = interval(RECHECK);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        recheck.reset();
        if !self.write(json(&hello)).await {
            return;
        }
        loop {
            changes.mark_unchanged();
            let state = self.session.state();
            if !self.write_events().await {
                return;
            }
            let is_over = matches!(state, LiveState::Finished(_) | LiveState::Failed);
            // A server that stops tells the rest of what it heard; the next one finishes the meeting.
            let has_ended = !matches!(state, LiveState::Listening | LiveState::Ending);
            if is_over || (has_ended && *stopping.borrow()) {
                let code = if is_over {
                    close_code::NORMAL
                } else {
                    close_code::RESTART
                };
                return self.close(code, "").await;
            }
            let went_on = tokio::select! {
                _ = changes.changed() => true,
                answer = self.answers.recv() => match answer {
                    Some(Answered::Pong) => self.write(json(&Aside::Pong)).await,
                    Some(Answered::Fault(fault)) => return self.refuse(&fault).await,
                    None => false,
                },
                _ = ping.tick() => self.send(Message::Ping(Default::default())).await,
                _ = recheck.tick() => {
                    if !self.may_stay().await {
                        return self.close(close_code::POLICY, "the token is no longer good").await;
                    }
                    true
                }
                _ = stopping.changed() => true,
            };
            if !went_on {
                return;
            }
        }
    }

    /// Whether the client may still hear this meeting: its token may have been revoked, or have expired, or the meeting
    /// have been deleted.
    async fn may_stay(&self) -> bool {
        let caller = caller_still(&self.api, &self.headers, Scope::Write, &self.caller).await;
        let Ok(caller) = caller else {
            return false;
        };
        self.session.seen_as(&caller.viewer);
        self.api.own_live(self.session.id().as_str(), &caller).is_ok()
    }

    /// Writes what is new; `false` when nobody takes it.
    async fn write_events(&mut self) -> bool {
        let (session, after) = (Arc::clone(&self.session), self.last);
        // It may read a file.
        let replayed = tokio::task::spawn_blocking(move || session.since(after)).await;
        let replayed = match replayed {
            Ok(Ok(replayed)) => replayed,
            Ok(Err(error)) => {
                tracing::error!(error = format!("{error:#}"), "what a live meeting told cannot be read");
                return false;
            }
            Err(_) => return false,
        };
        for one in replayed {
            self.last = one.seq();
            let text = match one {
                Replayed::Line { json, .. } => json,
                Replayed::Event(event) => render(&event, self.phrases),
            };
            if !self.write(text).await {
                return false;
            }
        }
        true
    }

    async fn refuse(&mut self, fault: &Fault) {
        let error = Aside::Error {
            detail: fault.to_string(),
        };
        if self.write(json(&error)).await {
            self.close(close_code::POLICY, &fault.to_string()).await;
        }
    }

    async fn write(&mut self, text: String) -> bool {
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> bool {
        matches!(timeout(WRITE_MAX, self.sink.send(message)).await, Ok(Ok(())))
    }

    async fn close(&mut self, code: u16, reason: &str) {
        let reason = Utf8Bytes::from(reason.to_owned());
        self.send(Message::Close(Some(CloseFrame { code, reason }))).await;
    }
}

fn render(event: &Event, phrases: Phrases) -> String {
    let told = match &event.notice {
        Notice::Told(message) => {
            return json(&ToldLine {
                seq: event.seq,
                message,
            });
        }
        Notice::Accepted { samples } => Told::Accepted { samples: *samples },
        Notice::Minutes(minutes) => Told::Minutes {
            minutes: Box::new(MinutesView::of(minutes, &Default::default())),
        },
        Notice::Recommendations(found) => Told::Recommendations {
            items: found
                .iter()
                .map(|one| RecommendationView::of(one.clone(), phrases))
                .collect(),
        },
        Notice::Ended { job } => Told::Ended { job: &job.0 },
        Notice::Finished { meeting } => Told::Finished {
            meeting: meeting.as_ref().map(datasets::MeetingId::as_str),
        },
        Notice::Failed => Told::Failed,
    };
    json(&Numbered { seq: event.seq, told })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes, it is a frame of a track that there is, or a fault.
        #[test]
        fn frames_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), tracks in 1_usize..4, opus: bool) {
            let coding = if opus { Coding::Opus } else { Coding::Pcm };
            match read_frame(&bytes, tracks, coding) {
                Ok(frame) => {
                    prop_assert!(frame.track < tracks && (opus || frame.payload.len() % 2 == 0));
                    let header = [&(frame.track as u16).to_le_bytes()[..], &frame.position.to_le_bytes()].concat();
                    prop_assert_eq!([header, frame.payload].concat(), bytes);
                }
                Err(Fault::Short) => prop_assert!(bytes.len() < HEADER_BYTES),
                Err(Fault::NoTrack(track)) => prop_assert!(track >= tracks),
                Err(Fault::HalfSample) => prop_assert!(bytes.len() % 2 == 1),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }

    #[test]
    fn controls_are_two() {
        let read = |text: &str| serde_json::from_str::<Control>(text).ok();
        assert_eq!(read(r#"{"type": "finish"}"#), Some(Control::Finish));
        assert_eq!(read(r#"{"type": "ping"}"#), Some(Control::Ping));
        for wrong in ["", "{}", "null", r#"{"type": "start"}"#] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
