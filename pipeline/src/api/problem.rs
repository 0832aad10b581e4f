//! What went wrong, in the one shape of RFC 9457, and the one place where errors become HTTP statuses.

use std::fmt;
use std::time::Instant;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use datasets::formats::ReadFileError;
use datasets::library::LibraryError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::stages::correct_meeting::CorrectionError;

/// The result of a handler.
pub(super) type Answer<T> = Result<T, Problem>;

/// An error as it is answered.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Option<String>,
    retry_after_s: Option<u32>,
}

/// What an error is sent as (RFC 9457).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// An error, as `application/problem+json` (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// Names the kind of problem; stable.
    #[serde(rename = "type")]
    #[schema(example = "urn:greffier:not-found")]
    kind: String,
    /// What it is, for people.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong in this case.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The same in the shape that OpenAI's clients read.
    error: OpenAiError,
}

#[derive(Serialize, ToSchema)]
struct OpenAiError {
    message: String,
    #[serde(rename = "type")]
    kind: String,
    code: String,
}

impl Problem {
    const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            detail: None,
            retry_after_s: None,
        }
    }

    fn saying(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be understood",
        )
        .saying(detail)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "A valid token is needed")
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    pub(super) fn is_temporary(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This is not allowed").saying(detail)
    }

    /// One answer for what does not exist and for what the caller may not see: nothing in it may tell them apart.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "This cannot be done here",
        )
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "This does not fit what is here").saying(detail)
    }

    pub(super) fn changed_meanwhile() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "changed-meanwhile",
            "It was changed meanwhile: read it again",
        )
    }

    pub(super) fn silent() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "silent",
            "Nothing came for too long: send the rest again",
        )
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "This is too large").saying(detail)
    }

    pub(super) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "This form is not taken",
        )
        .saying(detail)
    }

    pub(super) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unprocessable",
            "This cannot be worked with",
        )
        .saying(detail)
    }

    pub(super) fn busy() -> Self {
        Self {
            retry_after_s: Some(1),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Too much is asked at once: try again",
            )
        }
    }

    /// The same problem, and when there may be room again, where that is known.
    pub(super) fn until(self, ends: Option<Instant>) -> Self {
        let left = ends.map(|ends| ends.saturating_duration_since(Instant::now()).as_secs());
        let left = left.and_then(|seconds| u32::try_from(seconds).ok());
        Self {
            retry_after_s: self.retry_after_s.max(left.filter(|_| self.retry_after_s.is_some())),
            ..self
        }
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self {
            retry_after_s: Some(60),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "This cannot be done now",
            )
            .saying(detail)
        }
    }

    pub(super) fn took_too_long() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "took-too-long",
            "This took too long: try again, or ask for less",
        )
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server failed; its log says why",
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}.", self.title),
            None => write!(f, "{}.", self.title),
        }
    }
}

impl From<anyhow::Error> for Problem {
    /// Chooses the status by the cause. What the caller cannot act on is logged, not told.
    fn from(error: anyhow::Error) -> Self {
        if let Some(LibraryError::NoSuchMeeting { .. } | LibraryError::NoSuchAction { .. }) = error.downcast_ref() {
            return Self::not_found();
        }
        if error.downcast_ref::<CorrectionError>().is_some() {
            return Self::not_found();
        }
        if let Some(unreadable) = error.downcast_ref::<ReadFileError>() {
            return Self::unprocessable(unreadable.to_string());
        }
        tracing::error!(error = format!("{error:#}"), "a call failed");
        Self::internal()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            kind: format!("urn:greffier:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            error: OpenAiError {
                message: self.detail.clone().unwrap_or_else(|| self.title.to_owned()),
                kind: self.code.to_owned(),
                code: self.code.to_owned(),
            },
            detail: self.detail,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
