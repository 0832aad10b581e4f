//! The engine itself, in this process: a loaded model and how it is used on recordings.

use std::path::Path;

use anyhow::Context as _;
use audio::{Lane, LaneLevels, LaneReader};
use datasets::{Provenance, Transcript};
use speech::domain::DomainTally;
use speech::transcription::{LaneTranscriber, LaneTranscript, RecognizedWindow, TranscribeOptions, UtteranceOptions};
use speech::voice_activity::SpeechDetector;
use speech::whisper::WhisperRecognizer;

use super::loaded_model::LoadedModel;
use super::merge_lanes::{LaneHeard, merge_lanes};
use super::{SpeechOptions, WindowJournal};
use crate::stages::detect_speech::speech_frames;
use crate::stages::diarize::{TOLD_BY_VOICE, sound_of, turns_in_speech, voices_to_tell};

/// A loaded model and how it is used.
pub struct SpeechEngine {
    model: LoadedModel,
    options: SpeechOptions,
}

impl SpeechEngine {
    /// Loads the model, and its card where one lies beside it.
    ///
    /// # Errors
    /// When its file is no whole model, or not that of its card.
    pub fn load(options: SpeechOptions) -> anyhow::Result<Self> {
        Ok(Self {
            model: LoadedModel::load(&options.model)?,
            options,
        })
    }

    /// Transcribes the recording at `path`. `vocabulary` are words that are likely to occur; `journal` holds what was
    /// done before and takes what is done now. `on_progress` hears how much of all lanes together is done, in
    /// milliseconds, and of how much; its error stops the work.
    ///
    /// # Errors
    /// When nothing can be decoded from the file, or the engine fails; the file is named.
    pub fn transcribe(
        &self,
        path: &Path,
        provenance: Provenance,
        vocabulary: &str,
        journal: &mut WindowJournal,
        on_progress: &mut dyn FnMut(u64, u64) -> anyhow::Result<()>,
    ) -> anyhow::Result<Transcript> {
        // The lanes are known once all of it was decoded, which takes a thousandth of what recognizing takes.
        let mut levels = LaneLevels::default();
        let mut reader = LaneReader::open(path)?;
        let mut length_ms = 0;
        for block in reader.by_ref() {
            levels.push(&block);
            length_ms = milliseconds(block.end());
        }
        let lanes = reader.lanes().to_vec();
        let mut warnings: Vec<String> = reader.warnings().iter().map(ToString::to_string).collect();
        let all_ms = length_ms * lanes.len() as u64;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut recognizer = self.model.recognizer(threads, self.options.language)?;
        let mut heard = Vec::with_capacity(lanes.len());
        let mut tally = DomainTally::default();
        for (number, lane) in (0..).zip(lanes) {
            let before_ms = number * length_ms;
            let windows = self
                .hear(path, &lane, &mut recognizer, vocabulary, journal, &mut |done_ms| {
                    on_progress(before_ms + done_ms, all_ms)
                })
                .with_context(|| format!("transcribing {} of `{}`", lane.label(), path.display()))?;
            if let Some(card) = self.model.card() {
                windows.iter().for_each(|window| tally.add(window, card));
            }
            let transcript = LaneTranscript::from_windows(windows, &UtteranceOptions::default());
            heard.push(LaneHeard {
                lane,
                transcript,
                turns: Vec::new(),
            });
        }
        if let Some(card) = self.model.card() {
            tally.check(&card.domain).with_context(|| {
                format!(
                    "`{}` is not for the model `{}`; name another with --speech-model or GREFFIER_SPEECH_MODEL",
                    path.display(),
                    card.name
                )
            })?;
            warnings.push(card.notice.clone());
        }
        let mut transcript = Transcript {
            provenance,
            warnings,
            ..Transcript::default()
        };
        let encoder = self.options.voice_encoder.as_deref();
        let tell = voices_to_tell(self.options.speakers, encoder);
        if let ([only], Some(speakers)) = (heard.as_mut_slice(), tell) {
            only.turns = turns_in_speech(path, only.lane.id, &only.transcript.speech, speakers, encoder)?;
            transcript.warnings.push(TOLD_BY_VOICE.to_owned());
        }
        merge_lanes(&heard, &levels, &mut transcript);
        Ok(transcript)
    }

    fn hear(
        &self,
        path: &Path,
        lane: &Lane,
        recognizer: &mut WhisperRecognizer,
        vocabulary: &str,
        journal: &mut WindowJournal,
        on_progress: &mut dyn FnMut(u64) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<RecognizedWindow>> {
        let options = TranscribeOptions {
            vocabulary: vocabulary.to_owned(),
            language: self.options.language.map(|language| language.to_string()),
            ..TranscribeOptions::default()
        };
        let detector = SpeechDetector::new(speech_frames(self.options.silero.as_deref())?);
        let done = journal.windows(lane.id.0);
        let mut transcriber = LaneTranscriber::new(detector, recognizer, options.clone(), done);
        let mut windows = Vec::new();
        for block in LaneReader::open(path)? {
            let before = windows.len();
            let pushed = transcriber.push(&sound_of(&block, lane.id), &mut windows);
            for window in &windows[before..] {
                journal.append(lane.id.0, window)?;
            }
            pushed?;
            on_progress(milliseconds(block.end()))?;
        }
        let before = windows.len();
        let finished = transcriber.finish(&mut windows);
        for window in &windows[before..] {
            journal.append(lane.id.0, window)?;
        }
        finished?;
        Ok(windows)
    }
}

fn milliseconds(samples: u64) -> u64 {
    samples * 1000 / u64::from(audio::SAMPLE_RATE_HZ)
}
