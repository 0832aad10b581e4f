//! A meeting in every open format, and its recording.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use clap::ValueEnum as _;
use datasets::Access;
use tower_http::services::ServeFile;

use super::caller::Reader;
use super::conditional::tagged;
use super::input::Part;
use super::meetings::is_sound;
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use crate::stages::export_meeting::{ExportFormat, export_meeting};

/// Writes a meeting in an open format
#[utoipa::path(get, path = "/v1/meetings/{meeting}/exports/{format}", tag = "meetings",
    params(("meeting" = String, Path), ("format" = String, Path, description = "vtt, srt, md, transcript-md, json, ics or rttm")),
    responses((status = 200, content_type = "text/plain", body = String), (status = 304), (status = "4XX", body = ProblemBody)))]
pub(super) async fn export(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Part((id, format)): Part<(String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let format = ExportFormat::from_str(&format, true).map_err(|_| Problem::not_found())?;
    let (asked, viewer) = (Arc::clone(&api), caller.viewer.clone());
    let written = api.reading.run(move || {
        let entry = asked.visible(&id, &viewer)?;
        let is_of_minutes = matches!(format, ExportFormat::Md | ExportFormat::Ics);
        if is_of_minutes && entry.versions.minutes.0 == 0 {
            return Err(Problem::not_found());
        }
        let mut meeting = entry.meeting.clone();
        if !meeting.access.allows_manage(&viewer) {
            // Who else may see it is told to those who may change that.
            meeting.access = Access::default();
        }
        Ok((export_meeting(&asked.service.library, &meeting, format)?, entry))
    });
    let (text, entry) = written.await?;
    let mut response = tagged(&headers, &entry, &caller.viewer, || text);
    let name = format!("{}.{}", entry.meeting.id, format.extension());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Ok(disposition) = HeaderValue::from_str(&attachment(&name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Plays the recording; ranges are answered
#[utoipa::path(get, path = "/v1/meetings/{meeting}/recording", tag = "meetings", params(("meeting" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 206), (status = "4XX", body = ProblemBody)))]
pub(super) async fn recording(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Part(id): Part<String>,
    request: Request,
) -> Answer<Response> {
    let entry = api.visible(&id, &caller.viewer)?;
    let path = api
        .service
        .library
        .source_file(&entry.meeting)
        .filter(|path| is_sound(path));
    serve(path.ok_or_else(Problem::not_found)?, request).await
}

/// Plays a recording of several tracks as one; ranges are answered
#[utoipa::path(get, path = "/v1/meetings/{meeting}/recording/mix", tag = "meetings", params(("meeting" = String, Path)),
    responses((status = 200, content_type = "audio/wav", body = Vec<u8>), (status = 206), (status = "4XX", body = ProblemBody)))]
pub(super) async fn mix(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Part(id): Part<String>,
    request: Request,
) -> Answer<Response> {
    let entry = api.visible(&id, &caller.viewer)?;
    let asked = Arc::clone(&api);
    let find = move || {
        let is_needed = asked.service.mixes.is_needed(&entry.meeting);
        is_needed.then_some(entry).ok_or_else(Problem::not_found)
    };
    let entry = api.reading.run(find).await?;
    if let Some(path) = api.service.mixes.find(&entry.meeting) {
        return serve(path, request).await;
    }
    // Whoever comes meanwhile waits for the same mix; it is made to its end though its caller goes.
    let turn = Arc::clone(&api.mixing).lock_owned().await;
    let asked = Arc::clone(&api);
    let made = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mixes = &asked.service.mixes;
        if mixes.find(&entry.meeting).is_none() {
            mixes.make(&entry.meeting)?;
        }
        mixes.find(&entry.meeting).context("the mix is gone")
    });
    let path = made.await.map_err(|_| Problem::internal())??;
    serve(path, request).await
}

/// A file of sound, or the part of it that is asked for.
async fn serve(path: PathBuf, request: Request) -> Answer<Response> {
    let served = ServeFile::new(path).try_call(request).await;
    let mut response = served.map_err(|_| Problem::internal())?.into_response();
    // A file that claims to be a page must not be shown as one.
    let is_media = response.headers().get(header::CONTENT_TYPE).is_some_and(|media_type| {
        media_type
            .to_str()
            .is_ok_and(|name| name.starts_with("audio/") || name.starts_with("video/"))
    });
    if !is_media {
        let unknown = HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, unknown);
    }
    Ok(response)
}

/// `Content-Disposition` for a name in any script (RFC 6266, RFC 8187).
fn attachment(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let encoded = name.bytes().map(|byte| {
        if is_plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    format!("attachment; filename*=UTF-8''{}", encoded.collect::<String>())
}
