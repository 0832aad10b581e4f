//! Who asks through a tool, and what is asked: a server, where the caller's token came along with the call, or a library
//! on this machine, on behalf of whoever started the program.

use std::sync::Arc;

use axum::http::request::Parts;
use datasets::Viewer;
use jiff::Timestamp;
use rmcp::model::Extensions;

use crate::api::caller::Reader;
use crate::api::problem::{Answer, Problem};
use crate::api::recommendations::language;
use crate::api::router::Api;
use crate::phrases::Phrases;
use crate::service::audit::AuditRecord;
use crate::service::holdings::{FollowedLibrary, Holdings};

/// Where answers come from.
#[derive(Clone)]
pub(super) enum Source {
    /// A server; who asks comes along with each call.
    Server(Arc<Api>),
    /// A library that is followed, and on whose behalf it is asked.
    Library(Arc<FollowedLibrary>, Viewer, Phrases),
}

/// One caller of one tool.
pub(super) struct Asker<'a> {
    source: &'a Source,
    reader: Reader,
    /// In whose language reasons are told.
    pub(super) phrases: Phrases,
}

impl Source {
    /// Who asks, of a call with these extensions.
    pub(super) fn asker(&self, extensions: &Extensions) -> Answer<Asker<'_>> {
        let (reader, phrases) = match self {
            Self::Server(_) => {
                // Put there by the guard of the route; without it nobody is known.
                let parts = extensions.get::<Parts>().ok_or_else(Problem::unauthorized)?;
                let reader = parts.extensions.get::<Reader>().ok_or_else(Problem::unauthorized)?;
                (reader.clone(), Phrases::of(language(&parts.headers)))
            }
            Self::Library(_, viewer, phrases) => {
                let (viewer, name) = (viewer.clone(), "standard input".to_owned());
                (Reader { viewer, name }, *phrases)
            }
        };
        Ok(Asker {
            source: self,
            reader,
            phrases,
        })
    }
}

impl Asker<'_> {
    /// Does `work` off the threads that serve connections, on behalf of this caller.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(Holdings<'_>, &Viewer) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let viewer = self.reader.viewer.clone();
        match self.source {
            Source::Server(api) => {
                let asked = Arc::clone(api);
                let done = api.reading.run(move || work(asked.service.holdings(), &viewer));
                done.await
            }
            Source::Library(library, ..) => {
                let library = Arc::clone(library);
                let done = tokio::task::spawn_blocking(move || library.ask(|holdings| work(holdings, &viewer)));
                done.await.map_err(|_| Problem::internal())?
            }
        }
    }

    /// Notes in the server's audit log that a meeting was asked for.
    pub(super) fn record_reading(&self, meeting: &str, was_read: bool) {
        if let Source::Server(api) = self.source {
            api.service.audit.append(&AuditRecord {
                at: Timestamp::now(),
                who: &self.reader.name,
                method: "MCP",
                route: "minutes",
                subject: Some(meeting),
                status: if was_read { 200 } else { 404 },
            });
        }
    }
}

/// What is wrong, in words for the model.
pub(super) fn advice(problem: Problem) -> String {
    problem.to_string()
}

/// One answer for what does not exist and what the caller may not see.
pub(super) fn no_such_meeting(meeting: &str) -> String {
    format!(
        "There are no minutes of a meeting `{meeting}` here: take the id from `meeting` of a hit of the tool `search`, with \
         kinds [\"meeting\"] for meetings alone."
    )
}
