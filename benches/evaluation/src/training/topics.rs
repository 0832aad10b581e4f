//! Training of the topic segmenter: first whether a topic begins with a sentence, then, on scores that the first step
//! gave to meetings it had not seen, whether two sentences belong to different topics.

use argmin::core::Error;
use minuting::acts::judged_sentences;
use minuting::linear::{Features, LinearModel};
use minuting::reading::Reading;
use minuting::topics::{TopicFeatures, TopicModels};

use super::folds::{Fold, folds};
use super::logistic::{Example, LogisticOptions, fit};
use crate::annotated::AnnotatedMeeting;

/// Boundaries are rare; one counts as much as this many other sentences. Its logarithm is taken off the bias again.
const BOUNDARY_WEIGHT: f32 = 10.0;

const BOUNDARY_OPTIONS: LogisticOptions = LogisticOptions {
    cost: 0.3,
    positive_weight: Some(BOUNDARY_WEIGHT),
    examples_min: 4,
    measure_scale: 0.1,
    iterations_max: 150,
};

const PAIR_OPTIONS: LogisticOptions = LogisticOptions {
    cost: 0.01,
    positive_weight: Some(1.0),
    examples_min: 1,
    measure_scale: 1.0,
    iterations_max: 200,
};

/// Folds that give the second step scores of unseen meetings.
const FOLDS: usize = 5;

/// A meeting with its features and labels.
struct Prepared {
    boundaries: Vec<Features>,
    begins: Vec<bool>,
    reading: Reading,
    judged: Vec<usize>,
}

/// Models for each fold, made without its meetings, and models made from all meetings.
pub struct TrainedTopics {
    /// For measuring: each fold with the models that never saw it.
    pub folds: Vec<(Fold, TopicModels)>,
    /// For the product.
    pub models: TopicModels,
}

/// Trains on `meetings` with or without their words as marks.
///
/// # Errors
/// When a model cannot be fitted.
pub fn train_topics(meetings: &[AnnotatedMeeting], with_words: bool) -> Result<TrainedTopics, Error> {
    let prepared: Vec<Prepared> = meetings.iter().map(|meeting| prepare(meeting, with_words)).collect();
    let folds = folds(meetings, FOLDS);
    let mut scores: Vec<Vec<f32>> = vec![Vec::new(); meetings.len()];
    let mut boundary_models = Vec::new();
    for fold in &folds {
        let model = fit_boundary(fold.train.iter().map(|&meeting| &prepared[meeting]))?;
        for &meeting in &fold.test {
            scores[meeting] = prepared[meeting]
                .boundaries
                .iter()
                .map(|features| model.score(features))
                .collect();
        }
        boundary_models.push(model);
    }
    let all: Vec<usize> = (0..meetings.len()).collect();
    let fit_pair = |of: &[usize]| {
        fit_pair(
            of.iter().map(|&meeting| (&prepared[meeting], &scores[meeting])),
            with_words,
        )
    };
    let mut trained = Vec::new();
    for (fold, boundary) in folds.into_iter().zip(boundary_models) {
        let pair = fit_pair(&fold.train)?;
        trained.push((
            fold,
            TopicModels {
                boundary,
                pair,
                with_words,
            },
        ));
    }
    let boundary = fit_boundary(prepared.iter())?;
    Ok(TrainedTopics {
        folds: trained,
        models: TopicModels {
            boundary,
            pair: fit_pair(&all)?,
            with_words,
        },
    })
}

fn prepare(meeting: &AnnotatedMeeting, with_words: bool) -> Prepared {
    let reading = Reading::new(&meeting.meeting, &meeting.transcript);
    let judged = judged_sentences(&reading);
    let features = TopicFeatures::new(&reading, &judged, with_words);
    let boundaries = (0..judged.len()).map(|at| features.boundary(at)).collect();
    let rows: Vec<usize> = judged
        .iter()
        .map(|&position| meeting.rows[reading.sentences[position].utterance])
        .collect();
    let mut begins = vec![false; judged.len()];
    for topic in meeting.record.topics.iter().filter(|topic| topic.level == 0) {
        let at = rows.partition_point(|&row| row < topic.first);
        if at > 0 && at < begins.len() {
            begins[at] = true;
        }
    }
    Prepared {
        boundaries,
        begins,
        judged,
        reading,
    }
}

fn fit_boundary<'a>(meetings: impl Iterator<Item = &'a Prepared>) -> Result<LinearModel, Error> {
    let examples = meetings.flat_map(|meeting| meeting.boundaries.iter().zip(&meeting.begins));
    let examples = examples.map(|(features, &positive)| Example { features, positive });
    let mut model = fit(&examples.collect::<Vec<_>>(), BOUNDARY_OPTIONS)?;
    model.bias -= BOUNDARY_WEIGHT.ln();
    Ok(model)
}

fn fit_pair<'a>(
    meetings: impl Iterator<Item = (&'a Prepared, &'a Vec<f32>)>,
    with_words: bool,
) -> Result<LinearModel, Error> {
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for (meeting, scores) in meetings {
        let features = TopicFeatures::new(&meeting.reading, &meeting.judged, with_words);
        let pairs = features.pairs(scores);
        let begins_within = |first: usize| meeting.begins[first + 1..=first + features.distance].contains(&true);
        labels.extend((0..pairs.len()).map(begins_within));
        rows.extend(pairs);
    }
    let examples = rows
        .iter()
        .zip(labels)
        .map(|(features, positive)| Example { features, positive });
    fit(&examples.collect::<Vec<_>>(), PAIR_OPTIONS)
}
