//! `greffier mcp`.

use clap::Args;

use super::Outcome;
use crate::api::serve_mcp_over_stdio;
use crate::settings::Settings;

/// Give language models tools over the library: search, recommend, minutes, actions (Model Context Protocol, on standard input and output)
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier mcp --library /srv/meetings\n  greffier --as ann@example.org mcp\n\nThe program that holds the model starts this command and talks to it; it works beside a running server, which offers\nthe same tools at /mcp. In the configuration of most such programs:\n  {\"mcpServers\": {\"greffier\": {\"command\": \"greffier\", \"args\": [\"mcp\", \"--library\", \"/srv/meetings\"]}}}"
)]
pub(super) struct McpArgs {}

pub(super) fn mcp(_args: &McpArgs, settings: &Settings) -> anyhow::Result<Outcome> {
    serve_mcp_over_stdio(settings)?;
    Ok(Outcome::Done)
}
