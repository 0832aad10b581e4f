//! Learns the topic segmenter from AMI and ICSI and writes its weights.
//!
//! ```text
//! cargo run --release -p evaluation --bin train_topics -- ../shared/datasets pipeline/minuting/weights
//! ```

use std::path::PathBuf;

use datasets::formats::TextLayer;
use evaluation::annotated::{AnnotatedMeeting, read_annotated};
use evaluation::topics::{TopicScores, score_topics_with};
use evaluation::training::topics::{TrainedTopics, train_topics};
use minuting::linear::LinearModel;
use minuting::reading::Reading;
use minuting::topics::{TopicModels, segment_with};

#[allow(clippy::print_stdout, reason = "a training program reports on standard output")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(data), Some(weights)) = (arguments.next(), arguments.next()) else {
        return Err("usage: train_topics DATASETS WEIGHTS".into());
    };
    let mut meetings: Vec<AnnotatedMeeting> = Vec::new();
    for part in ["ami/train.jsonl", "icsi/train.jsonl"] {
        meetings.extend(read_annotated(&PathBuf::from(&data).join(part), TextLayer::Manual)?);
    }
    meetings.retain(|meeting| !meeting.record.topics.is_empty());
    let validation = read_annotated(&PathBuf::from(&data).join("ami/val.jsonl"), TextLayer::Manual)?;
    let mut models = Vec::new();
    for with_words in [true, false] {
        let trained = train_topics(&meetings, with_words)?;
        for corpus in ["ami", "icsi"] {
            println!(
                "{corpus} train, left out, words {with_words}: {:?}",
                left_out(&meetings, &trained, corpus)
            );
        }
        println!("ami val, words {with_words}: {:?}", score(&validation, &trained.models));
        models.extend([trained.models.boundary, trained.models.pair]);
    }
    std::fs::write(
        PathBuf::from(weights).join("topics.bin"),
        LinearModel::to_bytes(&models),
    )?;
    Ok(())
}

/// Scores of the meetings of `corpus`, each cut by the models of the fold that left it out.
fn left_out(meetings: &[AnnotatedMeeting], trained: &TrainedTopics, corpus: &str) -> TopicScores {
    let models_for = |id: &str| {
        let left_out = |fold: &[usize]| fold.iter().any(|&position| meetings[position].record.id == id);
        trained
            .folds
            .iter()
            .find(|(fold, _)| left_out(&fold.test))
            .map_or(&trained.models, |(_, models)| models)
    };
    let of_corpus: Vec<AnnotatedMeeting> = meetings
        .iter()
        .filter(|meeting| meeting.record.corpus == corpus)
        .cloned()
        .collect();
    score_topics_with(&of_corpus, |meeting, units| {
        units.boundaries(starts(meeting, models_for(&meeting.record.id)))
    })
}

fn score(meetings: &[AnnotatedMeeting], models: &TopicModels) -> TopicScores {
    score_topics_with(meetings, |meeting, units| units.boundaries(starts(meeting, models)))
}

/// The rows with which topics begin.
fn starts(meeting: &AnnotatedMeeting, models: &TopicModels) -> impl Iterator<Item = usize> {
    let reading = Reading::new(&meeting.meeting, &meeting.transcript);
    let topics = segment_with(&reading, models);
    let rows: Vec<usize> = topics
        .iter()
        .map(|topic| meeting.rows[reading.sentences[topic.start].utterance])
        .collect();
    rows.into_iter()
}
