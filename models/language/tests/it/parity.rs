//! Logits and greedy answers compared with transformers on the same (dequantized) weights.

use std::ops::ControlFlow;

use language_model::{GenerationOptions, Kernel};

use crate::files::load;
use crate::reference::{Case, cases};

/// Of the length of a position's logits, mean taken off: without rounding of activations only the cache (f16) and the
/// order of sums differ from the reference.
const EXACT_TOLERANCE: f32 = 1e-3;

/// The same for activations of 8 bits.
const ROUNDED_TOLERANCE: f32 = 0.04;

/// Share of greedy tokens that must agree when each token is given the reference's past: random weights leave near
/// ties, which the rounding of the cache (a thousandth) or of activations (a hundredth) decides.
const EXACT_AGREEMENT: f32 = 0.99;
const ROUNDED_AGREEMENT: f32 = 0.95;

/// Length of the difference over length of the reference, mean taken off.
fn error(found: &[f32], expected: &[f32]) -> f32 {
    let mean = expected.iter().sum::<f32>() / expected.len() as f32;
    let length = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>().sqrt();
    let difference = length(&mut found.iter().zip(expected).map(|(found, expected)| found - expected));
    difference / length(&mut expected.iter().map(|expected| expected - mean))
}

fn best(logits: &[f32]) -> u32 {
    let best = (0..).zip(logits).max_by(|left, right| left.1.total_cmp(right.1));
    best.unwrap().0
}

/// Largest error of the logits, and the share of greedy tokens that agree on the reference's past.
fn compare(case: &Case, kernel: Kernel) -> (f32, f32) {
    let model = load(case, kernel);
    let mut session = model.session();
    let prompt = case.prompt();
    let vocabulary = case.config.vocabulary;
    let logits = session.logits_of(&prompt).unwrap();
    let mut largest = 0.0_f32;
    for (row, expected) in case.rows.iter().zip(&case.logits) {
        largest = largest.max(error(&logits[row * vocabulary..][..vocabulary], expected));
    }
    let mut agreeing = usize::from(best(&logits[(prompt.len() - 1) * vocabulary..]) == case.greedy[0]);
    let logits = session.logits_of(&case.greedy).unwrap();
    for (logits, expected) in logits.chunks(vocabulary).zip(&case.greedy[1..]) {
        agreeing += usize::from(best(logits) == *expected);
    }
    let last = &logits[(case.greedy.len() - 1) * vocabulary..];
    largest = largest.max(error(last, &case.last_logits));
    (largest, agreeing as f32 / case.greedy.len() as f32)
}

#[test]
fn logits_are_those_of_transformers() {
    for case in cases() {
        let (error, agreement) = compare(&case, Kernel::Exact);
        println!("{}: error {error:.1e}, agreement {agreement}", case.name);
        assert!(error <= EXACT_TOLERANCE, "{}: {error}", case.name);
        assert!(agreement >= EXACT_AGREEMENT, "{}: {agreement}", case.name);
    }
}

#[test]
fn greedy_answers_are_those_of_transformers() {
    for case in cases() {
        let model = load(&case, Kernel::Exact);
        let mut session = model.session();
        session
            .prefill(&case.prompt(), &mut |_| ControlFlow::Continue(()))
            .unwrap();
        let options = GenerationOptions {
            max_tokens: case.greedy.len(),
            ..GenerationOptions::default()
        };
        let answer = session.generate(&options, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(answer.tokens, case.greedy, "{}", case.name);
    }
}

#[test]
fn rounded_activations_stay_near_the_reference() {
    for kernel in Kernel::available()
        .into_iter()
        .filter(|kernel| *kernel != Kernel::Exact)
    {
        // The long case takes as long as all others together.
        let short = |case: &Case| !case.name.starts_with("lucie-long") || kernel == Kernel::fastest();
        for case in cases().into_iter().filter(short) {
            let (error, agreement) = compare(&case, kernel);
            println!(
                "{} {}: error {error:.1e}, agreement {agreement}",
                kernel.name(),
                case.name
            );
            assert!(error <= ROUNDED_TOLERANCE, "{} {}: {error}", kernel.name(), case.name);
            assert!(
                agreement >= ROUNDED_AGREEMENT,
                "{} {}: {agreement}",
                kernel.name(),
                case.name
            );
        }
    }
}
