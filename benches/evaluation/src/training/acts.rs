//! Training of the action classifier: two models of single sentences, without and with their neighbours, then a model of
//! the scores along the meeting, learnt from scores that the first two gave to meetings they had not seen.

use argmin::core::Error;
use minuting::acts::{ActModels, context_features, judged_sentences, own_features, sequence_features};
use minuting::linear::{Features, LinearModel};
use minuting::reading::Reading;

use super::folds::folds;
use super::logistic::{Example, LogisticOptions, fit};
use crate::actions::{counted_rows, linked_actions};
use crate::annotated::AnnotatedMeeting;
use crate::metrics::classification::{average_precision, best_threshold};

const SENTENCE_OPTIONS: LogisticOptions = LogisticOptions {
    cost: 4.0,
    positive_weight: None,
    examples_min: 2,
    measure_scale: 1.0,
    iterations_max: 150,
};

const SEQUENCE_OPTIONS: LogisticOptions = LogisticOptions {
    cost: 0.02,
    positive_weight: Some(1.0),
    examples_min: 1,
    measure_scale: 1.0,
    iterations_max: 300,
};

/// Folds that give the second step scores of unseen meetings.
const FOLDS: usize = 5;

/// A meeting with its features and labels.
struct Prepared {
    reading: Reading,
    judged: Vec<usize>,
    first_step: [Vec<Features>; 2],
    positive: Vec<bool>,
    rows: Vec<usize>,
}

/// The models, and how they do on meetings that were left out.
pub struct TrainedActs {
    /// For the product.
    pub models: ActModels,
    /// Best F1 over the threshold, in 0..=1, on left-out meetings.
    pub f1: f64,
    /// Average precision on left-out meetings, in 0..=1.
    pub average_precision: f64,
    /// The threshold that gave the best F1, as log odds; already taken off the bias of the last model.
    pub threshold: f32,
}

/// Trains on those of `meetings` that have links.
///
/// # Errors
/// When a model cannot be fitted.
pub fn train_acts(meetings: &[AnnotatedMeeting]) -> Result<TrainedActs, Error> {
    let prepared: Vec<Prepared> = meetings.iter().map(prepare).collect();
    let folds = folds(meetings, FOLDS);
    let mut scores: Vec<Vec<Vec<f32>>> = vec![Vec::new(); meetings.len()];
    for fold in &folds {
        for step in 0..2 {
            let model = fit_sentence(fold.train.iter().map(|&meeting| &prepared[meeting]), step)?;
            for &meeting in &fold.test {
                let features = &prepared[meeting].first_step[step];
                scores[meeting].push(features.iter().map(|features| model.score(features)).collect());
            }
        }
    }
    let sequences: Vec<Vec<Features>> = prepared
        .iter()
        .zip(&scores)
        .map(|(meeting, scores)| sequence_features(&meeting.reading, &meeting.judged, scores))
        .collect();
    let mut left_out = Vec::new();
    for fold in &folds {
        let model = fit_sequence(&fold.train, &prepared, &sequences)?;
        for &meeting in &fold.test {
            left_out.extend(scored_rows(
                &meetings[meeting],
                &prepared[meeting],
                &sequences[meeting],
                &model,
            ));
        }
    }
    let (threshold, f1) = best_threshold(&left_out);
    let all: Vec<usize> = (0..meetings.len()).collect();
    let mut sequence = fit_sequence(&all, &prepared, &sequences)?;
    sequence.bias -= threshold;
    let models = ActModels {
        own: fit_sentence(prepared.iter(), 0)?,
        context: fit_sentence(prepared.iter(), 1)?,
        sequence,
    };
    Ok(TrainedActs {
        models,
        f1,
        average_precision: average_precision(&left_out),
        threshold,
    })
}

fn prepare(meeting: &AnnotatedMeeting) -> Prepared {
    let reading = Reading::new(&meeting.meeting, &meeting.transcript);
    let judged = judged_sentences(&reading);
    let rows: Vec<usize> = judged
        .iter()
        .map(|&position| meeting.rows[reading.sentences[position].utterance])
        .collect();
    let linked = linked_actions(meeting);
    Prepared {
        first_step: [
            judged
                .iter()
                .map(|&position| own_features(&reading, position))
                .collect(),
            judged
                .iter()
                .map(|&position| context_features(&reading, position))
                .collect(),
        ],
        positive: rows.iter().map(|row| linked.contains(row)).collect(),
        rows,
        judged,
        reading,
    }
}

fn fit_sentence<'a>(meetings: impl Iterator<Item = &'a Prepared>, step: usize) -> Result<LinearModel, Error> {
    let examples = meetings.flat_map(|meeting| meeting.first_step[step].iter().zip(&meeting.positive));
    let examples = examples.map(|(features, &positive)| Example { features, positive });
    fit(&examples.collect::<Vec<_>>(), SENTENCE_OPTIONS)
}

fn fit_sequence(of: &[usize], prepared: &[Prepared], sequences: &[Vec<Features>]) -> Result<LinearModel, Error> {
    let examples = of
        .iter()
        .flat_map(|&meeting| sequences[meeting].iter().zip(&prepared[meeting].positive));
    let examples = examples.map(|(features, &positive)| Example { features, positive });
    fit(&examples.collect::<Vec<_>>(), SEQUENCE_OPTIONS)
}

/// The best score of any sentence of each row that is counted, with the truth.
fn scored_rows(
    meeting: &AnnotatedMeeting,
    prepared: &Prepared,
    sequence: &[Features],
    model: &LinearModel,
) -> Vec<(f32, bool)> {
    let mut scores = vec![f32::MIN; meeting.record.utterances.len()];
    for (&row, features) in prepared.rows.iter().zip(sequence) {
        scores[row] = scores[row].max(model.score(features));
    }
    let linked = linked_actions(meeting);
    counted_rows(meeting)
        .map(|row| (scores[row], linked.contains(&row)))
        .collect()
}
