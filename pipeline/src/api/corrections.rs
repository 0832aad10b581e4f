//! Corrections by hand: who speaks, what was said, what had been suppressed. Each makes a new version; earlier ones stay.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use datasets::{SpeakerLabel, UtteranceId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::caller::{Reader, Writer};
use super::conditional::{check_unchanged, tagged};
use super::input::{Body, Part};
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use super::wire::MeetingView;
use crate::stages::correct_meeting::Correction;

/// Who speaks under a label.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpeakerName {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Makes it the same person in all meetings.
    #[serde(default)]
    email: Option<String>,
}

/// What an utterance should be; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UtteranceChange {
    #[serde(default)]
    #[schema(min_length = 1)]
    text: Option<String>,
    /// A label, known or new.
    #[serde(default)]
    speaker: Option<String>,
}

/// Says who a speaker is, everywhere in the meeting
#[utoipa::path(put, path = "/v1/meetings/{meeting}/speakers/{speaker}", tag = "corrections",
    params(("meeting" = String, Path), ("speaker" = String, Path, description = "The label in the transcript")),
    request_body = SpeakerName,
    responses((status = 200, body = MeetingView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn name_speaker(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part((id, label)): Part<(String, String)>,
    headers: HeaderMap,
    Body(named): Body<SpeakerName>,
) -> Answer<Response> {
    let name = named.name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(Problem::bad_request("a speaker has a name"));
    }
    let email = named
        .email
        .map(|email| email.trim().to_owned())
        .filter(|email| !email.is_empty());
    let label = SpeakerLabel::new(label);
    apply(api, caller, id, headers, Correction::Speaker { label, name, email }).await
}

/// Corrects what was said, or who said it
#[utoipa::path(patch, path = "/v1/meetings/{meeting}/utterances/{utterance}", tag = "corrections",
    params(("meeting" = String, Path), ("utterance" = String, Path)),
    request_body = UtteranceChange,
    responses((status = 200, body = MeetingView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn correct_utterance(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part((id, utterance)): Part<(String, String)>,
    headers: HeaderMap,
    Body(change): Body<UtteranceChange>,
) -> Answer<Response> {
    let blank = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
    if blank(&change.text) || blank(&change.speaker) {
        return Err(Problem::bad_request(
            "text and speaker are not empty where they are given",
        ));
    }
    let correction = Correction::Utterance {
        id: UtteranceId::new(utterance),
        text: change.text,
        speaker: change.speaker.map(|speaker| SpeakerLabel::new(speaker.trim())),
    };
    apply(api, caller, id, headers, correction).await
}

/// Puts a suppressed passage back into the transcript
#[utoipa::path(post, path = "/v1/meetings/{meeting}/suppressed/{position}/restore", tag = "corrections",
    params(("meeting" = String, Path), ("position" = usize, Path, description = "Its place in `suppressed`, from 0")),
    responses((status = 200, body = MeetingView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn restore_passage(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part((id, position)): Part<(String, usize)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let positions = vec![position];
    apply(api, caller, id, headers, Correction::Restore { positions }).await
}

async fn apply(
    api: Arc<Api>,
    caller: Reader,
    id: String,
    headers: HeaderMap,
    correction: Correction,
) -> Answer<Response> {
    let asked = Arc::clone(&api);
    let viewer = caller.viewer.clone();
    let entry = api.writing.run(move || {
        let before = asked.manageable(&id, &viewer)?;
        check_unchanged(&headers, &before, &viewer)?;
        asked.service.correct(&before.meeting.id, &correction)?;
        asked.visible(&id, &viewer)
    });
    let entry = entry.await?;
    Ok(tagged(&HeaderMap::new(), &entry, &caller.viewer, || {
        Json(MeetingView::of(&entry, &caller.viewer))
    }))
}
