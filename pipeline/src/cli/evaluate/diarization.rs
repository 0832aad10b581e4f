//! `greffier evaluate diarization`: who speaks when, found without words, against references in RTTM.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use evaluation::diarization::{
    DiarizationEvaluation, Diarized, FailedRecording, RecordingScores, Reference, evaluate, read_references,
};

use super::super::Outcome;
use super::super::terminal::{FAINT, TITLE, Terminal};
use super::speech::per_cent;
use crate::settings::Settings;
use crate::speech_models::{silero_model, voice_encoder};
use crate::stages::diarize::diarize;

#[derive(Args, Debug)]
#[command(
    after_help = "The folder, and those within it, hold references (*.rttm, or test_data.json of Picovoice), and the sound of each recording\nunder its name, beside the reference or anywhere in the folder. Where a *.uem file says which time was annotated, only that\nis scored.\n\nRates are in per cent of the time of all speakers, added up, under the best pairing of names. By default no collar, and\nspeech of several at once counts for each: as most published figures. NIST's forgiving count: --collar 0.25 --skip-overlap.\nExit code 3: a recording could not be heard."
)]
pub(super) struct DiarizationEvaluationArgs {
    /// The folder of references and recordings
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Seconds before and after each border of the reference that are not scored
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = collar)]
    collar: f64,
    /// Do not score time in which several speak
    #[arg(long)]
    skip_overlap: bool,
    /// Whether the number of speakers is given
    #[arg(long, value_enum, default_value = "given")]
    speakers: Speakers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Speakers {
    /// It is that of the reference, as with `run --speakers`
    Given,
    /// It has to be found
    Found,
}

pub(super) fn evaluate_diarization(
    args: &DiarizationEvaluationArgs,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let references = read_references(&args.data)?;
    let (silero, voice_encoder) = (silero_model(settings)?, voice_encoder(settings)?);
    let evaluation = DiarizationEvaluation {
        collar_ms: (args.collar * 1000.0).round() as i64,
        skip_overlap: args.skip_overlap,
    };
    let bar = terminal.bar(references.recordings.len(), "recordings");
    let mut hear = |reference: &Reference| {
        let speakers = (args.speakers == Speakers::Given).then(|| reference.speakers());
        let start = Instant::now();
        let found = diarize(&reference.sound, speakers, silero.as_deref(), voice_encoder.as_deref());
        let found = found.map_err(|error| format!("{error:#}"))?;
        bar.inc(1);
        Ok(Diarized {
            turns: found.turns,
            audio: found.length,
            computing: start.elapsed(),
        })
    };
    let mut broken_pipe = Ok(());
    let mut show = |scored: Result<&RecordingScores, &FailedRecording>| {
        if !terminal.json && broken_pipe.is_ok() {
            broken_pipe = bar.suspend(|| terminal.line(line_of(scored)));
        }
    };
    let scores = evaluate(&references, &evaluation, &mut hear, &mut show);
    bar.finish_and_clear();
    broken_pipe?;
    if terminal.json {
        terminal.print_json(&scores)?;
    } else {
        terminal.line(format!(
            "\n{TITLE}{}{TITLE:#}  all {FAINT}= {} missed + {} false alarm + {} confusion; {} recordings, {:.0} s of speech, \
             {:.3} x{FAINT:#}",
            per_cent(scores.diarization_error_rate),
            per_cent(scores.missed).trim(),
            per_cent(scores.false_alarm).trim(),
            per_cent(scores.confusion).trim(),
            scores.recordings,
            scores.speech_seconds,
            scores.real_time_factor.unwrap_or_default()
        ))?;
        if !scores.without_sound.is_empty() {
            terminal.note(format!("no sound for {}", scores.without_sound.join(", ")));
        }
    }
    Ok(if scores.failed.is_empty() {
        Outcome::Done
    } else {
        Outcome::SomeSkipped
    })
}

fn line_of(scored: Result<&RecordingScores, &FailedRecording>) -> String {
    match scored {
        Ok(scores) => format!(
            "{}  {} {FAINT}= {} missed + {} false alarm + {} confusion; {} speakers, {} found{FAINT:#}",
            per_cent(scores.diarization_error_rate),
            scores.recording,
            per_cent(scores.missed).trim(),
            per_cent(scores.false_alarm).trim(),
            per_cent(scores.confusion).trim(),
            scores.speakers,
            scores.speakers_found
        ),
        Err(failed) => format!(" FAILED  {}: {}", failed.recording, failed.error),
    }
}

fn collar(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=10.0).contains(&seconds) => Ok(seconds),
        _ => Err("seconds, from 0 to 10".to_owned()),
    }
}
