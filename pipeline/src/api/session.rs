//! The page's way in: a browser's player and event streams cannot send headers, so the token goes into a cookie that
//! scripts cannot read and that no other site can make a browser send.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use datasets::Viewer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{COOKIE, Reader, find};
use super::input::Body;
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use crate::service::tokens::Scope;

/// A token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    token: String,
}

/// Who the caller is.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionView {
    /// The person; absent for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    /// The groups that the person is in.
    groups: Vec<String>,
    /// Whether recordings are taken.
    speech_model: bool,
    /// Whether search goes by meaning too.
    sentence_encoder: bool,
}

/// Says who the caller is
#[utoipa::path(get, path = "/v1/session", tag = "session",
    responses((status = 200, body = SessionView), (status = 401, body = ProblemBody)))]
pub(super) async fn read(State(api): State<Arc<Api>>, caller: Reader) -> Json<SessionView> {
    Json(SessionView::of(&api, &caller))
}

/// Puts a token into the page's cookie
#[utoipa::path(post, path = "/v1/session", tag = "session", security(()), request_body = Credentials,
    responses((status = 200, body = SessionView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn begin(State(api): State<Arc<Api>>, Body(credentials): Body<Credentials>) -> Answer<Response> {
    let token = credentials.token.trim().to_owned();
    let is_cookie_safe = token
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte));
    if !is_cookie_safe {
        return Err(Problem::unauthorized());
    }
    let (asked, checked) = (Arc::clone(&api), token.clone());
    let caller = api
        .reading
        .run(move || find(&asked.service, &checked, Scope::Read))
        .await?;
    let view = Json(SessionView::of(&api, &caller));
    Ok((cookie(&api, &token, "")?, view).into_response())
}

/// Takes the token out of the page's cookie
#[utoipa::path(delete, path = "/v1/session", tag = "session", security(()), responses((status = 204)))]
pub(super) async fn end(State(api): State<Arc<Api>>) -> Answer<Response> {
    Ok((StatusCode::NO_CONTENT, cookie(&api, "", "; Max-Age=0")?).into_response())
}

fn cookie(api: &Api, token: &str, more: &str) -> Answer<HeaderMap> {
    let secure = if api.options.secure_cookie { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
    let value = HeaderValue::from_str(&cookie).map_err(|_| Problem::unauthorized())?;
    Ok(HeaderMap::from_iter([(header::SET_COOKIE, value)]))
}

impl SessionView {
    fn of(api: &Api, caller: &Reader) -> Self {
        Self {
            person: caller.person().map(ToString::to_string),
            groups: match &caller.viewer {
                Viewer::Operator => Vec::new(),
                Viewer::Person { groups, .. } => groups.iter().map(ToString::to_string).collect(),
            },
            speech_model: api.service.speech.is_some(),
            sentence_encoder: api.service.encoder.is_some(),
        }
    }
}
