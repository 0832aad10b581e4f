//! All routes, what stands around them, and their description in OpenAPI, which is made of the code.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use datasets::{MeetingId, Viewer};
use tokio::sync::watch;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Description, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Anonymous;
use super::permits::Permits;
use super::problem::{self, Answer, Problem};
use super::{
    actions, assets, conditional, corrections, exports, guard, health, jobs, lingering, live, live_socket, mcp,
    meetings, metrics, people, recommendations, search, session, transcriptions, uploads, webhooks,
};
use crate::service::Service;
use crate::service::catalog::Entry;
use crate::service::holdings::Holdings;
use crate::service::worker::LoadedTranscriber;

/// Largest body of a call that is no upload.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Longest a call may take that is no upload, stream or transcription.
const CALL_TIME_MAX: Duration = Duration::from_secs(30);
/// Scripts, styles, sound and calls from here alone; no frames around the page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; media-src 'self' blob:; img-src 'self' data:; \
     style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// How the interface behaves.
#[derive(Clone, Copy, Debug)]
pub struct ApiOptions {
    /// Whether callers without a token are let in.
    pub anonymous: Anonymous,
    /// Largest file that is taken, in bytes.
    pub upload_bytes_max: u64,
    /// Whether the page's cookie goes over HTTPS alone.
    pub secure_cookie: bool,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            anonymous: Anonymous::Refused,
            upload_bytes_max: 8 << 30,
            secure_cookie: false,
        }
    }
}

/// What every handler has.
pub(super) struct Api {
    pub(super) service: Arc<Service>,
    pub(super) options: ApiOptions,
    /// For searches and reading.
    pub(super) reading: Permits,
    /// For changes, which come one after the other anyhow.
    pub(super) writing: Permits,
    /// For transcriptions that somebody waits for.
    pub(super) transcribing: Permits,
    /// Held by whoever makes a mix.
    pub(super) mixing: Arc<tokio::sync::Mutex<()>>,
    pub(super) transcriber: Mutex<Option<LoadedTranscriber>>,
    /// When the transcription that is under way will probably end.
    pub(super) transcribed_at: Mutex<Option<Instant>>,
    /// Turns true when the server is stopping.
    pub(super) stopping: watch::Receiver<bool>,
}

impl Api {
    /// The meeting, when there is one and `viewer` may see it.
    pub(super) fn visible(&self, id: &str, viewer: &Viewer) -> Answer<Arc<Entry>> {
        visible(self.service.holdings(), id, viewer)
    }

    /// The meeting, when `viewer` may change it.
    pub(super) fn manageable(&self, id: &str, viewer: &Viewer) -> Answer<Arc<Entry>> {
        let entry = self.visible(id, viewer)?;
        if entry.meeting.access.allows_manage(viewer) {
            Ok(entry)
        } else {
            Err(Problem::forbidden("you may read this meeting, not change it"))
        }
    }
}

/// The meeting, when there is one and `viewer` may see it.
pub(super) fn visible(holdings: Holdings<'_>, id: &str, viewer: &Viewer) -> Answer<Arc<Entry>> {
    let id = MeetingId::new(id);
    holdings.catalog.visible(&id, viewer).ok_or_else(Problem::not_found)
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "greffier",
        description = "Meetings, their proven minutes, search, recommendations with reasons. Errors are problem details \
                       (RFC 9457). What a caller may not see is answered as what does not exist."
    ),
    security(("token" = []))
)]
struct Described;

/// The routes of the interface and of the page.
pub fn router(service: Arc<Service>, options: ApiOptions, stopping: watch::Receiver<bool>) -> Router {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let api = Arc::new(Api {
        service,
        options,
        reading: Permits::new(threads),
        writing: Permits::new(1),
        transcribing: Permits::new(1),
        mixing: Arc::default(),
        transcriber: Mutex::default(),
        transcribed_at: Mutex::default(),
        stopping,
    });
    let (routes, description) = described();
    let description: Arc<str> = description.to_json().unwrap_or_default().into();
    let json = [(header::CONTENT_TYPE, "application/json")];
    routes
        .route(
            "/v1/openapi.json",
            get(move || async move { (json, description.to_string()) }),
        )
        .merge(assets::routes())
        .merge(mcp::routes(&api))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn_with_state(Arc::clone(&api), guard::same_site))
        .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response()))
        .layer(from_fn_with_state(Arc::clone(&api), guard::record))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(set(header::VARY, "authorization, cookie"))
        .with_state(api)
}

/// The description of the interface: what `/v1/openapi.json` answers.
pub fn openapi() -> Description {
    described().1
}

fn described() -> (Router<Arc<Api>>, Description) {
    let quick = OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(meetings::list))
        .routes(routes!(meetings::read, meetings::change, meetings::delete))
        .routes(routes!(meetings::transcript))
        .routes(routes!(meetings::minutes))
        .routes(routes!(corrections::name_speaker))
        .routes(routes!(corrections::correct_utterance))
        .routes(routes!(corrections::restore_passage))
        .routes(routes!(exports::export))
        .routes(routes!(actions::list))
        .routes(routes!(actions::feed))
        .routes(routes!(actions::set_status))
        .routes(routes!(people::list))
        .routes(routes!(search::search))
        .routes(routes!(search::suggest))
        .routes(routes!(recommendations::recommend))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::read, jobs::cancel))
        .routes(routes!(jobs::retry))
        .routes(routes!(live::list, live::open))
        .routes(routes!(live::read, live::discard))
        .routes(routes!(live::finish))
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::remove))
        .routes(routes!(session::read, session::begin, session::end))
        .routes(routes!(transcriptions::models))
        .layer(from_fn(conditional::tag_lists))
        .layer(from_fn(in_time))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    // These stream: what they take is bounded where it is written, and they last as long as their sender does.
    let streaming = OpenApiRouter::new()
        .routes(routes!(exports::recording))
        .routes(routes!(exports::mix))
        .routes(routes!(uploads::upload))
        .routes(routes!(uploads::begin, uploads::capabilities))
        .routes(routes!(uploads::offset, uploads::append, uploads::abandon))
        .routes(routes!(jobs::events))
        .routes(routes!(live_socket::socket))
        .routes(routes!(transcriptions::transcribe))
        .layer(DefaultBodyLimit::disable());
    let (routes, mut description) = quick.merge(streaming).split_for_parts();
    describe_problems(&mut description);
    description.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let components = description.components.get_or_insert_default();
    components.security_schemes = BTreeMap::from([("token".to_owned(), RefOr::T(token))]);
    let around = routes.layer(from_fn(private)).layer(from_fn(lingering::hear_out));
    (around, description)
}

/// The type that errors are answered with, which the attribute of each call would have to repeat.
fn describe_problems(description: &mut Description) {
    for item in description.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.options,
            &mut item.head,
            &mut item.patch,
        ];
        for operation in operations.into_iter().flatten() {
            let failures = operation.responses.responses.entry("5XX".to_owned());
            failures.or_insert_with(|| RefOr::T(failure()));
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                if status.starts_with(['4', '5']) {
                    let bodies = std::mem::take(&mut response.content).into_values();
                    response.content = bodies.map(|body| (problem::MEDIA_TYPE.to_owned(), body)).collect();
                }
            }
        }
    }
}

/// What any call may be answered with: too much is asked at once, it took too long, or the server failed.
fn failure() -> utoipa::openapi::Response {
    let body = Content::new(Some(Ref::from_schema_name("ProblemBody")));
    ResponseBuilder::new()
        .description("The server cannot do this now, or failed")
        .content(problem::MEDIA_TYPE, body)
        .build()
}

/// A call that takes too long is told so, as whatever else goes wrong is.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = timeout(CALL_TIME_MAX, next.run(request)).await;
    answered.unwrap_or_else(|_| Problem::took_too_long().into_response())
}

/// Answers depend on who asks: a cache may keep them for this one, and asks again each time.
async fn private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    response
}

fn set(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
