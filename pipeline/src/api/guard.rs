//! Around every call: who asked for what goes to the log and, where it matters, to the audit log; pages of other sites
//! cannot use the browser of somebody who is let in here.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::RequestExt as _;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use tracing::Instrument as _;

use super::caller::{Anonymous, Who};
use super::problem::Problem;
use super::router::Api;
use crate::service::audit::AuditRecord;
use crate::traces;

/// Logs a call: method, route, status and time; never the query, the body, or what was answered.
pub(super) async fn record(
    State(api): State<Arc<Api>>,
    route: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let who: Arc<OnceLock<Who>> = Arc::default();
    request.extensions_mut().insert(Arc::clone(&who));
    let method = request.method().clone();
    // A call that leads nowhere has no parts.
    let parts = request.extract_parts::<RawPathParams>().await.ok();
    let subject = parts.and_then(|parts| parts.iter().next().map(|(_, value)| value.to_owned()));
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let span = traces::call(&method, &route, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    traces::answered(&span, status);
    let took = began.elapsed();
    api.service.metrics.call(method.as_str(), &route, status, took);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status, ms, "call");
    let reads_meeting = route.starts_with("/v1/meetings/");
    let is_refused = matches!(status, 401 | 403);
    if route.starts_with("/v1") && (!method.is_safe() || reads_meeting || is_refused) {
        api.service.audit.append(&AuditRecord {
            at: Timestamp::now(),
            who: who.get().map_or("nobody", |who| who.0.as_str()),
            method: method.as_str(),
            route: &route,
            subject: subject.as_deref(),
            status,
        });
    }
    response
}

/// Refuses what a page of another site makes a browser do. Programs send none of these headers and are not concerned.
pub(super) async fn same_site(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // What is sent over a WebSocket changes things, though it begins with a GET, and no browser holds it back.
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD) && !headers.contains_key(header::UPGRADE);
    let is_foreign_write = !is_reading && is_foreign(headers);
    // Anybody is let in on loopback: a name of another site that leads to this machine must not be enough.
    let is_foreign_name = api.options.anonymous == Anonymous::IsOperator && !names_this_machine(headers);
    if is_foreign_write || is_foreign_name {
        return Problem::forbidden("the call comes from another site").into_response();
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "cross-site" | "same-site");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, origin)| origin != host),
        _ => false,
    }
}

fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) else {
        return true;
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                header::HeaderName::from_static(name),
                header::HeaderValue::from_static(value),
            )
        });
        pairs.collect()
    }

    #[test]
    fn another_site_is_told_from_our_own_page_and_from_programs() {
        assert!(is_foreign(&headers(&[
            ("origin", "https://evil.example"),
            ("host", "127.0.0.1:8080")
        ])));
        assert!(is_foreign(&headers(&[("origin", "null"), ("host", "127.0.0.1:8080")])));
        assert!(is_foreign(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(!is_foreign(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!is_foreign(&headers(&[
            ("origin", "http://127.0.0.1:8080"),
            ("host", "127.0.0.1:8080")
        ])));
        assert!(!is_foreign(&headers(&[("host", "127.0.0.1:8080")])));
    }

    #[test]
    fn names_of_this_machine() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]:8080", "127.8.8.8"] {
            assert!(names_this_machine(&headers(&[("host", host)])), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8080", "10.0.0.1"] {
            assert!(!names_this_machine(&headers(&[("host", host)])), "{host}");
        }
    }
}
