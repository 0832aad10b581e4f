//! Who is told when jobs end; for the operator, because a message goes out of the house.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Operator;
use super::input::{Body, Part};
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;

/// Where messages are posted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    url: String,
}

/// Somebody who is told.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookView {
    id: String,
    url: String,
    created_at: Timestamp,
    /// For checking the signature (Standard Webhooks); shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// All who are told.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookList {
    items: Vec<WebhookView>,
}

/// Lists webhooks
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks",
    responses((status = 200, body = WebhookList), (status = "4XX", body = ProblemBody)))]
pub(super) async fn list(State(api): State<Arc<Api>>, _: Operator) -> Answer<Json<WebhookList>> {
    let asked = Arc::clone(&api);
    let webhooks = api.reading.run(move || Ok(asked.service.webhooks.list()?)).await?;
    let items = webhooks.into_iter().map(|webhook| WebhookView {
        id: webhook.id,
        url: webhook.url,
        created_at: webhook.created_at,
        secret: None,
    });
    Ok(Json(WebhookList { items: items.collect() }))
}

/// Adds a webhook; the answer holds its secret
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, body = WebhookView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    _: Operator,
    Body(new): Body<NewWebhook>,
) -> Answer<(StatusCode, Json<WebhookView>)> {
    let url: axum::http::Uri = new
        .url
        .parse()
        .map_err(|_| Problem::bad_request("url: it is no address"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
        return Err(Problem::bad_request("url: use http:// or https:// and a host"));
    }
    let asked = Arc::clone(&api);
    let (webhook, secret) = api
        .writing
        .run(move || Ok(asked.service.webhooks.add(&new.url)?))
        .await?;
    let view = WebhookView {
        id: webhook.id,
        url: webhook.url,
        created_at: webhook.created_at,
        secret: Some(secret),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Removes a webhook
#[utoipa::path(delete, path = "/v1/webhooks/{webhook}", tag = "webhooks", params(("webhook" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemBody)))]
pub(super) async fn remove(State(api): State<Arc<Api>>, _: Operator, Part(id): Part<String>) -> Answer<StatusCode> {
    let asked = Arc::clone(&api);
    match api.writing.run(move || Ok(asked.service.webhooks.remove(&id)?)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found()),
    }
}
