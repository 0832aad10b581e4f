//! `greffier tokens`: who may ask the server; works beside a running server.

use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand};
use datasets::library::{Library, LibraryError, LibraryWriter};
use datasets::{GroupId, PersonId};
use jiff::Timestamp;

use super::Outcome;
use super::terminal::{FAINT, TITLE, Terminal};
use crate::service::service_folder;
use crate::service::store::Store;
use crate::service::tokens::{Lifetime, NewToken, Scope, Token, Tokens};
use crate::settings::Settings;

/// Give out, list and revoke the tokens by which people and programs use the server
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier tokens add laptop --person ann@example.org\n  greffier tokens add dashboard --person ann@example.org --scope read --expires 30d\n  greffier tokens add minutes --person ann@example.org --group board\n  greffier tokens add backup --operator\n  greffier tokens list\n  greffier tokens revoke 019a8f…"
)]
pub(super) struct TokensArgs {
    #[command(subcommand)]
    command: TokensCommand,
}

#[derive(Subcommand, Debug)]
enum TokensCommand {
    /// Make a token; it is shown this once
    Add(AddArgs),
    /// List the tokens
    List,
    /// Revoke a token: the next call with it is refused
    Revoke {
        /// The token, as `greffier tokens list` names it
        token: String,
    },
}

#[derive(Args, Debug)]
struct AddArgs {
    /// What it is for
    name: String,
    /// Whose it is: a mail address or a name; sees what this person may see
    #[arg(long, required_unless_present = "operator", conflicts_with = "operator")]
    person: Option<String>,
    /// A group that the person is in; may be repeated
    #[arg(long = "group", value_name = "GROUP", requires = "person")]
    groups: Vec<String>,
    /// The operator's: sees and does everything
    #[arg(long)]
    operator: bool,
    /// What it allows; may be repeated
    #[arg(long = "scope", value_enum, default_values = ["read", "write"])]
    scopes: Vec<Scope>,
    /// How long it is good: 90d, 12h
    #[arg(long, value_name = "TIME", default_value = "90d")]
    expires: Lifetime,
}

pub(super) fn tokens(args: &TokensArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let library = library(args, settings)?;
    let tokens = Tokens::new(Arc::new(Store::open(&service_folder(&library))?));
    match &args.command {
        TokensCommand::Add(new) => add(new, &tokens, terminal)?,
        TokensCommand::List => list(&tokens.list()?, terminal)?,
        TokensCommand::Revoke { token } => {
            if !tokens.revoke(token)? {
                bail!("there is no token `{token}`: `greffier tokens list` names them");
            }
            terminal.note(format!("{token} is revoked"));
        }
    }
    Ok(Outcome::Done)
}

/// The library; made where there is none and the first token is given out, so that this can be done before the first start.
fn library(args: &TokensArgs, settings: &Settings) -> anyhow::Result<Library> {
    let folder = settings.library_folder()?;
    let opened = Library::open(&folder);
    if matches!(opened, Err(LibraryError::NotALibrary { .. })) && matches!(args.command, TokensCommand::Add(_)) {
        drop(LibraryWriter::open(&folder)?);
        return Ok(Library::open(&folder)?);
    }
    Ok(opened?)
}

fn add(new: &AddArgs, tokens: &Tokens, terminal: &Terminal) -> anyhow::Result<()> {
    let person = new.person.as_deref().map(|person| PersonId::from_contact(person, None));
    let until = Timestamp::from_millisecond(Timestamp::now().as_millisecond() + new.expires.0)?;
    let groups: Vec<GroupId> = new.groups.iter().map(|group| GroupId::new(group.trim())).collect();
    let (token, secret) = tokens.add(&NewToken {
        name: &new.name,
        person: person.as_ref(),
        groups: &groups,
        scopes: &new.scopes,
        expires_at: Some(until),
    })?;
    if terminal.json {
        return terminal.print_json(&serde_json::json!({ "token": token, "secret": secret }));
    }
    terminal.line(secret)?;
    terminal.note(format!(
        "good until {}; it is shown this once",
        until.strftime("%Y-%m-%d %H:%M UTC")
    ));
    Ok(())
}

fn list(tokens: &[Token], terminal: &Terminal) -> anyhow::Result<()> {
    if terminal.json {
        return terminal.print_json(&tokens);
    }
    for token in tokens {
        let day = |at: Option<Timestamp>| at.map_or("never".to_owned(), |at| at.strftime("%Y-%m-%d").to_string());
        let scopes: Vec<String> = token
            .scopes
            .iter()
            .map(|scope| format!("{scope:?}").to_lowercase())
            .collect();
        let state = match token.revoked_at {
            Some(at) => format!("revoked {}", day(Some(at))),
            None => format!("expires {}", day(token.expires_at)),
        };
        let whose = token.person.as_ref().map_or("operator", PersonId::as_str);
        let groups: String = token.groups.iter().map(|group| format!(" of {group}")).collect();
        terminal.line(format!(
            "{TITLE}{}{TITLE:#} {whose}{groups} {} {FAINT}{state} {}{FAINT:#}",
            token.name,
            scopes.join(","),
            token.id
        ))?;
    }
    Ok(())
}
