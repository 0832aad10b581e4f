//! Who speaks when in a recording, without a word recognized: a lane of one's own tells it, else voices do.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use audio::{Block, LaneId, LaneReader};
use datasets::formats::rttm;
use datasets::{MediaTime, SpeakerLabel, TimeSpan};
use speech::diarization::{
    DiarizationOptions, Diarizer, SpeakerEmbedding, SpeakerTurn, SpectralStatistics, VoiceEncoder,
};
use speech::sound::Span;
use speech::voice_activity::{GateOptions, SpeechDetector, SpeechEvent, ended};

use super::detect_speech::speech_frames;

/// Closer borders than a recognizer wants, which needs soft first and last sounds: padding would be an error here.
const PAD_MS: i64 = 100;
const PAUSE_MS_MAX: i64 = 250;

/// What is said of a transcript whose speakers had no lane of their own.
pub(crate) const TOLD_BY_VOICE: &str = "who spoke was told by voices alone, which is experimental: check the speakers";

/// Who speaks when.
#[derive(Clone, Debug)]
pub struct Diarization {
    /// In order of time.
    pub turns: Vec<rttm::SpeakerTurn>,
    /// Length of the recording.
    pub length: Duration,
}

/// Tells who speaks when in the recording at `path`: each lane is a speaker; on a single lane, voices are told apart,
/// `speakers` of them where their number is known. `silero` and `voice_encoder` are the files of the better detector of
/// voice and of the model that tells voices apart, where installed.
///
/// # Errors
/// When nothing can be decoded from the file, or a model cannot be loaded.
pub fn diarize(
    path: &Path,
    speakers: Option<usize>,
    silero: Option<&Path>,
    voice_encoder: Option<&Path>,
) -> anyhow::Result<Diarization> {
    let (speech, length) = speech_of_lanes(path, silero)?;
    let turns = match speech.iter().next() {
        Some((lane, spans)) if speech.len() == 1 => turns_in_speech(path, *lane, spans, speakers, voice_encoder)?,
        _ => {
            let of_lane = |(lane, spans): (&LaneId, &Vec<Span>)| {
                let turn = |span: &Span| SpeakerTurn {
                    span: *span,
                    speaker: lane.0,
                };
                spans.iter().map(turn).collect::<Vec<_>>()
            };
            speech.iter().flat_map(of_lane).collect()
        }
    };
    let mut turns: Vec<rttm::SpeakerTurn> = turns.iter().map(labelled).collect();
    turns.sort_by_key(|turn| (turn.span.start, turn.span.end));
    Ok(Diarization { turns, length })
}

/// Where speech is on each lane, and the length of the recording.
fn speech_of_lanes(path: &Path, silero: Option<&Path>) -> anyhow::Result<(BTreeMap<LaneId, Vec<Span>>, Duration)> {
    let mut lanes: BTreeMap<LaneId, (SpeechDetector, Vec<SpeechEvent>)> = BTreeMap::new();
    let mut reader = LaneReader::open(path)?;
    for block in reader.by_ref() {
        for lane in &block.lanes {
            if let Entry::Vacant(place) = lanes.entry(lane.lane) {
                let mut detector = detector(silero)?;
                // The clock of a lane begins with the recording, not with its first sound.
                let mut events = Vec::new();
                let second = vec![0.0; audio::SAMPLE_RATE_HZ as usize];
                for start in (0..block.start).step_by(second.len()) {
                    let len = second.len().min((block.start - start) as usize);
                    detector.push(&second[..len], &mut events);
                }
                place.insert((detector, events));
            }
        }
        for (lane, (detector, events)) in &mut lanes {
            detector.push(&sound_of(&block, *lane), events);
        }
    }
    let length = reader.position();
    let speech = lanes.into_iter().map(|(lane, (mut detector, mut events))| {
        detector.finish(&mut events);
        (lane, ended(&events))
    });
    Ok((speech.collect(), length))
}

fn detector(silero: Option<&Path>) -> anyhow::Result<SpeechDetector> {
    let frames = speech_frames(silero)?;
    let gate = GateOptions {
        pad_ms: PAD_MS,
        pause_ms_max: PAUSE_MS_MAX,
        ..frames.gate_options()
    };
    Ok(SpeechDetector::with_gate(frames, gate))
}

/// The turns of the speakers within the speech of a lane. It is read again, span by span, so that no recording is held.
///
/// # Errors
/// When the file cannot be read any more, or the voice encoder cannot be loaded.
pub(crate) fn turns_in_speech(
    path: &Path,
    lane: LaneId,
    speech: &[Span],
    speakers: Option<usize>,
    voice_encoder: Option<&Path>,
) -> anyhow::Result<Vec<SpeakerTurn>> {
    let mut embedding = speaker_embedding(voice_encoder)?;
    let mut diarizer = Diarizer::new(embedding.as_mut());
    let mut spans = speech.iter().peekable();
    let mut samples: Vec<f32> = Vec::new();
    let per_ms = u64::from(audio::SAMPLE_RATE_HZ) / 1000;
    for block in LaneReader::open(path)? {
        let sound = sound_of(&block, lane);
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
    Ok(diarizer.finish(&DiarizationOptions { speakers }))
}

/// How many voices a single lane is to be told into: nothing where it is one, or where nobody asked and only spectra could
/// tell. The inner number is the one that is known.
pub(crate) fn voices_to_tell(speakers: Option<usize>, voice_encoder: Option<&Path>) -> Option<Option<usize>> {
    match (speakers, voice_encoder) {
        (Some(..2), _) | (None, None) => None,
        (known, _) => Some(known),
    }
}

/// The voice encoder, where its file is given; else the embedded default.
fn speaker_embedding(voice_encoder: Option<&Path>) -> anyhow::Result<Box<dyn SpeakerEmbedding>> {
    Ok(match voice_encoder {
        Some(path) => Box::new(VoiceEncoder::load(path).context("loading the voice encoder")?),
        None => Box::new(SpectralStatistics),
    })
}

/// The sound of a lane; silence where it is not heard yet or no more, so that all lanes keep one clock.
pub(crate) fn sound_of(block: &Block, lane: LaneId) -> Vec<f32> {
    block.lane(lane).map_or_else(|| vec![0.0; block.len], <[f32]>::to_vec)
}

fn labelled(turn: &SpeakerTurn) -> rttm::SpeakerTurn {
    rttm::SpeakerTurn {
        speaker: anonymous(turn.speaker),
        span: TimeSpan::new(MediaTime(turn.span.start_ms), MediaTime(turn.span.end_ms)),
    }
}

/// The label of a voice or lane without a name; `number` counts from zero.
pub(crate) fn anonymous(number: usize) -> SpeakerLabel {
    SpeakerLabel::new(format!("Speaker {}", number + 1))
}
