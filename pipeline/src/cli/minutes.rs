//! `greffier minutes`: the minutes of a meeting made anew, by another engine or in another form.

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use datasets::formats::markdown;
use datasets::library::Library;
use datasets::{Meeting, Minutes, Transcript};
use minuting::generative::Generative;

use super::Outcome;
use super::run::MinutesArgs;
use super::show::visible_meeting;
use super::terminal::Terminal;
use crate::remote_model::{RemoteModel, RemoteOptions};
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::make_minutes::make_minutes;
use crate::stages::render_template::render_template;
use crate::stages::write_minutes::{remove_passages, write_minutes};

/// Print the minutes of a meeting in a form of your own, or make them anew with another engine
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier minutes 2026-03-05-release-planning --template follow-up-mail\n  greffier minutes 2026-03-05-release-planning --template my-form.md\n  greffier minutes 2026-03-05-release-planning --engine remote --server http://localhost:8000/v1 --model lucie-7b\n\nTemplates: executive-summary, follow-up-mail, decision-register, or a file in Jinja's language (docs/templates.md).\nA model that was interrupted goes on at the passage where it was."
)]
pub(super) struct MinutesCommandArgs {
    /// The meeting
    meeting: String,
    /// Make them anew with this engine [default: print them as they are]
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    minutes: MinutesArgs,
    /// The form: a built-in one, or a file
    #[arg(long, value_name = "NAME|FILE")]
    template: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Selects and shortens what was said; no model needed
    Extractive,
    /// A language model on a server that speaks OpenAI's protocol; the transcript is sent there
    Remote,
}

/// Where a remote model is.
#[derive(Args, Clone, Debug)]
struct RemoteArgs {
    /// For `remote`: the address of the protocol's root
    #[arg(long, value_name = "ADDRESS", env = "GREFFIER_REMOTE_SERVER")]
    server: Option<String>,
    /// For `remote`: the model's name on the server
    #[arg(long, value_name = "NAME", env = "GREFFIER_REMOTE_MODEL")]
    model: Option<String>,
    /// For `remote`: tokens that its context holds
    #[arg(long, value_name = "TOKENS", default_value_t = 8192)]
    context_tokens: usize,
    /// For `remote`: a key, where the server asks for one
    #[arg(long, value_name = "KEY", env = "GREFFIER_REMOTE_KEY", hide_env_values = true)]
    key: Option<String>,
}

impl RemoteArgs {
    fn model(&self) -> anyhow::Result<RemoteModel> {
        let (Some(address), Some(model)) = (&self.server, &self.model) else {
            bail!(
                "--engine remote needs --server ADDRESS and --model NAME (or GREFFIER_REMOTE_SERVER and GREFFIER_REMOTE_MODEL)"
            );
        };
        Ok(RemoteModel::new(RemoteOptions {
            address: address.clone(),
            model: model.clone(),
            key: self.key.clone(),
            context_tokens: self.context_tokens,
        }))
    }
}

pub(super) fn minutes(args: &MinutesCommandArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let library = Library::open(settings.library_folder()?)?;
    let meeting = visible_meeting(&library, &args.meeting, settings)?;
    let transcript = library.transcript(&meeting.id)?.unwrap_or_default();
    let minutes = match args.engine {
        Some(engine) => {
            let minutes = made_by(engine, args, &library, &meeting, &transcript, terminal)?;
            keep(&minutes, &meeting, &transcript, settings, terminal)?
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

/// The lock is not held meanwhile: a language model takes its time.
fn made_by(
    engine: Engine,
    args: &MinutesCommandArgs,
    library: &Library,
    meeting: &Meeting,
    transcript: &Transcript,
    terminal: &Terminal,
) -> anyhow::Result<Minutes> {
    let options = args.minutes.options();
    if engine == Engine::Extractive {
        return make_minutes(meeting, transcript, &options);
    }
    let model = args.remote.model()?;
    let plan = Generative::plan(&model, meeting, transcript, &options)?;
    terminal.note(terminal.phrases.generative_plan(&plan));
    let bar = terminal.bar(plan.passages, "passages");
    let written = write_minutes(library, meeting, transcript, &options, &model, &mut |progress| {
        bar.set_length(progress.passages as u64);
        bar.set_position(progress.passages_done as u64);
    });
    bar.finish_and_clear();
    written
}

fn keep(
    minutes: &Minutes,
    meeting: &Meeting,
    transcript: &Transcript,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<Minutes> {
    let mut session = WritingSession::open(settings, &mut terminal.index_progress())?;
    let library = session.library.library();
    if library.transcript(&meeting.id)?.as_ref() != Some(transcript) {
        bail!(
            "the transcript of `{}` was changed meanwhile: run the command again",
            meeting.id
        );
    }
    let kept = session.library.put_minutes(&meeting.id, minutes)?;
    remove_passages(session.library.library(), &meeting.id)?;
    session.index_meeting(&meeting.id)?;
    session.commit()?;
    Ok(kept)
}
