//! Who asks. Every handler takes a caller, and hands its viewer to whatever it calls.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use datasets::{PersonId, Viewer};

use super::problem::{Answer, Problem};
use super::router::Api;
use crate::service::identity::IdentityError;
use crate::service::tokens::Scope;

/// The cookie of the page, which cannot set headers on players and event streams.
pub(super) const COOKIE: &str = "greffier_token";

/// Whether callers without a token are let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Nobody is.
    #[default]
    Refused,
    /// Everybody is, as the operator: for a server that only this machine can reach.
    IsOperator,
}

/// Who asks, and may see things.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// On whose behalf everything is asked.
    pub(super) viewer: Viewer,
    /// For the audit log.
    pub(super) name: String,
}

/// Who asks, and may change things.
pub(super) struct Writer(pub(super) Reader);

/// The operator of the server.
pub(super) struct Operator;

/// Who asks for a calendar: a token for feeds is enough, and may stand in the address.
pub(super) struct FeedReader(pub(super) Reader);

/// Put into a response so that the audit log knows who asked.
#[derive(Clone, Debug)]
pub(super) struct Who(pub(super) String);

impl Reader {
    /// The person, for things that are somebody's; `None` for the operator.
    pub(super) fn person(&self) -> Option<&PersonId> {
        match &self.viewer {
            Viewer::Operator => None,
            Viewer::Person { person, .. } => Some(person),
        }
    }
}

impl FromRequestParts<Arc<Api>> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Answer<Self> {
        authenticate(parts, api, Scope::Read, None).await
    }
}

impl FromRequestParts<Arc<Api>> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Answer<Self> {
        authenticate(parts, api, Scope::Write, None).await.map(Self)
    }
}

impl FromRequestParts<Arc<Api>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Answer<Self> {
        let reader = authenticate(parts, api, Scope::Write, None).await?;
        match reader.viewer {
            Viewer::Operator => Ok(Self),
            Viewer::Person { .. } => Err(Problem::forbidden("only the operator may do this")),
        }
    }
}

impl FromRequestParts<Arc<Api>> for FeedReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Answer<Self> {
        let query = parts.uri.query().unwrap_or_default();
        let named: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
        let in_address = named
            .into_iter()
            .find(|(name, _)| name == "token")
            .map(|(_, token)| token);
        authenticate(parts, api, Scope::Feed, in_address).await.map(Self)
    }
}

/// The caller, when the token that came along is good for `scope`.
async fn authenticate(parts: &Parts, api: &Arc<Api>, scope: Scope, in_address: Option<String>) -> Answer<Reader> {
    let token = in_address.or_else(|| token_of(&parts.headers));
    let reader = reader_with(api, token, scope).await?;
    if let Some(who) = parts.extensions.get::<Arc<std::sync::OnceLock<Who>>>() {
        let _ = who.set(Who(reader.name.clone()));
    }
    Ok(reader)
}

/// Whoever sent `headers`, when they still may what `scope` says: a connection that lasts asks now and then. `known` where
/// nobody can tell now, because the identity provider cannot be asked.
///
/// # Errors
/// When the token was revoked or has expired.
pub(super) async fn caller_still(api: &Arc<Api>, headers: &HeaderMap, scope: Scope, known: &Reader) -> Answer<Reader> {
    match reader_with(api, token_of(headers), scope).await {
        Err(problem) if problem.is_temporary() => Ok(known.clone()),
        found => found,
    }
}

async fn reader_with(api: &Arc<Api>, token: Option<String>, scope: Scope) -> Answer<Reader> {
    let known = match token {
        Some(token) => reader_of(api, token, scope).await,
        None => Err(Problem::unauthorized()),
    };
    match known {
        // Clients that cannot do without a token send any; it opens no more than none does.
        Err(problem) if problem.is_unauthorized() && api.options.anonymous == Anonymous::IsOperator => Ok(Reader {
            viewer: Viewer::Operator,
            name: "anonymous".to_owned(),
        }),
        known => known,
    }
}

/// The token in `Authorization: Bearer`, else in the page's cookie.
fn token_of(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    bearer.or_else(|| {
        let cookies = text(header::COOKIE)?.split(';');
        let pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
        let mut ours = pairs.filter(|(name, token)| *name == COOKIE && !token.is_empty());
        ours.next().map(|(_, token)| token.to_owned())
    })
}

async fn reader_of(api: &Arc<Api>, token: String, scope: Scope) -> Answer<Reader> {
    let service = Arc::clone(&api.service);
    let found = tokio::task::spawn_blocking(move || find(&service, &token, scope)).await;
    found.map_err(|_| Problem::internal())?
}

/// Looks the token up among ours, then asks whether the identity provider made it.
pub(super) fn find(service: &crate::service::Service, token: &str, scope: Scope) -> Answer<Reader> {
    if let Some(known) = service.tokens.check(token)? {
        let is_allowed = known.scopes.contains(&scope) || (scope == Scope::Feed && known.scopes.contains(&Scope::Read));
        if !is_allowed {
            return Err(Problem::forbidden("the token does not allow this"));
        }
        let viewer = known.person.map_or(Viewer::Operator, |person| Viewer::Person {
            domain: person.as_str().rsplit_once('@').map(|(_, domain)| domain.to_owned()),
            groups: known.groups,
            person,
        });
        let name = format!("token {} ({})", known.id, known.name);
        return Ok(Reader { viewer, name });
    }
    // A token that we could have made is not the provider's.
    let provider = service.identity_provider.as_ref().filter(|_| token.contains('.'));
    let vouched = provider.ok_or_else(Problem::unauthorized)?.check(token);
    match vouched {
        Ok(vouched) => Ok(Reader {
            name: vouched.person.to_string(),
            viewer: Viewer::Person {
                person: vouched.person,
                domain: Some(vouched.domain),
                groups: vouched.groups,
            },
        }),
        // That the token is no good would be a lie, and the page would ask for another.
        Err(IdentityError::Unreachable) => Err(Problem::unavailable("the identity provider cannot be asked")),
        Err(IdentityError::Refused(error)) => {
            tracing::info!(
                error = format!("{error:#}"),
                "a token of the identity provider is refused"
            );
            Err(Problem::unauthorized())
        }
    }
}
