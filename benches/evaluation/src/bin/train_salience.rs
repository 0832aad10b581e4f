//! Learns the salience weights that the minutes engine carries, and prints how they do in cross-validation.
//!
//! `cargo run --release -p evaluation --bin train_salience -- ../shared/datasets en pipeline/minuting/weights/salience-en.tsv`
//! reads the train parts of AMI, ICSI and QMSum and leaves out every meeting of their development and test parts;
//! with `fr` instead of `en` it reads the train part of FREDSum. Without an output file it only cross-validates.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;

use datasets::Language;
use evaluation::metrics::rouge::rouge;
use evaluation::training::salience::{Example, FitOptions, fit, fold_of, read_examples};
use minuting::StatementSelector;
use minuting::salience::SalienceWeights;
use minuting::selection::SelectionOptions;

/// Folds of the cross-validation; a team's meetings stand in one fold.
const FOLDS: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [shared, language, output @ ..] = arguments.as_slice() else {
        return Err("usage: train_salience DATASETS en|fr [OUTPUT]".into());
    };
    let language: Language = language.parse()?;
    let examples = read_examples(Path::new(shared), language)?;
    let options = FitOptions {
        content_offsets: language == Language::ENGLISH,
        ..FitOptions::default()
    };
    let all: Vec<&Example> = examples.iter().collect();
    match output.first() {
        Some(output) => std::fs::write(output, fit(&all, &options).to_text())?,
        None => cross_validate(&all, language, &options)?,
    }
    Ok(())
}

/// Prints, for each set, the mean ROUGE-1 and ROUGE-2 of what weights learnt on the other folds select.
fn cross_validate(examples: &[&Example], language: Language, options: &FitOptions) -> Result<(), Box<dyn Error>> {
    let mut scores: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for fold in 0..FOLDS {
        let (test, train): (Vec<&Example>, Vec<&Example>) =
            examples.iter().partition(|example| fold_of(example, FOLDS) == fold);
        // One leak for each fold: the selector keeps its weights for as long as the program runs.
        let weights: &'static SalienceWeights = Box::leak(Box::new(fit(&train, options)));
        for example in test {
            let text = select(example, language, weights);
            let score = rouge(&example.source.references.join("\n"), &text, language);
            scores
                .entry(&example.set)
                .or_default()
                .push((score.rouge1, score.rouge2));
        }
    }
    let mut out = std::io::stdout().lock();
    for (set, scores) in scores {
        let mean = |of: fn(&(f64, f64)) -> f64| 100.0 * scores.iter().map(of).sum::<f64>() / scores.len() as f64;
        writeln!(
            out,
            "{set}: {} meetings, R-1 {:.2}, R-2 {:.2}",
            scores.len(),
            mean(|s| s.0),
            mean(|s| s.1)
        )?;
    }
    Ok(())
}

fn select(example: &Example, language: Language, weights: &'static SalienceWeights) -> String {
    let (meeting, transcript) = (&example.source.meeting, &example.source.transcript);
    let options = SelectionOptions::default();
    let selector = StatementSelector::with_weights(meeting, transcript, language, weights, options);
    let statements = selector.select(0..transcript.utterances.len(), example.words_max);
    let lines: Vec<String> = statements.into_iter().map(|statement| statement.text).collect();
    lines.join("\n")
}
