//! Learns the action classifier from AMI and writes its weights.
//!
//! ```text
//! cargo run --release -p evaluation --bin train_acts -- ../shared/datasets pipeline/minuting/weights
//! ```

use std::path::PathBuf;

use datasets::formats::TextLayer;
use evaluation::actions::score_actions;
use evaluation::annotated::{AnnotatedMeeting, read_annotated};
use evaluation::training::acts::train_acts;
use minuting::linear::LinearModel;

#[allow(clippy::print_stdout, reason = "a training program reports on standard output")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(data), Some(weights)) = (arguments.next(), arguments.next()) else {
        return Err("usage: train_acts DATASETS WEIGHTS".into());
    };
    let data = PathBuf::from(data).join("ami");
    let mut meetings: Vec<AnnotatedMeeting> = Vec::new();
    for part in ["train.jsonl", "val.jsonl"] {
        meetings.extend(read_annotated(&data.join(part), TextLayer::Manual)?);
    }
    meetings.retain(|meeting| !meeting.record.links.is_empty());
    let trained = train_acts(&meetings)?;
    println!(
        "{} meetings; left out: F1 {:.1}, average precision {:.1}, threshold {:.3}",
        meetings.len(),
        100.0 * trained.f1,
        100.0 * trained.average_precision,
        trained.threshold
    );
    let models = [trained.models.own, trained.models.context, trained.models.sequence];
    std::fs::write(
        PathBuf::from(weights).join("actions.bin"),
        LinearModel::to_bytes(&models),
    )?;
    println!(
        "rules alone, or the weights compiled in: {:?}",
        score_actions(&meetings)
    );
    Ok(())
}
