//! The Model Context Protocol: language models search the library, ask for recommendations, read minutes with their
//! evidence, and list actions. The tools find with the functions of the HTTP handlers beside them and see what their
//! caller may see; only the words around the answers are made for models.

mod asking;
mod questions;
mod results;
mod transports;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::Extensions;
use rmcp::{Json, ServerHandler, tool, tool_handler, tool_router};

use self::asking::{Source, advice, no_such_meeting};
use self::questions::{ActionsQuestion, MinutesQuestion, RecommendQuestion, SearchQuestion};
use self::results::{ActionsRead, Found, MinutesRead, Recommended};
use super::{actions, meetings, recommendations, search};

pub(super) use self::transports::routes;
pub use self::transports::serve_stdio;

/// The tools, for one source of answers. An error is told to the model in words that it can act on.
#[derive(Clone)]
struct Tools {
    source: Source,
}

#[tool_router]
impl Tools {
    /// Search what was said, decided and promised in the user's meetings, and the mails, documents and events kept beside
    /// them. Give the words that matter, in French or English, not a whole sentence. Hits come best first, each with its
    /// meeting, the place in it, and why it was found; no hit means that nothing relevant was found. With kinds
    /// ["meeting"] it finds meetings; read the minutes of one with the tool `minutes`.
    #[tool(annotations(title = "Search meetings", read_only_hint = true, open_world_hint = false))]
    async fn search(
        &self,
        Parameters(question): Parameters<SearchQuestion>,
        extensions: Extensions,
    ) -> Result<Json<Found>, String> {
        let offset = question.offset;
        let query = question.into_query().map_err(advice)?;
        let asker = self.source.asker(&extensions).map_err(advice)?;
        let results = asker.ask(|holdings, viewer| search::find(holdings, viewer.clone(), query));
        let found = Found::of(results.await.map_err(advice)?, offset, asker.phrases);
        Ok(Json(found))
    }

    /// Recommend what in the user's past meetings matters to something that is coming up or being talked about: related
    /// meetings, passages, decisions, open actions, documents, mails and people, each with its reasons. Give exactly one
    /// of text, event, invitation and meeting.
    #[tool(annotations(title = "Recommend what is related", read_only_hint = true, open_world_hint = false))]
    async fn recommend(
        &self,
        Parameters(question): Parameters<RecommendQuestion>,
        extensions: Extensions,
    ) -> Result<Json<Recommended>, String> {
        let meeting = question.meeting.clone();
        let request = question.into_request()?;
        let asker = self.source.asker(&extensions).map_err(advice)?;
        let found = asker.ask(|holdings, viewer| recommendations::find(holdings, viewer.clone(), request));
        let found = found.await.map_err(|problem| match &meeting {
            Some(meeting) if problem.is_not_found() => no_such_meeting(meeting),
            _ => advice(problem),
        })?;
        Ok(Json(Recommended::of(found, asker.phrases)))
    }

    /// Read the minutes of one meeting: abstract, decisions, actions, open questions and topics. Each statement comes with
    /// the utterances that prove it, quoted with speaker and time: cite them. A statement that is not proven says which of
    /// its parts the evidence does not hold.
    #[tool(annotations(title = "Read minutes", read_only_hint = true, open_world_hint = false))]
    async fn minutes(
        &self,
        Parameters(question): Parameters<MinutesQuestion>,
        extensions: Extensions,
    ) -> Result<Json<MinutesRead>, String> {
        let asker = self.source.asker(&extensions).map_err(advice)?;
        let MinutesQuestion { meeting, evidence } = question;
        let named = meeting.clone();
        let read = asker.ask(move |holdings, viewer| {
            let (entry, minutes, statuses) = meetings::find_minutes(holdings, &named, viewer)?;
            let transcript = holdings.library.transcript(&entry.meeting.id);
            let transcript = transcript.map_err(anyhow::Error::from)?.unwrap_or_default();
            let quoted = evidence.then_some(&transcript);
            Ok(MinutesRead::of(&entry.meeting, &minutes, &statuses, quoted))
        });
        let read = read.await;
        asker.record_reading(&meeting, read.is_ok());
        let read = read.map_err(|problem| {
            if problem.is_not_found() {
                no_such_meeting(&meeting)
            } else {
                advice(problem)
            }
        });
        Ok(Json(read?))
    }

    /// List what people took on in meetings: task, who does it, until when, whether it is done, and in which meeting it was
    /// taken on. The oldest meetings come first.
    #[tool(annotations(title = "List actions", read_only_hint = true, open_world_hint = false))]
    async fn actions(
        &self,
        Parameters(question): Parameters<ActionsQuestion>,
        extensions: Extensions,
    ) -> Result<Json<ActionsRead>, String> {
        let asker = self.source.asker(&extensions).map_err(advice)?;
        let limit = question.limit();
        let query = question.into_query();
        let found = asker.ask(move |holdings, viewer| Ok(actions::find(holdings, viewer, &query)));
        let found = found.await.map_err(advice)?;
        Ok(Json(ActionsRead::of(&found, limit)))
    }
}

#[tool_handler(
    name = "greffier",
    instructions = "The user's meetings: what was said in them, and minutes whose every statement names the utterances that prove it. Find with `search`, then read with `minutes`; `recommend` finds what matters to something that is coming up, `actions` lists what people took on. Quote the evidence, and say so when nothing was found."
)]
impl ServerHandler for Tools {}
