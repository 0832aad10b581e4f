//! From what was heard lane by lane to one transcript: in order of time, without what is heard of one speaker on the lane
//! of another, each utterance with its speaker.

use std::collections::HashSet;

use audio::{Dominance, Lane, LaneLevels};
use datasets::{
    Language, MediaTime, SpeakerLabel, SuppressedSpan, SuppressionReason, TimeSpan, Transcript, Utterance, Word,
};
use speech::diarization::{SpeakerTurn, attribute};
use speech::sound::Span;
use speech::transcription::LaneTranscript;

use crate::stages::diarize::anonymous;

/// Share of an utterance's words during which another lane must dominate to make it cross-talk, and share of its words
/// that must be said on that lane.
const CROSS_TALK_SHARE_MIN: f64 = 0.8;
const CROSS_TALK_WORDS_MIN: f64 = 0.5;

/// What was heard on one lane.
pub(crate) struct LaneHeard {
    pub(crate) lane: Lane,
    pub(crate) transcript: LaneTranscript,
    /// Who spoke when, where voices were told apart.
    pub(crate) turns: Vec<SpeakerTurn>,
}

/// Appends all lanes to `transcript`.
pub(crate) fn merge_lanes(heard: &[LaneHeard], levels: &LaneLevels, transcript: &mut Transcript) {
    let mut utterances: Vec<Utterance> = Vec::new();
    for one in heard {
        for utterance in &one.transcript.utterances {
            if is_cross_talk(utterance, one, heard, levels) {
                transcript.suppressed.push(SuppressedSpan {
                    span: span(utterance.span),
                    speaker: lane_label(one, heard.len() > 1),
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
                speaker: lane_label(one, heard.len() > 1),
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
    let lane_label = lane_label(heard, has_lanes);
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

/// The speaker of a lane, where each has one. A track's title is the participant's name on many platforms; without one the
/// speaker stays anonymous.
fn lane_label(heard: &LaneHeard, has_lanes: bool) -> Option<SpeakerLabel> {
    has_lanes.then(|| match &heard.lane.name {
        Some(_) => SpeakerLabel::new(heard.lane.label()),
        None => anonymous(heard.lane.id.0),
    })
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
