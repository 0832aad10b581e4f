//! From a recording to a transcript: sound is decoded lane by lane, speech is found and recognized, and who spoke is told
//! by the lane; where there is one lane, by voices, if somebody says how many there are.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use audio::{Block, Dominance, Lane, LaneId, LaneLevels, LaneReader};
use datasets::{
    Language, MediaTime, Provenance, SpeakerLabel, SuppressedSpan, SuppressionReason, TimeSpan, Transcript, Utterance,
    Word,
};
use sha2::{Digest as _, Sha256};
use speech::diarization::{DiarizationOptions, Diarizer, SpeakerTurn, SpectralStatistics, attribute};
use speech::sound::Span;
use speech::transcription::{LaneTranscriber, LaneTranscript, TranscribeOptions};
use speech::voice_activity::{EmbeddedDetector, SpeechDetector};
use speech::whisper::{WhisperModel, WhisperOptions, WhisperRecognizer};

/// OpenAI's smallest model has states this wide; what is narrower is greffier's demo model.
const OPENAI_STATE_MIN: i32 = 384;
/// Share of an utterance's words during which another lane must dominate to make it cross-talk, and share of its words
/// that must be said on that lane.
const CROSS_TALK_SHARE_MIN: f64 = 0.8;
const CROSS_TALK_WORDS_MIN: f64 = 0.5;

/// How recordings are transcribed.
#[derive(Clone, Debug)]
pub struct SpeechOptions {
    /// A Whisper model in ggml form.
    pub model: PathBuf,
    /// The language that is spoken, where it is known; detected window by window otherwise.
    pub language: Option<Language>,
    /// How many people speak, for a recording without a lane for each: told apart by their voices, experimentally.
    pub speakers: Option<usize>,
}

/// A loaded model and how it is used.
pub struct Transcriber {
    model: Arc<WhisperModel>,
    model_sha256: String,
    options: SpeechOptions,
    whisper: WhisperOptions,
}

/// What was heard on one lane.
pub(crate) struct LaneHeard {
    pub(crate) lane: Lane,
    pub(crate) transcript: LaneTranscript,
    /// Who spoke when, where it was told by voices.
    pub(crate) turns: Vec<SpeakerTurn>,
}

impl Transcriber {
    /// Loads the model.
    ///
    /// # Errors
    /// When its file is no whole model.
    pub fn load(options: SpeechOptions) -> anyhow::Result<Self> {
        let model = WhisperModel::load(&options.model)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let whisper = whisper_options(&model, threads, options.language);
        Ok(Self {
            model_sha256: sha256_of(&options.model)?,
            model: Arc::new(model),
            options,
            whisper,
        })
    }

    /// What a transcript of the recording with this SHA-256 would be made by: the same provenance is the same transcript.
    pub fn provenance(&self, input_sha256: &str, vocabulary: &str) -> Provenance {
        provenance(&self.options, &self.model_sha256, input_sha256, vocabulary)
    }

    /// Transcribes the recording at `path`. `vocabulary` are words that are likely to occur. `on_progress` hears how much
    /// of all lanes together is done, in milliseconds, and of how much.
    ///
    /// # Errors
    /// When nothing can be decoded from the file, or the engine fails; the file is named.
    pub fn transcribe(
        &self,
        path: &Path,
        provenance: Provenance,
        vocabulary: &str,
        on_progress: &mut dyn FnMut(u64, u64),
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
        let warnings: Vec<String> = reader.warnings().iter().map(ToString::to_string).collect();
        let all_ms = length_ms * lanes.len() as u64;
        let mut recognizer = WhisperRecognizer::new(Arc::clone(&self.model), self.whisper.clone())
            .with_context(|| format!("preparing `{}`", self.options.model.display()))?;
        let mut heard = Vec::with_capacity(lanes.len());
        for (number, lane) in (0..).zip(lanes) {
            let before_ms = number * length_ms;
            let transcript = self
                .hear(path, &lane, &mut recognizer, vocabulary, &mut |done_ms| {
                    on_progress(before_ms + done_ms, all_ms);
                })
                .with_context(|| format!("transcribing {} of `{}`", lane.label(), path.display()))?;
            heard.push(LaneHeard {
                lane,
                transcript,
                turns: Vec::new(),
            });
        }
        let mut transcript = Transcript {
            provenance,
            warnings,
            ..Transcript::default()
        };
        if let ([only], Some(speakers @ 2..)) = (heard.as_mut_slice(), self.options.speakers) {
            only.turns = tell_apart(path, only, speakers)?;
            let note = "who spoke was told by voices alone, which is experimental: check the speakers";
            transcript.warnings.push(note.to_owned());
        }
        put_together(&heard, &levels, &mut transcript);
        Ok(transcript)
    }

    fn hear(
        &self,
        path: &Path,
        lane: &Lane,
        recognizer: &mut WhisperRecognizer,
        vocabulary: &str,
        on_progress: &mut dyn FnMut(u64),
    ) -> anyhow::Result<LaneTranscript> {
        let options = TranscribeOptions {
            vocabulary: vocabulary.to_owned(),
            language: self.options.language.map(|language| language.to_string()),
            ..TranscribeOptions::default()
        };
        let detector = SpeechDetector::new(Box::new(EmbeddedDetector::new()));
        let mut transcriber = LaneTranscriber::new(detector, recognizer, options.clone(), Vec::new());
        let mut windows = Vec::new();
        for block in LaneReader::open(path)? {
            transcriber.push(&sound_of(&block, lane.id), &mut windows)?;
            on_progress(milliseconds(block.end()));
        }
        transcriber.finish(&mut windows)?;
        Ok(LaneTranscript::from_windows(windows, &options.utterances))
    }
}

/// How `model` is used on `threads` for what is spoken in `language`, if that is known.
pub(crate) fn whisper_options(model: &WhisperModel, threads: usize, language: Option<Language>) -> WhisperOptions {
    let mut whisper = if model.file().dimensions.audio_state < OPENAI_STATE_MIN {
        WhisperOptions::demo(threads)
    } else {
        WhisperOptions::new(threads)
    };
    if let Some(language) = language {
        whisper.languages = vec![language.to_string()];
    }
    whisper
}

/// As [`Transcriber::provenance`].
pub(crate) fn provenance(
    options: &SpeechOptions,
    model_sha256: &str,
    input_sha256: &str,
    vocabulary: &str,
) -> Provenance {
    let parameters = [
        ("language", options.language.map(|language| language.to_string())),
        ("speakers", options.speakers.map(|speakers| speakers.to_string())),
        (
            "vocabulary",
            Some(vocabulary.to_owned()).filter(|words| !words.is_empty()),
        ),
    ];
    Provenance {
        engine: "whisper".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        input_sha256: Some(input_sha256.to_owned()),
        model_sha256: Some(model_sha256.to_owned()),
        parameters: parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// The turns of the speakers of a lane. Its speech is heard again, span by span, so that no recording is held.
pub(crate) fn tell_apart(path: &Path, heard: &LaneHeard, speakers: usize) -> anyhow::Result<Vec<SpeakerTurn>> {
    let mut embedding = SpectralStatistics;
    let mut diarizer = Diarizer::new(&mut embedding);
    let mut spans = heard.transcript.speech.iter().peekable();
    let mut samples: Vec<f32> = Vec::new();
    let per_ms = u64::from(audio::SAMPLE_RATE_HZ) / 1000;
    for block in LaneReader::open(path)? {
        let sound = sound_of(&block, heard.lane.id);
        while let Some(span) = spans.peek() {
            let (start, end) = (span.start_ms.max(0) as u64 * per_ms, span.end_ms.max(0) as u64 * per_ms);
            let within = |sample: u64| (sample.clamp(block.start, block.end()) - block.start) as usize;
            samples.extend_from_slice(&sound[within(start)..within(end)]);
            if end > block.end() {
                break;
            }
            diarizer.add(span.start_ms, &samples);
            samples.clear();
            spans.next();
        }
    }
    if let Some(span) = spans.next() {
        diarizer.add(span.start_ms, &samples);
    }
    Ok(diarizer.finish(&DiarizationOptions {
        speakers: Some(speakers),
    }))
}

/// The words of title and participants, which are likely to be said.
pub fn vocabulary_of(meeting: &datasets::Meeting) -> String {
    let names = meeting.participants.iter().map(|participant| participant.name.as_str());
    std::iter::once(meeting.title.as_str())
        .chain(names)
        .collect::<Vec<_>>()
        .join(", ")
}

/// SHA-256 of a file of any length, in lower-case hexadecimal.
pub fn sha256_of(path: &Path) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("reading `{}`", path.display()))?;
    std::io::copy(&mut file, &mut HashWriter(&mut hasher)).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether the file at `path` holds sound.
pub fn is_recording(path: &Path) -> anyhow::Result<bool> {
    use std::io::Read as _;
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("reading `{}`", path.display()))?;
    file.take(64)
        .read_to_end(&mut head)
        .with_context(|| format!("reading `{}`", path.display()))?;
    Ok(datasets::formats::is_recording(&head))
}

fn milliseconds(samples: u64) -> u64 {
    samples * 1000 / u64::from(audio::SAMPLE_RATE_HZ)
}

/// The sound of a lane; silence where it is not heard yet or no more, so that all lanes keep one clock.
fn sound_of(block: &Block, lane: LaneId) -> Vec<f32> {
    block.lane(lane).map_or_else(|| vec![0.0; block.len], <[f32]>::to_vec)
}

/// All lanes in order of time, without what is heard of one speaker on the lane of another.
pub(crate) fn put_together(heard: &[LaneHeard], levels: &LaneLevels, transcript: &mut Transcript) {
    let mut utterances: Vec<Utterance> = Vec::new();
    for one in heard {
        for utterance in &one.transcript.utterances {
            if is_cross_talk(utterance, one, heard, levels) {
                transcript.suppressed.push(SuppressedSpan {
                    span: span(utterance.span),
                    text: utterance.text(),
                    reason: SuppressionReason::NotSpeech,
                });
            } else {
                utterances.extend(by_speaker(utterance, one, heard.len() > 1));
            }
        }
        transcript
            .suppressed
            .extend(one.transcript.suppressed.iter().map(|suppressed| SuppressedSpan {
                span: span(suppressed.segment.span),
                text: suppressed.segment.text(),
                reason: reason(suppressed.reason),
            }));
    }
    utterances.sort_by_key(|utterance| utterance.span.map(|span| (span.start, span.end)));
    for (position, utterance) in utterances.iter_mut().enumerate() {
        utterance.id = Utterance::id_at(position);
    }
    transcript.utterances = utterances;
    transcript
        .suppressed
        .sort_by_key(|suppressed| (suppressed.span.start, suppressed.span.end));
}

/// Whether the utterance is that of another lane, heard through its own microphone: the other lane is louder almost
/// throughout, and the same is said on it.
fn is_cross_talk(
    utterance: &speech::transcription::Utterance,
    own: &LaneHeard,
    heard: &[LaneHeard],
    levels: &LaneLevels,
) -> bool {
    let per_ms = u64::from(audio::SAMPLE_RATE_HZ) / 1000;
    let sample = |ms: i64| ms.max(0) as u64 * per_ms;
    heard.iter().filter(|other| other.lane.id != own.lane.id).any(|other| {
        let dominated = utterance
            .words
            .iter()
            .filter(|word| {
                let within = levels.dominant_within(sample(word.start_ms), sample(word.end_ms.max(word.start_ms + 1)));
                within == Dominance::Lane(other.lane.id)
            })
            .count();
        if (dominated as f64) < CROSS_TALK_SHARE_MIN * utterance.words.len() as f64 {
            return false;
        }
        let overlapping = other
            .transcript
            .utterances
            .iter()
            .filter(|said| said.span.overlap_ms(&utterance.span) > 0);
        let said: HashSet<String> = overlapping
            .flat_map(|said| said.words.iter().map(|word| plain(&word.text)))
            .collect();
        let also_said = utterance.words.iter().filter(|word| said.contains(&plain(&word.text)));
        also_said.count() as f64 >= CROSS_TALK_WORDS_MIN * utterance.words.len() as f64
    })
}

fn plain(word: &str) -> String {
    word.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The utterance, cut where the speaker changes.
fn by_speaker(utterance: &speech::transcription::Utterance, heard: &LaneHeard, has_lanes: bool) -> Vec<Utterance> {
    // A track's title is the participant's name on many platforms; without one the speaker stays anonymous.
    let lane_label = has_lanes.then(|| match &heard.lane.name {
        Some(_) => SpeakerLabel::new(heard.lane.label()),
        None => anonymous(heard.lane.id.0),
    });
    let speakers = attribute(&utterance.words, &heard.turns);
    let mut cut: Vec<(Option<usize>, Vec<&speech::transcript::Word>)> = Vec::new();
    for (word, speaker) in utterance.words.iter().zip(speakers) {
        match cut.last_mut() {
            Some((last, words)) if *last == speaker => words.push(word),
            _ => cut.push((speaker, vec![word])),
        }
    }
    let language: Option<Language> = utterance.language.as_deref().and_then(|code| code.parse().ok());
    cut.into_iter()
        .map(|(speaker, words)| {
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            let ends = words.first().zip(words.last());
            Utterance {
                speaker: speaker.map(anonymous).or_else(|| lane_label.clone()),
                span: ends.map(|(first, last)| span(Span::new(first.start_ms, last.end_ms))),
                language,
                words: words.iter().map(|word| word_of(word)).collect(),
                ..Utterance::new(Utterance::id_at(0), texts.join(" "))
            }
        })
        .collect()
}

pub(crate) fn anonymous(number: usize) -> SpeakerLabel {
    SpeakerLabel::new(format!("Speaker {}", number + 1))
}

fn word_of(word: &speech::transcript::Word) -> Word {
    Word {
        text: word.text.clone(),
        span: span(word.span()),
        probability: Some(word.probability),
    }
}

pub(crate) fn span(span: Span) -> TimeSpan {
    TimeSpan::new(MediaTime(span.start_ms), MediaTime(span.end_ms))
}

fn reason(reason: speech::transcript::SuppressionReason) -> SuppressionReason {
    use speech::transcript::SuppressionReason as Heard;
    match reason {
        Heard::NotSpeech => SuppressionReason::NotSpeech,
        Heard::Loop => SuppressionReason::Loop,
        Heard::Boilerplate => SuppressionReason::Boilerplate,
        Heard::LowProbability => SuppressionReason::LowProbability,
    }
}

/// The model that was asked for.
///
/// # Errors
/// When none was named: what to do is said.
pub fn model_path(model: Option<&Path>) -> anyhow::Result<PathBuf> {
    match model {
        Some(path) => Ok(path.to_owned()),
        None => bail!(
            "a recording needs a speech model: name a Whisper model in ggml form with --speech-model FILE or \
             GREFFIER_SPEECH_MODEL (whisper.cpp's ggml-base.bin, for instance)"
        ),
    }
}
