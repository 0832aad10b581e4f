//! Answers that a caller has already are not sent again, and changes of what a caller has not seen are refused: entity
//! tags, `If-None-Match` and `If-Match` (RFC 9110).

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use datasets::Viewer;
use datasets::library::sha256_hex;

use super::problem::{Answer, Problem};
use crate::service::catalog::Entry;

/// The answer with the version of the meeting, or that the caller has it already.
pub(super) fn tagged<T: IntoResponse>(
    headers: &HeaderMap,
    entry: &Entry,
    viewer: &Viewer,
    body: impl FnOnce() -> T,
) -> Response {
    let tag = entity_tag(entry, viewer);
    if is_known(headers, &tag) {
        return with_tag(StatusCode::NOT_MODIFIED.into_response(), &tag);
    }
    with_tag(body().into_response(), &tag)
}

/// Refuses a change of what the caller has not seen, when the caller says what it has seen.
pub(super) fn check_unchanged(headers: &HeaderMap, entry: &Entry, viewer: &Viewer) -> Answer<()> {
    let seen = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    match seen {
        Some(seen) if seen.trim() != "*" && !seen.split(',').any(|one| one.trim() == entity_tag(entry, viewer)) => {
            Err(Problem::changed_meanwhile())
        }
        _ => Ok(()),
    }
}

/// Tags lists by what they hold: whoever asks again and again is told that nothing is new.
pub(super) async fn tag_lists(request: Request, next: Next) -> Response {
    let is_read = *request.method() == Method::GET;
    let asked = request.headers().clone();
    let response = next.run(request).await;
    if !is_read || response.status() != StatusCode::OK || response.headers().contains_key(header::ETAG) {
        return response;
    }
    let (head, body) = response.into_parts();
    // Whole in memory already: what streams is not under this layer.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Problem::internal().into_response();
    };
    let tag = format!("\"{}\"", &sha256_hex(&bytes)[..32]);
    let mut response = Response::from_parts(head, Body::from(bytes));
    if is_known(&asked, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    with_tag(response, &tag)
}

/// Names the versions of a meeting's artifacts, and the file: a meeting that was deleted and came again counts anew, and so
/// does one whose recording went. Whoever may manage a meeting is told more of it, under another tag.
fn entity_tag(entry: &Entry, viewer: &Viewer) -> String {
    let versions = &entry.versions;
    let source = entry.meeting.source.as_ref().map_or("", |source| &source.sha256);
    let manages = if entry.meeting.access.allows_manage(viewer) {
        "-managed"
    } else {
        ""
    };
    let file = if entry.has_source { "-file" } else { "" };
    format!(
        "\"{}-{}-{}-{}-{}{file}{manages}\"",
        source.get(..8).unwrap_or_default(),
        versions.meeting.0,
        versions.transcript.0,
        versions.minutes.0,
        versions.actions.0
    )
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
}

fn with_tag(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
