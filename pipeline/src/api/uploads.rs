//! Files in: in one piece as a form, or piece by piece by the tus protocol (tus.io, version 1.0.0, with creation and
//! termination), which goes on where a broken connection left off. Both stream to disk and end in a job.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datasets::formats::invitation;
use datasets::{Language, SeriesId, Visibility};
use futures_util::StreamExt as _;
use serde::Serialize;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::caller::{Reader, Writer};
use super::input::Part;
use super::jobs::JobView;
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use crate::day_or_time::day_or_time;
use crate::service::queue::NewJob;
use crate::service::run_parameters::RunParameters;
use crate::service::uploads::{Upload, Uploads};
use crate::traces;

/// What people wait for comes before what a folder brings.
const PRIORITY: i64 = 10;
/// How long a sender may be silent: the connection may be gone, and what it holds is free for the next.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Longest field of a form that is no file, in bytes: an invitation with a long agenda fits.
const FIELD_BYTES_MAX: usize = 1 << 20;
/// Extensions of files that hold sound.
const RECORDINGS: [&str; 18] = [
    "aac", "aif", "aiff", "avi", "caf", "flac", "m4a", "mka", "mkv", "mov", "mp3", "mp4", "oga", "ogg", "opus", "wav",
    "webm", "wma",
];
const TUS_VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
/// Names the job in the answer to the last piece.
const UPLOAD_JOB: HeaderName = HeaderName::from_static("greffier-job");

/// What was accepted.
#[derive(Serialize, ToSchema)]
pub(super) struct Accepted {
    job: JobView,
    links: AcceptedLinks,
}

#[derive(Serialize, ToSchema)]
struct AcceptedLinks {
    job: String,
    events: String,
}

/// The form of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form; it is read field by field")]
pub(super) struct UploadForm {
    /// A transcript or a recording.
    #[schema(format = Binary)]
    file: String,
    title: Option<String>,
    series: Option<String>,
    /// A day or a time.
    started_at: Option<String>,
    /// The text of an `.ics` file.
    invitation: Option<String>,
    /// `fr` or `en`.
    minutes_language: Option<String>,
    /// ISO 639-1.
    spoken_language: Option<String>,
    /// How many people speak.
    speakers: Option<usize>,
    /// `participants` (unless said otherwise), `private`, or `domain:example.org`.
    visibility: Option<String>,
}

/// Uploads a transcript or a recording in one piece; a job makes a meeting of it
#[utoipa::path(post, path = "/v1/meetings", tag = "uploads", request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, body = Accepted), (status = "4XX", body = ProblemBody)))]
pub(super) async fn upload(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    form: Result<Multipart, MultipartRejection>,
) -> Answer<Response> {
    let mut form = form.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let mut parameters = api.defaults(&caller);
    let mut upload = None;
    while let Some(field) = next_field(&mut form).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if upload.is_some() {
                return Err(Problem::bad_request("one file makes one job: send them one by one"));
            }
            let begun = begin_form_file(&api, &caller, &field, &parameters).await?;
            // Removed again when the sender goes away before the end.
            let unfinished = Unfinished::new(Arc::clone(&api), begun);
            unfinished.receive(field).await?;
            upload = Some(unfinished);
        } else {
            set_parameter(&mut parameters, &name, &text_of(field).await?)?;
        }
    }
    let upload = upload.ok_or_else(|| Problem::bad_request("the form has no field `file`"))?;
    let accepted = api.accept(upload.keep(), parameters, caller).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)).into_response())
}

/// Says what of tus is understood
#[utoipa::path(options, path = "/v1/uploads", tag = "uploads", security(()), responses((status = 204)))]
pub(super) async fn capabilities(State(api): State<Arc<Api>>) -> Response {
    let headers = [
        (HeaderName::from_static("tus-version"), TUS_VERSION),
        (
            HeaderName::from_static("tus-extension"),
            HeaderValue::from_static("creation,termination"),
        ),
        (
            HeaderName::from_static("tus-max-size"),
            HeaderValue::from(api.options.upload_bytes_max),
        ),
        (TUS_RESUMABLE, TUS_VERSION),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Begins an upload that can be resumed (tus); `Upload-Metadata` carries `filename` and the fields of the form
#[utoipa::path(post, path = "/v1/uploads", tag = "uploads",
    params(("upload-length" = u64, Header), ("upload-metadata" = String, Header)),
    responses((status = 201, headers(("location" = String))), (status = "4XX", body = ProblemBody)))]
pub(super) async fn begin(State(api): State<Arc<Api>>, Writer(caller): Writer, headers: HeaderMap) -> Answer<Response> {
    let length = number(&headers, &UPLOAD_LENGTH)?;
    api.check_length(length)?;
    let mut parameters = api.defaults(&caller);
    for (name, value) in metadata(&headers)? {
        if name == "filename" {
            parameters.file_name = value;
        } else if name != "filetype" {
            set_parameter(&mut parameters, &name, &value)?;
        }
    }
    if parameters.file_name.trim().is_empty() {
        return Err(Problem::bad_request("upload-metadata: `filename` is needed"));
    }
    let upload = api.begin(&caller, length, parameters).await?;
    let location = format!("/v1/uploads/{}", upload.id);
    Ok(tus(
        StatusCode::CREATED,
        [(
            header::LOCATION,
            HeaderValue::from_str(&location).map_err(|_| Problem::internal())?,
        )],
    ))
}

/// Says how much of an upload has arrived (tus)
#[utoipa::path(head, path = "/v1/uploads/{upload}", tag = "uploads", params(("upload" = String, Path)),
    responses((status = 200), (status = "4XX")))]
pub(super) async fn offset(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
) -> Answer<Response> {
    let upload = api.own_upload(id, &caller).await?;
    let offset = Uploads::offset(&upload)?;
    let mut headers = vec![
        (UPLOAD_OFFSET, HeaderValue::from(offset)),
        (UPLOAD_LENGTH, HeaderValue::from(upload.length)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    headers.extend(
        upload
            .job
            .and_then(|job| Some((UPLOAD_JOB, HeaderValue::from_str(&job.0).ok()?))),
    );
    Ok(tus(StatusCode::OK, headers))
}

/// Sends the next piece of an upload (tus); after the last, a job makes a meeting of it
#[utoipa::path(patch, path = "/v1/uploads/{upload}", tag = "uploads",
    params(("upload" = String, Path), ("upload-offset" = u64, Header)),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, headers(("upload-offset" = u64), ("greffier-job" = String))), (status = "4XX", body = ProblemBody)))]
pub(super) async fn append(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if media_type != Some("application/offset+octet-stream") {
        return Err(Problem::unsupported_media_type("send application/offset+octet-stream"));
    }
    let upload = api.own_upload(id, &caller).await?;
    let _appending = api
        .service
        .uploads
        .appending(&upload.id)
        .ok_or_else(|| Problem::conflict("another call appends to this upload"))?;
    let offset = Uploads::offset(&upload)?;
    if number(&headers, &UPLOAD_OFFSET)? != offset {
        return Err(Problem::conflict(format!("the upload stands at {offset}")));
    }
    let offset = receive(&upload.parameters.path, offset, upload.length, body, SILENCE_MAX).await?;
    let mut answer = vec![(UPLOAD_OFFSET, HeaderValue::from(offset))];
    if offset == upload.length && upload.job.is_none() {
        let parameters = upload.parameters.clone();
        let accepted = api.accept(upload, parameters, caller).await?;
        answer.extend(
            HeaderValue::from_str(accepted.job.id())
                .ok()
                .map(|job| (UPLOAD_JOB, job)),
        );
    }
    Ok(tus(StatusCode::NO_CONTENT, answer))
}

/// Gives an upload up (tus)
#[utoipa::path(delete, path = "/v1/uploads/{upload}", tag = "uploads", params(("upload" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemBody)))]
pub(super) async fn abandon(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
) -> Answer<Response> {
    let upload = api.own_upload(id, &caller).await?;
    if upload.job.is_some() {
        return Err(Problem::conflict("a job was made of it: cancel the job"));
    }
    let asked = Arc::clone(&api);
    api.writing
        .run(move || Ok(asked.service.uploads.remove(&upload.id)?))
        .await?;
    Ok(tus(StatusCode::NO_CONTENT, []))
}

impl Api {
    /// What a job of the caller does unless told otherwise.
    fn defaults(&self, caller: &Reader) -> RunParameters {
        RunParameters {
            owner: caller.person().cloned(),
            ..RunParameters::of_server(&self.service)
        }
    }

    fn check_length(&self, length: u64) -> Answer<()> {
        let max = self.options.upload_bytes_max;
        if length > max {
            return Err(Problem::too_large(format!("a file has at most {max} bytes")));
        }
        Ok(())
    }

    async fn begin(self: &Arc<Self>, caller: &Reader, length: u64, parameters: RunParameters) -> Answer<Upload> {
        // What is in the file is found out at its end; who sends an hour of sound is told before.
        if self.service.speech.is_none() && is_named_as_recording(&parameters.file_name) {
            return Err(no_speech_model());
        }
        let (asked, owner) = (Arc::clone(self), caller.person().cloned());
        self.writing
            .run(move || Ok(asked.service.uploads.begin(owner.as_ref(), length, parameters)?))
            .await
    }

    async fn own_upload(self: &Arc<Self>, id: String, caller: &Reader) -> Answer<Upload> {
        let (asked, owner) = (Arc::clone(self), caller.person().cloned());
        let found = self.reading.run(move || Ok(asked.service.uploads.get(&id)?)).await?;
        found
            .filter(|upload| upload.owner == owner)
            .ok_or_else(Problem::not_found)
    }

    /// Makes a job of a whole file.
    async fn accept(self: &Arc<Self>, upload: Upload, parameters: RunParameters, caller: Reader) -> Answer<Accepted> {
        let asked = Arc::clone(self);
        let accept = move || {
            let parameters = RunParameters {
                path: upload.parameters.path,
                file_name: upload.parameters.file_name,
                upload: Some(upload.id.clone()),
                trace: traces::current(),
                ..parameters
            };
            if parameters.lacks_speech_model()? {
                asked.service.uploads.remove(&upload.id)?;
                return Err(no_speech_model());
            }
            let job = asked.service.queue.submit(&NewJob {
                lane: parameters.lane()?,
                priority: PRIORITY,
                parameters,
                owner: caller.person().cloned(),
                // The answer to the last piece may be lost: sent again, it is the same job.
                idempotency_key: Some(format!("upload {}", upload.id)),
            })?;
            asked.service.uploads.set_job(&upload.id, &job.id)?;
            let address = format!("/v1/jobs/{}", job.id.0);
            Ok(Accepted {
                job: asked.view(job, &caller.viewer),
                links: AcceptedLinks {
                    events: format!("{address}/events"),
                    job: address,
                },
            })
        };
        self.writing.run(accept).await
    }
}

/// Trying again is of no use until somebody installs a model.
fn no_speech_model() -> Problem {
    Problem::unprocessable("this server has no speech model, so it takes transcripts only")
}

fn is_named_as_recording(file_name: &str) -> bool {
    let extension = Path::new(file_name).extension();
    extension.is_some_and(|extension| RECORDINGS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// A file that is not wholly there yet, or that is not to be kept: it goes when this does.
pub(super) struct Unfinished {
    api: Arc<Api>,
    upload: Option<Upload>,
    path: PathBuf,
}

impl Unfinished {
    pub(super) fn new(api: Arc<Api>, upload: Upload) -> Self {
        Self {
            path: upload.parameters.path.clone(),
            upload: Some(upload),
            api,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn receive(&self, field: Field<'_>) -> Answer<()> {
        write_field(&self.path, field, self.api.options.upload_bytes_max).await
    }

    fn keep(mut self) -> Upload {
        self.upload.take().expect("an upload is taken out once")
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(upload) = &self.upload
            && let Err(error) = self.api.service.uploads.remove(&upload.id)
        {
            tracing::warn!(error = format!("{error:#}"), "an unfinished upload stays");
        }
    }
}

pub(super) async fn begin_form_file(
    api: &Arc<Api>,
    caller: &Reader,
    field: &Field<'_>,
    parameters: &RunParameters,
) -> Answer<Upload> {
    let file_name = field.file_name().unwrap_or_default().to_owned();
    if file_name.trim().is_empty() {
        return Err(Problem::bad_request("the file has no name"));
    }
    let parameters = RunParameters {
        file_name,
        ..parameters.clone()
    };
    api.begin(caller, 0, parameters).await
}

/// Writes a field of a form to `path`.
async fn write_field(path: &Path, mut field: Field<'_>, bytes_max: u64) -> Answer<()> {
    let mut file = File::create(path).await.map_err(failed)?;
    let mut written: u64 = 0;
    while let Some(piece) = next_piece(&mut field).await? {
        written += piece.len() as u64;
        if written > bytes_max {
            return Err(Problem::too_large(format!("a file has at most {bytes_max} bytes")));
        }
        file.write_all(&piece).await.map_err(failed)?;
    }
    if written == 0 {
        return Err(Problem::bad_request("the file is empty"));
    }
    file.sync_all().await.map_err(failed)
}

/// A field of a form that is no file.
pub(super) async fn text_of(mut field: Field<'_>) -> Answer<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(&mut field).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > FIELD_BYTES_MAX {
            return Err(Problem::too_large("a field of the form is too long"));
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::bad_request("a field of the form is no text"))
}

/// The next field of a form.
pub(super) async fn next_field(form: &mut Multipart) -> Answer<Option<Field<'_>>> {
    let field = timeout(SILENCE_MAX, form.next_field()).await;
    field.map_err(|_| Problem::silent())?.map_err(|error| broken(&error))
}

async fn next_piece(field: &mut Field<'_>) -> Answer<Option<Bytes>> {
    let piece = timeout(SILENCE_MAX, field.chunk()).await;
    piece.map_err(|_| Problem::silent())?.map_err(|error| broken(&error))
}

fn broken(error: &axum::extract::multipart::MultipartError) -> Problem {
    Problem::bad_request(format!("the form: {}", error.body_text()))
}

/// Appends a body to the file at `path`, which holds `offset` of `length` bytes; returns how many it holds then. What
/// arrived before a connection broke, or was silent for `silence_max`, is kept.
async fn receive(path: &Path, mut offset: u64, length: u64, body: Body, silence_max: Duration) -> Answer<u64> {
    let mut file = OpenOptions::new().append(true).open(path).await.map_err(failed)?;
    let mut pieces = body.into_data_stream();
    loop {
        let piece = match timeout(silence_max, pieces.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(_)) | None) => break,
            Err(_) => {
                file.sync_all().await.map_err(failed)?;
                return Err(Problem::silent());
            }
        };
        let wanted = usize::try_from(length - offset).map_or(piece.len(), |left| left.min(piece.len()));
        file.write_all(&piece[..wanted]).await.map_err(failed)?;
        offset += wanted as u64;
        if wanted < piece.len() {
            file.sync_all().await.map_err(failed)?;
            return Err(Problem::too_large("more arrived than was announced"));
        }
    }
    file.sync_all().await.map_err(failed)?;
    Ok(offset)
}

fn set_parameter(parameters: &mut RunParameters, name: &str, value: &str) -> Answer<()> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(());
    }
    let wrong = |error: String| Problem::bad_request(format!("{name}: {error}"));
    let language = || {
        value
            .parse::<Language>()
            .map(Some)
            .map_err(|error| wrong(error.to_string()))
    };
    match name {
        "title" => parameters.title = Some(value.to_owned()),
        "series" => parameters.series = Some(SeriesId::new(value)),
        "started_at" => parameters.started_at = Some(day_or_time(value).map_err(wrong)?),
        "invitation" => {
            let events = invitation::read("invitation.ics", value.as_bytes()).map_err(anyhow::Error::from)?;
            if events.len() != 1 {
                return Err(wrong(format!("it holds {} events, not one", events.len())));
            }
            parameters.invitation = Some(value.to_owned());
        }
        "minutes_language" => parameters.minutes_language = language()?,
        "spoken_language" => parameters.spoken_language = language()?,
        "speakers" => parameters.speakers = Some(value.parse().map_err(|_| wrong("use a number".to_owned()))?),
        "visibility" => parameters.visibility = visibility(value)?,
        _ => return Err(Problem::bad_request(format!("`{name}` is no field of an upload"))),
    }
    Ok(())
}

/// Who sees a meeting, as forms name it.
pub(super) fn visibility(value: &str) -> Answer<Visibility> {
    match (value, value.strip_prefix("domain:")) {
        ("participants", _) => Ok(Visibility::Participants),
        ("private", _) => Ok(Visibility::Private),
        (_, Some(domain)) if !domain.is_empty() => Ok(Visibility::Domain(domain.to_lowercase())),
        _ => Err(Problem::bad_request(
            "visibility: use participants, private or domain:example.org",
        )),
    }
}

/// The pairs of `Upload-Metadata`: names, each with a value in base 64.
fn metadata(headers: &HeaderMap) -> Answer<Vec<(String, String)>> {
    let wrong = || Problem::bad_request("upload-metadata: use `name base64, name base64`");
    let Some(value) = headers.get(&UPLOAD_METADATA) else {
        return Ok(Vec::new());
    };
    let pairs = value
        .to_str()
        .map_err(|_| wrong())?
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = STANDARD.decode(value.trim()).map_err(|_| wrong())?;
            Ok((name.to_owned(), String::from_utf8(value).map_err(|_| wrong())?))
        })
        .collect()
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Answer<u64> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
    value.ok_or_else(|| Problem::bad_request(format!("the header {name} is needed, a number")))
}

fn tus(status: StatusCode, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Response {
    let mut response = status.into_response();
    response.headers_mut().insert(TUS_RESUMABLE, TUS_VERSION);
    response.headers_mut().extend(headers);
    response
}

fn failed(error: std::io::Error) -> Problem {
    anyhow::Error::new(error).context("writing an upload").into()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream::{iter, pending};

    use super::*;

    #[test]
    fn a_sender_that_is_silent_is_given_up_and_what_came_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.vtt");
        std::fs::write(&path, "WEB").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let stalled = Body::from_stream(iter([Ok::<_, Infallible>("VTT")]).chain(pending()));
        let received = receive(&path, 3, 100, stalled, Duration::from_millis(10));
        let refused = runtime.unwrap().block_on(received).unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "WEBVTT");
    }

    #[test]
    fn recordings_are_known_by_their_names() {
        assert!(is_named_as_recording("Réunion.MP3") && is_named_as_recording("a.b.mka"));
        assert!(!is_named_as_recording("weekly.vtt") && !is_named_as_recording("mp3"));
    }
}
