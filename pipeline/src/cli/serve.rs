//! `greffier serve`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use datasets::Language;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Outcome;
use super::arguments::SpeechArgs;
use super::config::rules_of;
use super::engine::{Engine, ModelArgs};
use super::terminal::Terminal;
use crate::api::{Anonymous, ApiOptions, ServeOptions, check_address, serve as serve_library};
use crate::service::ServiceOptions;
use crate::service::identity::IdentityOptions;
use crate::service::live::LiveSettings;
use crate::service::retention::RetentionRule;
use crate::settings::Settings;
use crate::speech_models::{has_speech_model, speech_model};
use crate::stages::transcribe::{SpeechOptions, Transcriber};
use crate::traces::{self, Traces};

/// Serve the library: a page for people, an HTTP interface for programs, jobs for uploads and watched folders
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier serve --anonymous\n  greffier serve --listen 0.0.0.0:8080 --speech-model whisper-base-q5_1 --watch /srv/recordings\n  greffier serve --oidc-issuer https://id.example.org/realms/staff --oidc-audience greffier\n\nThe page is at /, the interface under /v1, its description at /v1/openapi.json. Give out tokens with `greffier tokens add`.\nThe log goes to standard error, one line of JSON per event, and never holds what was said."
)]
pub(super) struct ServeArgs {
    /// Where to listen
    #[arg(
        long,
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS",
        env = "GREFFIER_LISTEN"
    )]
    listen: String,
    /// Let everybody in who can reach this address, as the operator; on loopback only
    #[arg(long)]
    anonymous: bool,
    /// For recordings: the name of an installed speech model, or a file with a Whisper model in ggml form [default: the
    /// one that is installed; without one only transcripts are taken]
    #[arg(long, value_name = "NAME_OR_FILE", env = "GREFFIER_SPEECH_MODEL")]
    speech_model: Option<PathBuf>,
    /// The language that is spoken in recordings [default: detected]
    #[arg(long, value_name = "LANGUAGE")]
    spoken_language: Option<Language>,
    /// What makes the minutes of what comes in; those of `extractive` are kept until a model's are written
    #[arg(long, value_enum, default_value = "extractive")]
    engine: Engine,
    #[command(flatten)]
    model: ModelArgs,
    /// A folder whose files become meetings, once each; may be repeated
    #[arg(long, value_name = "DIR")]
    watch: Vec<PathBuf>,
    /// Live meetings that may be held at once
    #[arg(long, default_value_t = 16, value_name = "COUNT")]
    live_max: usize,
    /// A live meeting without sound for so long has ended
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    live_idle_seconds: u64,
    /// A smaller speech model, for live meetings when the first is too slow
    #[arg(long, value_name = "FILE")]
    fallback_model: Option<PathBuf>,
    /// An OpenID Connect provider whose tokens are accepted
    #[arg(long, value_name = "URL", env = "GREFFIER_OIDC_ISSUER")]
    oidc_issuer: Option<String>,
    /// The audience that its tokens must carry
    #[arg(long, value_name = "NAME", env = "GREFFIER_OIDC_AUDIENCE")]
    oidc_audience: Option<String>,
    /// Where its keys are [default: found from the issuer]
    #[arg(long, value_name = "URL", env = "GREFFIER_OIDC_KEYS")]
    oidc_keys: Option<String>,
    /// The claim of its tokens that names the person's groups, or a JSON pointer such as /realm_access/roles
    #[arg(
        long,
        value_name = "CLAIM",
        env = "GREFFIER_OIDC_GROUPS_CLAIM",
        default_value = "groups"
    )]
    oidc_groups_claim: String,
    /// Mail addresses count as verified where its tokens do not say: for a provider that verifies all and says so of none
    #[arg(long)]
    oidc_assume_verified: bool,
    /// Largest file that is taken, in mebibytes
    #[arg(long, default_value_t = 8192, value_name = "MIB")]
    upload_mib_max: u64,
    /// The page is reached by HTTPS, through a proxy: its cookie goes over HTTPS alone
    #[arg(long)]
    behind_https: bool,
    /// The least important events to log
    #[arg(long, default_value = "info", value_name = "LEVEL", env = "GREFFIER_LOG")]
    log: tracing::Level,
    /// A collector of OpenTelemetry that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318 [default: none]
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
}

pub(super) fn serve(
    args: &ServeArgs,
    config: Option<&Path>,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let traces = args.otlp_endpoint.as_deref().map(Traces::to).transpose()?;
    log_from(args.log, traces.as_ref());
    let options = args.options(settings, &rules_of(config)?)?;
    serve_library(settings, options, &mut |address| {
        // Whoever closed standard output does not want to know.
        let _ = terminal.line(format!("greffier listens on http://{address}/"));
    })?;
    Ok(Outcome::Done)
}

/// One line of JSON per event on standard error. The library of the Model Context Protocol writes whole messages to its
/// finer events: what was said is in them, and has no place in a log.
fn log_from(level: tracing::Level, traces: Option<&Traces>) {
    let targets = Targets::new()
        .with_default(level)
        .with_target("rmcp", tracing::Level::ERROR)
        .with_target(traces::TARGET, LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .with(traces.map(Traces::layer))
        .init();
}

impl ServeArgs {
    /// Whether the options go together; loads nothing, and needs nothing to be there.
    ///
    /// # Errors
    /// What does not.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.identity()?;
        self.model.options(self.engine)?;
        check_address(&self.listen, self.anonymous())?;
        Ok(())
    }

    /// Who else may vouch for people.
    pub(super) fn identity(&self) -> anyhow::Result<Option<IdentityOptions>> {
        match (&self.oidc_issuer, &self.oidc_audience) {
            (Some(issuer), Some(audience)) => Ok(Some(IdentityOptions {
                issuer: issuer.clone(),
                audience: audience.clone(),
                keys_url: self.oidc_keys.clone(),
                groups_claim: self.oidc_groups_claim.clone(),
                assumes_verified: self.oidc_assume_verified,
            })),
            (Some(_), None) => bail!("oidc-issuer needs oidc-audience: the audience that tokens for greffier carry"),
            (None, _) if self.oidc_audience.is_some() || self.oidc_keys.is_some() => {
                bail!("oidc-audience and oidc-keys need oidc-issuer: the address of the provider")
            }
            (None, _) => Ok(None),
        }
    }

    fn anonymous(&self) -> Anonymous {
        if self.anonymous {
            Anonymous::IsOperator
        } else {
            Anonymous::Refused
        }
    }

    fn options(&self, settings: &Settings, retention: &[RetentionRule]) -> anyhow::Result<ServeOptions> {
        Ok(ServeOptions {
            listen: self.listen.clone(),
            api: ApiOptions {
                anonymous: self.anonymous(),
                upload_bytes_max: self.upload_mib_max.saturating_mul(1 << 20),
                secure_cookie: self.behind_https,
            },
            service: ServiceOptions {
                identity: self.identity()?,
                minutes_engine: self.model.options(self.engine)?,
                remote_key: self.model.key().map(str::to_owned),
                retention: retention.to_vec(),
                speech: self.speech(settings)?,
                live: LiveSettings {
                    sessions_max: self.live_max,
                    idle_max: Duration::from_secs(self.live_idle_seconds),
                    fallback_model: self.fallback_model.clone(),
                },
            },
            watched: self.watch.clone(),
        })
    }

    /// The file of the speech model that was asked for by name.
    pub(super) fn speech_model_file(&self, settings: &Settings) -> Option<anyhow::Result<PathBuf>> {
        let asked = self.speech_model.as_deref()?;
        Some(speech_model(Some(asked), settings))
    }

    /// How recordings are transcribed, where there is a model.
    fn speech(&self, settings: &Settings) -> anyhow::Result<Option<SpeechOptions>> {
        if self.speech_model.is_none() && !has_speech_model(settings)? {
            return Ok(None);
        }
        let asked = SpeechArgs {
            speech_model: self.speech_model.clone(),
            spoken_language: self.spoken_language,
            speakers: None,
        };
        let options = asked.options(settings)?;
        // A job outlives this process, and the next may be started in another folder.
        let absolute = |path: Option<PathBuf>| path.map(std::path::absolute).transpose();
        let options = SpeechOptions {
            model: std::path::absolute(&options.model)?,
            silero: absolute(options.silero)?,
            voice_encoder: absolute(options.voice_encoder)?,
            ..options
        };
        // A model that is damaged is told now, not by the first recording.
        Transcriber::load(options.clone())?;
        Ok(Some(options))
    }
}
