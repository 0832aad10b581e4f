//! What a sentence does in the meeting: hands out or takes on a task, settles a decision, asks a question.
//!
//! English tasks are learnt from the utterances that annotators of AMI linked to the actions of their summaries; all
//! else goes by the phrases of [`cues`].

pub mod cues;
mod features;

use std::sync::LazyLock;

use datasets::Language;

use crate::linear::{LinearModel, sigmoid};
use crate::reading::Reading;

pub use features::{WORDS_MIN, context_features, judged_sentences, own_features, sequence_features};

/// How sure each act is, in 0..=1; a sentence can be several at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Acts {
    /// Somebody is to do something after the meeting.
    pub action: f32,
    /// Something was decided.
    pub decision: f32,
    /// Something is asked.
    pub question: f32,
}

/// From this probability on a sentence counts as an act.
pub const ACT_THRESHOLD: f32 = 0.5;

/// The learnt classifier of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct ActModels {
    /// Sentences by themselves, see [`own_features`].
    pub own: LinearModel,
    /// Sentences with their neighbours, see [`context_features`].
    pub context: LinearModel,
    /// The scores of both along the meeting, see [`sequence_features`]. Its bias puts the threshold at 0.5.
    pub sequence: LinearModel,
}

/// Written by `train_acts`.
static ENGLISH: LazyLock<ActModels> = LazyLock::new(|| {
    let bytes = include_bytes!("../weights/actions.bin");
    let models = LinearModel::from_bytes(bytes).expect("the weights in the repository are whole");
    let [own, context, sequence] = <[LinearModel; 3]>::try_from(models).expect("train_acts writes three models");
    ActModels { own, context, sequence }
});

impl ActModels {
    /// The models that the product carries for `language`, if it has learnt any.
    pub fn of_language(language: Language) -> Option<&'static Self> {
        (language == Language::ENGLISH).then(|| &*ENGLISH)
    }

    /// For each sentence of `reading`, the probability that it is a task; 0 for those too short to be judged.
    pub fn probabilities(&self, reading: &Reading) -> Vec<f32> {
        let judged = judged_sentences(reading);
        let own = judged
            .iter()
            .map(|&position| self.own.score(&own_features(reading, position)));
        let context = judged
            .iter()
            .map(|&position| self.context.score(&context_features(reading, position)));
        let scores = [own.collect(), context.collect()];
        let mut probabilities = vec![0.0; reading.sentences.len()];
        for (&position, features) in judged.iter().zip(sequence_features(reading, &judged, &scores)) {
            probabilities[position] = sigmoid(self.sequence.score(&features));
        }
        probabilities
    }
}

/// The acts of every sentence of `reading`, in its order.
pub fn classify(reading: &Reading) -> Vec<Acts> {
    let learnt = ActModels::of_language(reading.language).map(|models| models.probabilities(reading));
    let certain = |found: bool| if found { 1.0 } else { 0.0 };
    let acts = reading.sentences.iter().enumerate().map(|(position, sentence)| Acts {
        action: match &learnt {
            Some(learnt) => learnt[position],
            None => certain(cues::is_commitment(&sentence.text, reading.language)),
        },
        decision: certain(cues::is_decision(&sentence.text, reading.language)),
        question: certain(cues::is_question(&sentence.text, reading.language)),
    });
    acts.collect()
}
