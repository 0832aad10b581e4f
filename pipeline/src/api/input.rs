//! What comes in, with errors in our one shape: queries, bodies, and parts of addresses.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::{Answer, Problem};

/// The query of an address. A name may stand there several times, for lists.
pub(super) struct Query<T>(pub(super) T);

/// A body in JSON.
pub(super) struct Body<T>(pub(super) T);

/// The variable parts of an address.
pub(super) struct Part<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Answer<Self> {
        let query = parts.uri.query().unwrap_or_default();
        let read = serde_html_form::from_str(query);
        read.map(Self)
            .map_err(|error| Problem::bad_request(format!("the query: {error}")))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let is_json = media_type.and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value
                .split(';')
                .next()
                .is_some_and(|value| value.trim().ends_with("json"))
        });
        if !is_json {
            return Err(Problem::unsupported_media_type("send application/json"));
        }
        let bytes =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection.status().as_u16() {
                    413 => Problem::too_large("the body has a limit"),
                    _ => Problem::bad_request(rejection.body_text()),
                })?;
        let read = serde_json::from_slice(&bytes);
        read.map(Self)
            .map_err(|error| Problem::bad_request(format!("the body: {error}")))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Part<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        // A part that cannot be read names nothing.
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(part)| Self(part)).map_err(|_| Problem::not_found())
    }
}
