//! What Prometheus asks for. For the operator, because how many meetings there are is nobody else's business.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use datasets::Viewer;

use super::caller::Reader;
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use crate::service::metrics::Gauges;

/// The text form of Prometheus.
const TEXT_FORM: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Gives what the server counts of itself, as Prometheus reads it; needs a token of the operator
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, content_type = "text/plain", body = String), (status = "4XX", body = ProblemBody)))]
pub(super) async fn metrics(State(api): State<Arc<Api>>, caller: Reader) -> Answer<Response> {
    if caller.viewer != Viewer::Operator {
        return Err(Problem::forbidden("only the operator may do this"));
    }
    let asked = Arc::clone(&api);
    // Not behind the permits: an overload is what it is to show.
    let rendered = tokio::task::spawn_blocking(move || {
        let service = &asked.service;
        let gauges = Gauges {
            meetings: service.catalog.len(),
            jobs: service.queue.counts()?,
            waiting: vec![
                ("reading", asked.reading.waiting()),
                ("writing", asked.writing.waiting()),
                ("transcribing", asked.transcribing.waiting()),
            ],
            live: service.live.held(),
            live_lag: service.live.lag(),
        };
        Ok::<_, anyhow::Error>(service.metrics.render(&gauges))
    });
    let text = rendered.await.map_err(|_| Problem::internal())??;
    Ok(([(header::CONTENT_TYPE, TEXT_FORM)], text).into_response())
}
