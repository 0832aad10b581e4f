//! `greffier minutes`: the minutes of a meeting made anew, by another engine or in another form.

use anyhow::Context as _;
use clap::Args;
use datasets::formats::markdown;
use datasets::library::Library;

use super::Outcome;
use super::arguments::MinutesArgs;
use super::engine::{Engine, MinutesMaker, ModelArgs, replace_minutes};
use super::show::visible_meeting;
use super::terminal::Terminal;
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::render_template::render_template;

/// Print the minutes of a meeting in a form of your own, or make them anew with another engine
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier minutes 2026-03-05-release-planning --template follow-up-mail\n  greffier minutes 2026-03-05-release-planning --template my-form.md\n  greffier minutes 2026-03-05-release-planning --engine remote --server http://localhost:8000/v1 --model lucie-7b\n  greffier minutes 2026-03-05-release-planning --engine lucie --model Lucie-7B-Instruct-v1.1-Q4_K_M.gguf\n\nTemplates: minutes, executive-summary, follow-up-mail, decision-register, or a file in Jinja's language (docs/templates.md).\nA model that was interrupted goes on at the passage where it was."
)]
pub(super) struct MinutesCommandArgs {
    /// The meeting
    meeting: String,
    /// Make them anew with this engine [default: print them as they are]
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    minutes: MinutesArgs,
    /// The form: a built-in one, or a file
    #[arg(long, value_name = "NAME|FILE")]
    template: Option<String>,
}

pub(super) fn minutes(args: &MinutesCommandArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let library = Library::open(settings.library_folder()?)?;
    let meeting = visible_meeting(&library, &args.meeting, settings)?;
    let transcript = library.transcript(&meeting.id)?.unwrap_or_default();
    let minutes = match args.engine {
        Some(engine) => {
            let maker = MinutesMaker::load(engine, &args.model, terminal)?;
            let minutes = maker.make(&library, &meeting, &transcript, &args.minutes.options(), terminal)?;
            let mut session = WritingSession::open(settings, &mut terminal.index_progress())?;
            replace_minutes(&mut session, &minutes, &meeting, &transcript)?
        }
        None => library
            .minutes(&meeting.id)?
            .with_context(|| format!("`{}` has no minutes: --engine makes them", meeting.id))?,
    };
    let statuses = library.action_statuses(&meeting.id)?;
    if terminal.json {
        terminal.print_json(&minutes)?;
        return Ok(Outcome::Done);
    }
    let text = match &args.template {
        Some(template) => render_template(template, &meeting, &transcript, &minutes, &statuses)?,
        None => {
            let options = markdown::MinutesOptions {
                statuses,
                ..markdown::MinutesOptions::default()
            };
            markdown::minutes(&meeting, &minutes, Some(&transcript), &options)
        }
    };
    terminal.line(text)?;
    Ok(Outcome::Done)
}
