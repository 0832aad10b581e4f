//! How much of a meeting's minutes each word and each pair of words is likely to make up, so that a selection can be
//! scored by the words it would share with minutes that a person writes.
//!
//! Minutes of other meetings teach the rates: for every word, how often it is expected in minutes of a given length,
//! from how often and by how many it was said, how central it is in the graph of words, how rare it is elsewhere, and
//! whether minutes in general like it; for every pair of neighbouring words, the probability that minutes contain it.
//! Coverage of concepts under a budget goes back to Gillick and Favre, "A Scalable Global Model for Summarization",
//! 2009; that the weights are learnt expectations of n-gram recall, to Li, Qian and Liu, "Using Supervised Bigram-based
//! ILP for Extractive Summarization", ACL 2013.

mod expectation;
mod features;
mod spoken_words;
mod weights;

pub use expectation::Expectation;
pub use features::{
    COUNT_FEATURES, PAIR_FEATURES, PairSide, WORD_FEATURES, count_features, pair_features, word_features,
};
pub use spoken_words::{SpokenWords, WordId, salience_words};
pub use weights::{PairKnowledge, ParseWeightsError, SalienceWeights, WordKnowledge};
