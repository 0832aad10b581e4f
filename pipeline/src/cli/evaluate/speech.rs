//! `greffier evaluate speech`: clips through the same engine, guards and process as `greffier run`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use audio::LaneReader;
use clap::Args;
use datasets::Provenance;
use evaluation::transcription::{
    Clip, ClipScore, HearError, Heard, TranscriptionScores, WordCounts, evaluate, read_manifest,
};

use super::super::Outcome;
use super::super::terminal::{FAINT, TITLE, Terminal};
use crate::settings::Settings;
use crate::speech_models::{silero_model, speech_model, voice_encoder};
use crate::stages::transcribe::{SpeechOptions, Transcriber, TranscriptionJob};

#[derive(Args, Debug)]
#[command(
    after_help = "The manifest is a table with tabs between its columns, named by its first line: `file` (relative to the manifest),\n`lang` (`en`, `fr`, …; `-` where nobody speaks; anything else where languages mix), `reference_transcript` (may be empty;\n`[left] … [right] …` where it is told speaker by speaker). Other columns are passed over.\n\nWords are compared without case, marks, brackets and sounds of hesitation; English contractions are written out; numbers\nare digits; French is cut at apostrophes. Where reference and transcript both tell speakers apart, each speaker is compared\nwith the one who fits best. Errors are summed over all clips. The language is detected, as in `greffier run`.\nExit code 3: a clip could not be transcribed."
)]
pub(super) struct SpeechEvaluationArgs {
    /// The clips and what is said in them
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// The name of an installed speech model, or a file with a Whisper model in ggml form [default: the one that is
    /// installed]
    #[arg(long, value_name = "NAME_OR_FILE", env = "GREFFIER_SPEECH_MODEL")]
    model: Option<PathBuf>,
}

pub(super) fn evaluate_speech(
    args: &SpeechEvaluationArgs,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let clips = read_manifest(&args.manifest)?;
    let mut transcriber = Transcriber::load(SpeechOptions {
        model: speech_model(args.model.as_deref(), settings)?,
        language: None,
        speakers: None,
        silero: silero_model(settings)?,
        voice_encoder: voice_encoder(settings)?,
    })?;
    let work = tempfile::tempdir()?;
    let bar = terminal.bar(clips.len(), "clips");
    let mut hear = |clip: &Clip| {
        let heard = hear(
            clip,
            &mut transcriber,
            &work.path().join(format!("{}.jsonl", clip.line)),
        );
        bar.inc(1);
        heard
    };
    let mut broken_pipe = Ok(());
    let mut show = |clip: &Clip, scored: Result<&ClipScore, &HearError>| {
        if !terminal.json && broken_pipe.is_ok() {
            broken_pipe = bar.suspend(|| terminal.line(line_of(clip, scored)));
        }
    };
    let scores = evaluate(&clips, &mut hear, &mut show);
    bar.finish_and_clear();
    broken_pipe?;
    if terminal.json {
        terminal.print_json(&scores)?;
    } else {
        print(&scores, terminal)?;
    }
    Ok(if scores.failed.is_empty() {
        Outcome::Done
    } else {
        Outcome::SomeSkipped
    })
}

/// Decodes the clip once to know its length, and then has it transcribed as `greffier run` does.
fn hear(clip: &Clip, transcriber: &mut Transcriber, journal: &Path) -> Result<Heard, HearError> {
    let audio = length_of(&clip.path).map_err(|error| HearError::Decode(format!("{error:#}")))?;
    let failed = |error: anyhow::Error| HearError::Recognize(format!("{error:#}"));
    let job = TranscriptionJob {
        path: std::path::absolute(&clip.path).map_err(|error| failed(error.into()))?,
        provenance: Provenance::default(),
        vocabulary: String::new(),
        journal: journal.to_owned(),
    };
    let start = Instant::now();
    let transcript = transcriber
        .transcribe(&job, &mut |_, _| ControlFlow::Continue(()))
        .map_err(failed)?;
    Ok(Heard {
        transcript,
        audio,
        computing: start.elapsed(),
    })
}

fn length_of(path: &Path) -> anyhow::Result<Duration> {
    let mut reader = LaneReader::open(path)?;
    reader.by_ref().for_each(drop);
    Ok(reader.position())
}

fn line_of(clip: &Clip, scored: Result<&ClipScore, &HearError>) -> String {
    let score = match scored {
        Ok(score) => score,
        Err(error) => {
            return format!(
                "{:>28}  {} {FAINT}line {}{FAINT:#}: {error}",
                "FAILED", clip.file, clip.line
            );
        }
    };
    let told = match score.errors {
        Some(errors) => format!(
            "{} {FAINT}({} of {}){FAINT:#}",
            per_cent(errors.rate().map(|rate| 100.0 * rate)),
            errors.errors(),
            errors.words
        ),
        None if clip.has_speech => format!("{:>7}", "-"),
        None => format!("{:>7} invented", score.false_utterances),
    };
    format!("{told}  {} {FAINT}{:.2} x{FAINT:#}", clip.file, score.real_time_factor)
}

fn print(scores: &TranscriptionScores, terminal: &Terminal) -> anyhow::Result<()> {
    let row = |name: &str, rate: Option<f64>, words: &WordCounts| {
        terminal.line(format!(
            "{TITLE}{}{TITLE:#}  {name:6} {FAINT}{} clips, {} words: {} replaced, {} left out, {} put in{FAINT:#}",
            per_cent(rate),
            words.scored_clips,
            words.reference_words,
            words.substitutions,
            words.deletions,
            words.insertions
        ))
    };
    terminal.line("")?;
    for (language, of_language) in &scores.per_language {
        row(language, of_language.word_error_rate, &of_language.words)?;
    }
    row("all", scores.word_error_rate, &scores.words)?;
    terminal.line(format!(
        "{} of {} clips decoded; {} invented utterances in {} clips without speech; {} pieces suppressed",
        scores.decoded, scores.clips, scores.false_utterances, scores.clips_without_speech, scores.suppressed
    ))?;
    terminal.line(format!(
        "{:.0} s of sound in {:.0} s: real-time factor {}",
        scores.audio_seconds,
        scores.computing_seconds,
        scores
            .real_time_factor
            .map_or("-".to_owned(), |factor| format!("{factor:.3}"))
    ))
}

pub(super) fn per_cent(rate: Option<f64>) -> String {
    rate.map_or(format!("{:>7}", "-"), |rate| format!("{rate:5.1} %"))
}
