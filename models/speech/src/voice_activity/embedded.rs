//! The default detector, with nothing to download: a small embedded net (earshot) behind an automatic gain, which it lacks,
//! and before guards against what it takes for speech: music, hum, room noise.
//!
//! Every constant was set on the clips of AMI and FLEURS and the noises that the test `voice_activity` prints; they are
//! few, so read its table as what is possible and not as what is promised.

use std::collections::VecDeque;

use earshot::Detector;

use super::sound_features::{FRAME, FeatureExtractor, SoundFeatures, WINDOW, WINDOW_LEAD};
use super::{GateOptions, SpeechProbability};
use crate::sound::finite;

/// Frames that the guards look back: 1.3 s.
const LOOK_BACK: usize = 80;
/// Frames that the guards look ahead, and by which judgements are late: 0.19 s.
const LOOK_AHEAD: usize = 12;
/// What the frames looked at must show beside the net's score, one of them: clear speech swings between voiced and
/// unvoiced; in noise it swings less, and then the net must be surer and tones must not be held at all. A voice that keeps
/// its pitch, as machines do and some who read aloud, holds its tones nearly as music does: it must swing, and the net be sure.
const EVIDENCE: [Evidence; 3] = [
    Evidence {
        periodicity_deviation_min: 0.1,
        tone_persistence_max: 0.35,
        score_min: 0.0,
    },
    Evidence {
        periodicity_deviation_min: 0.06,
        tone_persistence_max: 0.12,
        score_min: 0.6,
    },
    Evidence {
        periodicity_deviation_min: 0.15,
        tone_persistence_max: 0.5,
        score_min: 0.8,
    },
];
/// How far over the noise floor a frame is loud enough to be speech.
const OVER_FLOOR_DB: f32 = 5.0;
/// Nothing below is taken for speech: under the last bit of 16-bit sound.
const LEVEL_DB_MIN: f32 = -88.0;
/// How fast the noise floor rises where nothing is quieter: 1.9 dB a second.
const FLOOR_RISE_DB: f32 = 0.03;

/// Speech by the embedded net and the guards. Frames of 16 ms; judgements are 0.25 s late.
pub struct EmbeddedDetector {
    net: Box<Detector>,
    gain: AutomaticGain,
    features: FeatureExtractor,
    floor: NoiseFloor,
    /// Samples from [`WINDOW_LEAD`] before the next frame on.
    pending: Vec<f32>,
    frames: VecDeque<Frame>,
    /// How many of `frames` are judged: those before the look-ahead.
    judged: usize,
}

/// Over the loud frames looked at.
struct Evidence {
    /// Least standard deviation of the periodicity: clear speech has about 0.2, noise 0.05.
    periodicity_deviation_min: f32,
    /// Highest mean tone persistence: speech has about 0.05, music 0.4 and more.
    tone_persistence_max: f32,
    /// Least mean score of the net.
    score_min: f32,
}

struct Frame {
    score: f32,
    loud: bool,
    features: SoundFeatures,
}

impl EmbeddedDetector {
    /// A detector at the start of a stream.
    pub fn new() -> Self {
        Self {
            net: Box::default(),
            gain: AutomaticGain::new(),
            features: FeatureExtractor::new(),
            floor: NoiseFloor::new(),
            pending: vec![0.0; WINDOW_LEAD],
            frames: VecDeque::new(),
            judged: 0,
        }
    }

    fn take_frame(&mut self, window: &[f32]) {
        let features = self.features.next(window);
        let score = self
            .net
            .predict_f32(&self.gain.apply(&window[WINDOW_LEAD..WINDOW_LEAD + FRAME]));
        let over_floor_db = self.floor.over_floor_db(features.level_db);
        self.frames.push_back(Frame {
            score,
            loud: over_floor_db > OVER_FLOOR_DB && features.level_db > LEVEL_DB_MIN,
            features,
        });
    }

    fn judge(&mut self, look_ahead: usize, probabilities: &mut Vec<f32>) {
        while self.judged + look_ahead < self.frames.len() {
            let frame = &self.frames[self.judged];
            let speech = frame.loud && sounds_like_speech(&self.frames);
            probabilities.push(if speech { frame.score.clamp(0.0, 1.0) } else { 0.0 });
            if self.judged == LOOK_BACK {
                self.frames.pop_front();
            } else {
                self.judged += 1;
            }
        }
    }
}

impl Default for EmbeddedDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl SpeechProbability for EmbeddedDetector {
    fn frame_samples(&self) -> usize {
        FRAME
    }

    fn gate_options(&self) -> GateOptions {
        GateOptions {
            on: 0.45,
            off: 0.25,
            speech_ms_min: 190,
            pause_ms_max: 400,
            pad_ms: 200,
        }
    }

    fn push(&mut self, samples: &[f32], probabilities: &mut Vec<f32>) {
        self.pending
            .extend(samples.iter().map(|&sample| finite(sample).clamp(-1.0, 1.0)));
        let pending = std::mem::take(&mut self.pending);
        let mut from = 0;
        while from + WINDOW <= pending.len() {
            self.take_frame(&pending[from..from + WINDOW]);
            self.judge(LOOK_AHEAD, probabilities);
            from += FRAME;
        }
        self.pending = pending;
        self.pending.drain(..from);
    }

    fn finish(&mut self, probabilities: &mut Vec<f32>) {
        let frames = (self.pending.len() - WINDOW_LEAD).div_ceil(FRAME);
        let missing = (WINDOW + frames * FRAME).saturating_sub(self.pending.len() + FRAME);
        if frames > 0 {
            self.push(&vec![0.0; missing], probabilities);
        }
        self.judge(0, probabilities);
        *self = Self::new();
    }
}

/// Whether the loud ones among `frames` show what speech shows.
fn sounds_like_speech(frames: &VecDeque<Frame>) -> bool {
    let (mut count, mut periodicity, mut squares, mut persistence, mut score) = (0.0_f32, 0.0, 0.0, 0.0, 0.0);
    for frame in frames.iter().filter(|frame| frame.loud) {
        count += 1.0;
        periodicity += frame.features.periodicity;
        squares += frame.features.periodicity * frame.features.periodicity;
        persistence += frame.features.tone_persistence;
        score += frame.score;
    }
    let mean = |sum: f32| sum / count.max(1.0);
    let deviation = (mean(squares) - mean(periodicity) * mean(periodicity)).max(0.0).sqrt();
    EVIDENCE.iter().any(|evidence| {
        deviation > evidence.periodicity_deviation_min
            && mean(persistence) < evidence.tone_persistence_max
            && mean(score) >= evidence.score_min
    })
}

/// Brings speech to the level that the net was trained on: recordings of meetings are 20 to 50 dB quieter.
struct AutomaticGain {
    smooth_power: f32,
    speech_power: f32,
}

impl AutomaticGain {
    /// -22 dB of full scale.
    const TARGET_POWER: f32 = 0.0063;

    fn new() -> Self {
        Self {
            smooth_power: 0.0,
            speech_power: 1e-7,
        }
    }

    /// The loudest of late is speech, it is hoped: the estimate rises within a tenth of a second and falls by 0.7 dB each
    /// second.
    fn apply(&mut self, frame: &[f32]) -> Vec<f32> {
        let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32;
        self.smooth_power += (power - self.smooth_power) * 0.12;
        if self.smooth_power > self.speech_power {
            self.speech_power += (self.smooth_power - self.speech_power) * 0.3;
        } else {
            self.speech_power = (self.speech_power * 0.9975).max(1e-8);
        }
        let gain = (Self::TARGET_POWER / self.speech_power).sqrt().clamp(0.3, 300.0);
        frame.iter().map(|sample| (sample * gain).clamp(-1.0, 1.0)).collect()
    }
}

/// The level that remains when nobody speaks: falls at once, rises slowly.
struct NoiseFloor {
    level_db: Option<f32>,
    before_db: [f32; 2],
}

impl NoiseFloor {
    fn new() -> Self {
        Self {
            level_db: None,
            before_db: [0.0; 2],
        }
    }

    /// How far the mean level of this frame and the two before lies over the floor.
    fn over_floor_db(&mut self, frame_db: f32) -> f32 {
        let floor = self.level_db.get_or_insert_with(|| {
            self.before_db = [frame_db; 2];
            frame_db
        });
        let smooth_db = (self.before_db[0] + self.before_db[1] + frame_db) / 3.0;
        self.before_db = [self.before_db[1], frame_db];
        *floor = smooth_db.min(*floor + FLOOR_RISE_DB);
        smooth_db - *floor
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn probabilities(samples: &[f32], pieces: &[usize]) -> Vec<f32> {
        let mut detector = EmbeddedDetector::new();
        let mut probabilities = Vec::new();
        let mut rest = samples;
        for piece in pieces.iter().cycle() {
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            detector.push(now, &mut probabilities);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        detector.finish(&mut probabilities);
        probabilities
    }

    #[test]
    fn a_sample_that_is_no_number_does_not_deafen() {
        let mut samples: Vec<f32> = (0..32_000).map(|n| ((n * n) as f32 * 1e-4).sin() * 0.3).collect();
        let clean = probabilities(&samples, &[usize::MAX]);
        samples[2000] = f32::NAN;
        samples[2001] = f32::INFINITY;
        let broken = probabilities(&samples, &[usize::MAX]);
        assert!(broken.iter().all(|p| p.is_finite()));
        let later = clean.len() / 2;
        let difference = clean[later..].iter().zip(&broken[later..]).map(|(a, b)| (a - b).abs());
        assert!(difference.fold(0.0, f32::max) < 0.2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// However a stream is cut, the judgements are the same, one for each frame begun.
        #[test]
        fn pieces_do_not_matter(length in 0_usize..20_000, pieces in prop::collection::vec(1_usize..5_000, 1..6)) {
            let samples: Vec<f32> = (0..length).map(|n| ((n * n) as f32 * 1e-4).sin() * 0.3).collect();
            let whole = probabilities(&samples, &[usize::MAX]);
            prop_assert_eq!(whole.len(), length.div_ceil(FRAME));
            prop_assert_eq!(whole, probabilities(&samples, &pieces));
        }
    }
}
