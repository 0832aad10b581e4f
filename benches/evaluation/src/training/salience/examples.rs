//! The meetings to learn from.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use datasets::Language;
use datasets::formats::TextLayer;
use minuting::StatementSelector;
use minuting::salience::{SalienceWeights, SpokenWords, WordId, salience_words};
use minuting::selection::SelectionOptions;
use minuting::text::Stemmer;

use crate::summary::{ReadReferencesError, ReferencedMeeting, read_references};

/// A meeting, the words that its minutes could have, and those that a person's minutes have.
pub struct Example {
    /// Meeting with reference.
    pub source: ReferencedMeeting,
    /// Name of the file it came from, for reports.
    pub set: String,
    /// Words of the minutes that are asked for.
    pub words_max: usize,
    /// How much it counts.
    pub weight: f64,
    /// The counts of the meeting, words of candidates and reference numbered.
    pub spoken: SpokenWords,
    /// Words of candidates.
    pub words: Vec<WordId>,
    /// Pairs of words of candidates.
    pub pairs: Vec<(WordId, WordId)>,
    /// How often the reference has each word.
    pub reference_words: HashMap<WordId, usize>,
    /// How often the reference has each pair.
    pub reference_pairs: BTreeMap<(String, String), usize>,
    /// How often the reference has each word before another.
    pub reference_firsts: HashMap<String, usize>,
    /// Words of the reference.
    pub reference_length: usize,
}

impl Example {
    fn new(source: ReferencedMeeting, set: &str, words_max: usize, weight: f64, language: Language) -> Self {
        let stemmer = Stemmer::new(language);
        let selector = selector(&source, language);
        let mut spoken = selector.spoken().clone();
        let mut words = HashSet::new();
        let mut pairs = HashSet::new();
        for candidate in selector.candidates() {
            words.extend(candidate.words.iter().copied());
            pairs.extend(candidate.words.windows(2).map(|pair| (pair[0], pair[1])));
        }
        let (mut words, mut pairs): (Vec<_>, Vec<_>) = (words.into_iter().collect(), pairs.into_iter().collect());
        words.sort_unstable();
        pairs.sort_unstable();
        let text = source.references.join("\n");
        let mut reference_words = HashMap::new();
        for word in spoken.number(&text, &stemmer) {
            *reference_words.entry(word).or_default() += 1;
        }
        let reference = salience_words(&text, &stemmer);
        let (mut reference_pairs, mut reference_firsts) = (BTreeMap::new(), HashMap::new());
        for pair in reference.windows(2) {
            *reference_pairs.entry((pair[0].clone(), pair[1].clone())).or_default() += 1;
            *reference_firsts.entry(pair[0].clone()).or_default() += 1;
        }
        Self {
            source,
            set: set.to_owned(),
            words_max,
            weight,
            spoken,
            words,
            pairs,
            reference_words,
            reference_pairs,
            reference_firsts,
            reference_length: reference.len(),
        }
    }

    /// The team or the kind of meeting: what stands in one group is never in training and test at once.
    pub fn group(&self) -> &str {
        group(&self.source.id)
    }
}

/// AMI teams met four times; other ids stand for themselves.
fn group(id: &str) -> &str {
    let is_ami = ["ES", "IS", "TS"].iter().any(|prefix| id.starts_with(prefix));
    if is_ami { &id[..id.len() - 1] } else { id }
}

/// The fold of `example` out of `folds`, by its group.
pub fn fold_of(example: &Example, folds: u32) -> u32 {
    fold_of_id(&example.source.id, folds)
}

/// The fold of the meeting `id` out of `folds`, by its group.
pub fn fold_of_id(id: &str, folds: u32) -> u32 {
    let hash = group(id).bytes().fold(2_166_136_261_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    (hash >> 8) % folds
}

fn selector(source: &ReferencedMeeting, language: Language) -> StatementSelector {
    let weights = SalienceWeights::of_language(language);
    let options = SelectionOptions::default();
    StatementSelector::with_weights(&source.meeting, &source.transcript, language, weights, options)
}

/// The English train meetings under `shared` that stand in none of its test and development parts; for French, the
/// train part of FREDSum as its authors cut it.
///
/// # Errors
/// When a file is missing or broken.
pub fn read_examples(shared: &Path, language: Language) -> Result<Vec<Example>, ReadReferencesError> {
    if language == Language::FRENCH {
        return read_french(shared);
    }
    let mut held_out = HashSet::new();
    for file in ["ami/test.jsonl", "icsi/dev.jsonl", "qmsum/val.jsonl"] {
        let meetings = read_references(&shared.join(file), TextLayer::Manual, None)?;
        held_out.extend(meetings.into_iter().map(|meeting| meeting.id));
    }
    let sets = [
        ("ami/train.jsonl", TextLayer::Manual, 350, 1.0),
        ("ami/train.jsonl", TextLayer::Asr, 350, 1.0),
        ("ami/val.jsonl", TextLayer::Manual, 350, 1.0),
        ("ami/val.jsonl", TextLayer::Asr, 350, 1.0),
        ("icsi/train.jsonl", TextLayer::Manual, 450, 3.0),
        ("icsi/train.jsonl", TextLayer::Asr, 450, 3.0),
        ("qmsum/train.jsonl", TextLayer::Manual, 111, 1.0),
    ];
    let mut examples = Vec::new();
    for (file, layer, words_max, weight) in sets {
        let name = format!("{file} {layer:?}");
        for meeting in read_references(&shared.join(file), layer, None)? {
            if !held_out.contains(&meeting.id) && !meeting.transcript.utterances.is_empty() {
                examples.push(Example::new(meeting, &name, words_max, weight, Language::ENGLISH));
            }
        }
    }
    Ok(examples)
}

fn read_french(shared: &Path) -> Result<Vec<Example>, ReadReferencesError> {
    let mut examples = Vec::new();
    for (style, words_max) in [(1, 239), (2, 215), (3, 283)] {
        let name = format!("fredsum style {style}");
        let debates = read_references(&shared.join("fredsum/debates.jsonl"), TextLayer::Manual, Some(style))?;
        for debate in debates.into_iter().filter(|debate| debate.is_train) {
            examples.push(Example::new(debate, &name, words_max, 1.0, Language::FRENCH));
        }
    }
    Ok(examples)
}
