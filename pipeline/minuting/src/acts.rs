//! What a sentence does in the meeting: hands out or takes on a task, settles a decision, asks a question.

pub mod cues;

use crate::reading::Reading;

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

/// The acts of every sentence of `reading`, in its order.
pub fn classify(reading: &Reading) -> Vec<Acts> {
    let certain = |found: bool| if found { 1.0 } else { 0.0 };
    let sentences = reading.sentences.iter();
    let acts = sentences.map(|sentence| Acts {
        action: certain(cues::is_commitment(&sentence.text, reading.language)),
        decision: certain(cues::is_decision(&sentence.text, reading.language)),
        question: certain(cues::is_question(&sentence.text, reading.language)),
    });
    acts.collect()
}
