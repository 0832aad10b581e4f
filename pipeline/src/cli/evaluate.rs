//! `greffier evaluate`: quality as a command, on meetings and recordings that others annotated. Prints one JSON object; of
//! recordings a table, unless `--json` is given.

mod diarization;
mod sentences;
mod speech;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use datasets::corpora;
use datasets::formats::TextLayer;
use evaluation::retrieval::{Embed, RetrievalScope};
use evaluation::summary::SummaryEvaluation;
use evaluation::{actions, related, retrieval, summary, topics};
use minuting::engine::Extractive;

use super::Outcome;
use super::terminal::Terminal;
use crate::session::load_encoder;
use crate::settings::Settings;
use crate::stages::index_meeting::embed;

/// Measure quality on annotated meetings (JSON lines of AMI, ICSI, QMSum or FREDSum) and recordings
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier evaluate summary --data ami/test.jsonl --words 350 --text asr --json\n  greffier evaluate retrieval --data qmsum/val.jsonl --scope meeting --json\n  greffier evaluate speech --manifest clips/manifest.tsv --model whisper-base-q5_1 --json\n  greffier evaluate diarization --data ami-excerpts/ --json\n\nRates are in per cent."
)]
pub(super) struct EvaluateArgs {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// ROUGE of the abstract against the human summaries, and the verifier's verdict on it
    Summary {
        /// The meetings
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        /// Word budget of the abstract
        #[arg(long)]
        words: usize,
        /// Which text, where the file holds two
        #[arg(long, value_enum, default_value = "manual")]
        text: Text,
        /// Which reference summary of FREDSum: 1, 2 or 3 [default: the mean over all]
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
        style: Option<u8>,
    },
    /// Precision, recall and F1 of action utterances
    Actions {
        /// The meetings
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
    },
    /// Pk and WindowDiff of topic boundaries
    Topics {
        /// The meetings
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        /// Which text, where the file holds two
        #[arg(long, value_enum, default_value = "manual")]
        text: Text,
    },
    /// Ranking of passages for the questions of QMSum
    Retrieval {
        /// The meetings
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        /// Whether the meeting is given
        #[arg(long, value_enum)]
        scope: Scope,
        /// Use words alone, even where a sentence encoder is installed
        #[arg(long)]
        no_vectors: bool,
    },
    /// Ranking of earlier meetings of the same series for five minutes of talk
    Related {
        /// The meetings
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        /// Leave out the names of people
        #[arg(long)]
        drop_names: bool,
    },
    /// ROUGE of one sentence that a sentence model writes about each community of utterances, beside taken ones
    Sentences {
        /// The meetings
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        /// The model, such as models/sentence/greffier-sentence-q8_0.gguf
        #[arg(long, value_name = "FILE")]
        model: PathBuf,
    },
    /// Word error rate, invented utterances and speed of a speech model
    Speech(speech::SpeechEvaluationArgs),
    /// Diarization error rate of telling speakers apart
    Diarization(diarization::DiarizationEvaluationArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Text {
    /// Transcribed by hand
    Manual,
    /// From a speech recognizer
    Asr,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scope {
    /// Windows of the question's meeting
    Meeting,
    /// Windows of all meetings of the file
    All,
}

pub(super) fn evaluate(args: &EvaluateArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    match &args.task {
        Task::Summary {
            data,
            words,
            text,
            style,
        } => {
            let evaluation = SummaryEvaluation {
                words_max: *words,
                layer: text.layer(),
                style: *style,
            };
            terminal.print_json(&summary::evaluate_summary(data, &evaluation, &mut Extractive)?)?;
        }
        Task::Actions { data } => terminal.print_json(&actions::evaluate_actions(data)?)?,
        Task::Topics { data, text } => terminal.print_json(&topics::evaluate_topics(data, text.layer())?)?,
        Task::Retrieval {
            data,
            scope,
            no_vectors,
        } => {
            let encoder = if *no_vectors { None } else { load_encoder(settings)? };
            let embed = |texts: &[&str]| {
                encoder
                    .as_ref()
                    .map_or(Ok(Vec::new()), |encoder| embed(encoder, texts))
                    .map_err(Into::into)
            };
            let embed: Option<Embed<'_>> = if encoder.is_some() { Some(&embed) } else { None };
            let scope = match scope {
                Scope::Meeting => RetrievalScope::Meeting,
                Scope::All => RetrievalScope::All,
            };
            terminal.print_json(&retrieval::evaluate(&corpora::read_file(data)?, scope, embed)?)?;
        }
        Task::Related { data, drop_names } => {
            terminal.print_json(&related::evaluate(&corpora::read_file(data)?, *drop_names)?)?;
        }
        Task::Sentences { data, model } => terminal.print_json(&sentences::evaluate(data, model)?)?,
        Task::Speech(args) => return speech::evaluate_speech(args, settings, terminal),
        Task::Diarization(args) => return diarization::evaluate_diarization(args, settings, terminal),
    }
    Ok(Outcome::Done)
}

impl Text {
    fn layer(self) -> TextLayer {
        match self {
            Self::Manual => TextLayer::Manual,
            Self::Asr => TextLayer::Asr,
        }
    }
}
