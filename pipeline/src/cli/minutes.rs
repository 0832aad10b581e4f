//! `greffier minutes`: the minutes of a meeting made anew, by another engine or in another form.

use std::num::NonZeroUsize;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use datasets::formats::markdown;
use datasets::library::Library;
use datasets::{Meeting, Minutes, Transcript};
use minuting::engine::MinutesOptions;
use minuting::generative::{GenerateError, Generative, TextGenerator};

use super::Outcome;
use super::run::MinutesArgs;
use super::show::visible_meeting;
use super::terminal::Terminal;
use crate::local_model::{LocalModel, LocalOptions};
use crate::remote_model::{RemoteModel, RemoteOptions};
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::make_minutes::make_minutes;
use crate::stages::render_template::render_template;
use crate::stages::write_minutes::{remove_passages, write_minutes};

/// Print the minutes of a meeting in a form of your own, or make them anew with another engine
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier minutes 2026-03-05-release-planning --template follow-up-mail\n  greffier minutes 2026-03-05-release-planning --template my-form.md\n  greffier minutes 2026-03-05-release-planning --engine remote --server http://localhost:8000/v1 --model lucie-7b\n  greffier minutes 2026-03-05-release-planning --engine lucie --model Lucie-7B-Instruct-v1.1-Q4_K_M.gguf\n\nTemplates: executive-summary, follow-up-mail, decision-register, or a file in Jinja's language (docs/templates.md).\nA model that was interrupted goes on at the passage where it was."
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Selects and shortens what was said; no model needed
    Extractive,
    /// A language model of Llama's kind on this machine, such as Lucie
    Lucie,
    /// A language model on a server that speaks OpenAI's protocol; the transcript is sent there
    Remote,
}

/// Which language model.
#[derive(Args, Clone, Debug)]
struct ModelArgs {
    /// For `lucie`: a GGUF file or a folder of safetensors; for `remote`: the model's name on the server
    #[arg(long, value_name = "FILE|NAME", env = "GREFFIER_LANGUAGE_MODEL")]
    model: Option<String>,
    /// For `remote`: the address of the protocol's root
    #[arg(long, value_name = "ADDRESS", env = "GREFFIER_REMOTE_SERVER")]
    server: Option<String>,
    /// For `remote`: a key, where the server asks for one
    #[arg(long, value_name = "KEY", env = "GREFFIER_REMOTE_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Tokens of context [default: 8192, or the model's own if that is less]
    #[arg(long, value_name = "TOKENS", default_value = "8192", hide_default_value = true)]
    context_tokens: NonZeroUsize,
    /// For `lucie`: take the extractive engine if the model would need longer than this
    #[arg(long, value_name = "MINUTES")]
    minutes_max: Option<u64>,
}

impl ModelArgs {
    fn name(&self) -> anyhow::Result<&str> {
        let needed = "a language model is needed: --model FILE.gguf for lucie, --model NAME for remote, or \
                      GREFFIER_LANGUAGE_MODEL";
        self.model.as_deref().context(needed)
    }

    fn remote(&self) -> anyhow::Result<RemoteModel> {
        let server = self.server.as_ref();
        Ok(RemoteModel::new(RemoteOptions {
            address: server
                .context("--engine remote needs --server ADDRESS or GREFFIER_REMOTE_SERVER")?
                .clone(),
            model: self.name()?.to_owned(),
            key: self.key.clone(),
            context_tokens: self.context_tokens.get(),
        }))
    }

    fn local(&self) -> anyhow::Result<LocalModel> {
        LocalModel::load(&LocalOptions {
            weights: self.name()?.into(),
            context_tokens: Some(self.context_tokens),
        })
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
    let generator: Box<dyn TextGenerator> = match engine {
        Engine::Extractive => return make_minutes(meeting, transcript, &options),
        Engine::Remote => Box::new(args.model.remote()?),
        Engine::Lucie => {
            let model = args.model.local()?;
            if let Some(warning) = model.warning() {
                terminal.note(warning);
            }
            if let Some(reason) = too_much(&model, args, meeting, transcript, &options, terminal)? {
                terminal.note(reason);
                return make_minutes(meeting, transcript, &options);
            }
            Box::new(model)
        }
    };
    let plan = Generative::plan(generator.as_ref(), meeting, transcript, &options)?;
    terminal.note(terminal.phrases.generative_plan(&plan));
    let bar = terminal.bar(plan.passages, "passages");
    let written = write_minutes(
        library,
        meeting,
        transcript,
        &options,
        generator.as_ref(),
        &mut |progress| {
            bar.set_length(progress.passages as u64);
            bar.set_position(progress.passages_done as u64);
        },
    );
    bar.finish_and_clear();
    written
}

/// Why the model is not for this meeting on this machine, if so: told before it starts.
fn too_much(
    model: &LocalModel,
    args: &MinutesCommandArgs,
    meeting: &Meeting,
    transcript: &Transcript,
    options: &MinutesOptions,
    terminal: &Terminal,
) -> anyhow::Result<Option<String>> {
    let plan = match Generative::plan(model, meeting, transcript, options) {
        Ok(plan) => plan,
        Err(GenerateError::Failed(cause)) => return Ok(Some(terminal.phrases.falls_back(&cause.to_string()))),
        Err(error) => return Err(error.into()),
    };
    let forecast = model.forecast(&plan)?;
    let minutes = forecast.duration.as_secs().div_ceil(60);
    terminal.note(terminal.phrases.forecast(minutes, forecast.memory.total()));
    Ok(args
        .model
        .minutes_max
        .filter(|most| minutes > *most)
        .map(|most| terminal.phrases.falls_back(&format!("{minutes} min > {most} min"))))
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
