//! Whether the server lives, and whether it can be asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;

/// That the server lives.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    status: &'static str,
    version: &'static str,
}

/// What the server has ready.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    status: &'static str,
    /// Whether search goes by meaning too.
    sentence_encoder: bool,
    /// Whether recordings can be transcribed.
    speech_model: bool,
}

/// Says that the server lives
#[utoipa::path(get, path = "/health", tag = "operations", security(()), responses((status = 200, body = Health)))]
pub(super) async fn health() -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Says whether the server can be asked
#[utoipa::path(get, path = "/ready", tag = "operations", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = ProblemBody)))]
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Answer<Json<Readiness>> {
    if *api.stopping.borrow() {
        return Err(Problem::unavailable("the server is stopping"));
    }
    // Whoever asks this is nobody in particular: it tells nothing of what is in the library, not even how much.
    let asked = Arc::clone(&api);
    let counted = tokio::task::spawn_blocking(move || asked.service.queue.counts()).await;
    counted.map_err(|_| Problem::internal())??;
    Ok(Json(Readiness {
        status: "ready",
        sentence_encoder: api.service.encoder.is_some(),
        speech_model: api.service.speech.is_some(),
    }))
}
