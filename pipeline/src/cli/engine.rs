//! Which engine makes the minutes, shared by `minutes` and `run`.

use std::num::NonZeroUsize;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use datasets::library::Library;
use datasets::{Meeting, Minutes, Transcript};
use minuting::engine::MinutesOptions;
use minuting::generative::{GenerateError, Generative, TextGenerator};

use super::terminal::Terminal;
use crate::local_model::{LocalModel, LocalOptions};
use crate::remote_model::{RemoteModel, RemoteOptions};
use crate::session::WritingSession;
use crate::stages::make_minutes::make_minutes;
use crate::stages::write_minutes::{remove_passages, write_minutes};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// Selects and shortens what was said; no model needed
    Extractive,
    /// A language model of Llama's kind on this machine, such as Lucie
    Lucie,
    /// A language model on a server that speaks OpenAI's protocol; the transcript is sent there
    Remote,
}

/// Which language model.
#[derive(Args, Clone, Debug)]
pub(super) struct ModelArgs {
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

/// The engine that was asked for; a model on this machine is loaded once for all meetings.
pub(super) enum MinutesMaker {
    Extractive,
    Local(LocalModel, Option<u64>),
    Remote(RemoteModel),
}

impl MinutesMaker {
    /// Loads what the engine needs.
    pub(super) fn load(engine: Engine, args: &ModelArgs, terminal: &Terminal) -> anyhow::Result<Self> {
        Ok(match engine {
            Engine::Extractive => Self::Extractive,
            Engine::Remote => Self::Remote(args.remote()?),
            Engine::Lucie => {
                let model = args.local()?;
                if let Some(warning) = model.warning() {
                    terminal.note(warning);
                }
                Self::Local(model, args.minutes_max)
            }
        })
    }

    /// The minutes of `meeting`, new. The library's lock is not needed: a language model takes its time.
    ///
    /// # Errors
    /// When the model cannot be reached or fails: what was read of passages is kept for the next time.
    pub(super) fn make(
        &self,
        library: &Library,
        meeting: &Meeting,
        transcript: &Transcript,
        options: &MinutesOptions,
        terminal: &Terminal,
    ) -> anyhow::Result<Minutes> {
        let generator: &dyn TextGenerator = match self {
            Self::Extractive => return make_minutes(meeting, transcript, options),
            Self::Remote(model) => model,
            Self::Local(model, minutes_max) => {
                if let Some(reason) = too_much(model, *minutes_max, meeting, transcript, options, terminal)? {
                    terminal.note(reason);
                    return make_minutes(meeting, transcript, options);
                }
                model
            }
        };
        let plan = Generative::plan(generator, meeting, transcript, options)?;
        terminal.note(terminal.phrases.generative_plan(&plan));
        let bar = terminal.bar(plan.passages, "passages");
        let written = write_minutes(library, meeting, transcript, options, generator, &mut |progress| {
            bar.set_length(progress.passages as u64);
            bar.set_position(progress.passages_done as u64);
        });
        bar.finish_and_clear();
        written
    }
}

/// Why the model is not for this meeting on this machine, if so: told before it starts.
fn too_much(
    model: &LocalModel,
    minutes_max: Option<u64>,
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
    Ok(minutes_max
        .filter(|most| minutes > *most)
        .map(|most| terminal.phrases.falls_back(&format!("{minutes} min > {most} min"))))
}

/// Puts new minutes of a meeting into the library and its index, in place of those before; gives them as they are kept.
///
/// # Errors
/// When the transcript was changed meanwhile, or nothing can be written.
pub(super) fn replace_minutes(
    session: &mut WritingSession,
    minutes: &Minutes,
    meeting: &Meeting,
    transcript: &Transcript,
) -> anyhow::Result<Minutes> {
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
