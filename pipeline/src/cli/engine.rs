//! Which engine makes the minutes, shared by `minutes`, `run` and `serve`.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use datasets::library::Library;
use datasets::{Meeting, Minutes, Transcript};
use minuting::engine::MinutesOptions;

use super::terminal::Terminal;
use crate::minutes_engine::{Engine as MinutesEngine, EngineOptions, Notice};
use crate::session::WritingSession;
use crate::stages::write_minutes::remove_passages_of;

/// Who makes minutes.
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
    /// For `lucie`: take the extractive engine if the model would need longer than this; the default is a night
    #[arg(long, value_name = "MINUTES", default_value = "600")]
    minutes_max: u64,
}

impl ModelArgs {
    fn name(&self) -> anyhow::Result<&str> {
        let needed = "a language model is needed: --model FILE.gguf for lucie, --model NAME for remote, or \
                      GREFFIER_LANGUAGE_MODEL";
        self.model.as_deref().context(needed)
    }

    /// What was asked for; it may be written down, for a job.
    pub(super) fn options(&self, engine: Engine) -> anyhow::Result<EngineOptions> {
        Ok(match engine {
            Engine::Extractive => EngineOptions::Extractive,
            Engine::Lucie => EngineOptions::Lucie {
                weights: std::path::absolute(self.name()?)?,
                context_tokens: self.context_tokens,
                minutes_max: Some(self.minutes_max),
            },
            Engine::Remote => EngineOptions::Remote {
                address: self
                    .server
                    .clone()
                    .context("--engine remote needs --server ADDRESS or GREFFIER_REMOTE_SERVER")?,
                model: self.name()?.to_owned(),
                context_tokens: self.context_tokens,
            },
        })
    }

    /// The key of the server, where one was given.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// The engine that was asked for, told of on the terminal; a model on this machine is loaded once for all meetings.
pub(super) struct MinutesMaker(MinutesEngine);

impl MinutesMaker {
    /// Loads what the engine needs.
    pub(super) fn load(engine: Engine, args: &ModelArgs, terminal: &Terminal) -> anyhow::Result<Self> {
        let engine = args.options(engine)?.load(args.key())?;
        if let Some(warning) = engine.warning() {
            terminal.note(warning);
        }
        Ok(Self(engine))
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
        let phrases = terminal.phrases;
        let mut tell = |notice| match notice {
            Notice::FallsBack(reason) => terminal.note(phrases.falls_back(&reason)),
            Notice::Plan(plan) => terminal.note(phrases.generative_plan(&plan)),
            Notice::Forecast(forecast) => {
                terminal.note(phrases.forecast(forecast.minutes(), forecast.memory.total()));
            }
        };
        let bar = terminal.bar(0, "tokens");
        let made = self
            .0
            .make(library, meeting, transcript, options, &mut tell, &mut |progress| {
                bar.set_length(progress.tokens as u64);
                bar.set_position(progress.tokens_done as u64);
                ControlFlow::Continue(())
            });
        bar.finish_and_clear();
        made
    }
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
    remove_passages_of(session.library.library(), &meeting.id, &kept)?;
    session.index_meeting(&meeting.id)?;
    session.commit()?;
    Ok(kept)
}
