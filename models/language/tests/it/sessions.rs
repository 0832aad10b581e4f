//! Reading in pieces, forking and going back give what one pass gives; reading and writing can be called off.

use std::ops::ControlFlow;

use language_model::{
    GenerateError, GenerationEnd, GenerationOptions, Kernel, ModelDescription, PrefillProgress, Sampling,
};

use crate::files::{load, write, writing_case};
use crate::reference::{Case, case};

/// Of the largest logit: few rows are not summed in the order of many.
const EXACT_TOLERANCE: f32 = 2e-4;

/// The same where activations are rounded: a sum that differs in its last bit can be rounded to the next of 127 steps.
const ROUNDED_TOLERANCE: f32 = 0.02;

fn go_on(_: PrefillProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn check_same(kernel: Kernel, found: &[f32], expected: &[f32], what: &str) {
    let tolerance = if kernel == Kernel::Exact {
        EXACT_TOLERANCE
    } else {
        ROUNDED_TOLERANCE
    };
    let largest = expected.iter().fold(0.0_f32, |largest, logit| largest.max(logit.abs()));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance * largest,
            "{what}: {found}, {expected}"
        );
    }
}

fn check_pieces(case: &Case, kernel: Kernel) {
    let model = load(case, kernel);
    let prompt = case.prompt();
    let vocabulary = case.config.vocabulary;
    let whole = model.session().logits_of(&prompt).unwrap();
    let rest = prompt.len() - 7;
    let expected = &whole[rest * vocabulary..];
    for pieces in [
        vec![1; rest],
        vec![rest],
        vec![3, rest - 4, 1],
        vec![rest / 2, rest - rest / 2],
    ] {
        let mut session = model.session();
        let mut at = 0;
        for piece in pieces {
            session.prefill(&prompt[at..at + piece], &mut go_on).unwrap();
            at += piece;
        }
        let mut fork = session.fork();
        let mut astray = session.fork();
        astray.prefill(&[1, 2, 3], &mut go_on).unwrap();
        check_same(
            kernel,
            &session.logits_of(&prompt[rest..]).unwrap(),
            expected,
            "in pieces",
        );
        check_same(kernel, &fork.logits_of(&prompt[rest..]).unwrap(), expected, "forked");
        astray.truncate(rest);
        check_same(
            kernel,
            &astray.logits_of(&prompt[rest..]).unwrap(),
            expected,
            "gone back",
        );
    }
}

#[test]
fn pieces_forks_and_going_back_change_nothing() {
    check_pieces(&case("llama-3.2 F16 gguf"), Kernel::Exact);
    for kernel in Kernel::available() {
        check_pieces(&case("llama-3.2 Q4_K_M gguf"), kernel);
        check_pieces(&case("smollm2 Q4_K_M gguf"), kernel);
    }
}

#[test]
fn long_prompts_are_read_in_chunks_and_can_be_called_off() {
    let case = case("lucie-long F16 gguf");
    let model = load(&case, Kernel::fastest());
    let mut session = model.session();
    let mut seen = Vec::new();
    let result = session.prefill(&case.prompt(), &mut |progress| {
        seen.push(progress.done);
        if seen.len() == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(
        matches!(result, Err(GenerateError::CalledOff { done: 1536 })),
        "{result:?}"
    );
    assert_eq!(seen, [512, 1024, 1536]);
    session.prefill(&case.prompt()[1536..], &mut go_on).unwrap();
    assert_eq!((session.length(), session.remaining()), (5000, 27000));
    let answer = session.generate(
        &GenerationOptions {
            max_tokens: 8,
            ..GenerationOptions::default()
        },
        &mut |_| ControlFlow::Continue(()),
    );
    assert_eq!(answer.unwrap().tokens, case.greedy[..8]);
}

#[test]
fn writing_ends_where_it_is_asked_to() {
    let case = writing_case();
    let model = load(&case, Kernel::fastest());
    let mut session = model.session();
    let options = GenerationOptions {
        max_tokens: 40,
        sampling: Sampling::Random {
            temperature: 0.8,
            top_p: 0.95,
            seed: 3,
        },
        ..GenerationOptions::default()
    };
    let nothing_read = session.generate(&options, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(nothing_read, Err(GenerateError::NothingRead)));
    let unknown = session.prefill(&[5, 272], &mut go_on);
    assert!(matches!(
        unknown,
        Err(GenerateError::UnknownToken {
            token: 272,
            vocabulary: 272
        })
    ));
    session.prefill(&[5, 6, 7], &mut go_on).unwrap();
    let answer = session
        .fork()
        .generate(&options, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    let again = session
        .fork()
        .generate(&options, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(answer, again, "the same seed gives the same answer");
    assert!(
        answer.end == GenerationEnd::MaxTokens && answer.tokens.len() == 40 || answer.end == GenerationEnd::Complete
    );
    let mut told = 0;
    let called_off = session.fork().generate(&options, &mut |_| {
        told += 1;
        if told == 5 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let called_off = called_off.unwrap();
    assert_eq!((called_off.end, called_off.tokens.len()), (GenerationEnd::CalledOff, 5));
    let word: String = answer.text.chars().skip(3).take(2).collect();
    let stopped = session.fork().generate(
        &GenerationOptions {
            stop: vec![word.clone()],
            ..options
        },
        &mut |_| ControlFlow::Continue(()),
    );
    let stopped = stopped.unwrap();
    assert_eq!(stopped.end, GenerationEnd::StopText);
    assert!(answer.text.starts_with(&stopped.text) && !stopped.text.contains(&word));
}

#[test]
fn memory_is_told_before_loading() {
    let case = case("lucie Q8_0 gguf");
    let directory = tempfile::tempdir().unwrap();
    let path = write(&case, directory.path());
    let description = ModelDescription::read(&path).unwrap();
    let memory = description.memory(1000, 2);
    let tensors: usize = case.tensors.iter().map(|tensor| case.bytes(tensor).len()).sum();
    assert_eq!(memory.weights, tensors);
    assert_eq!(memory.cache, 1000 * 2 * 2 * 32 * 2 * 2);
    assert!(memory.working > 512 * case.config.hidden * 4);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    let error = ModelDescription::read(&path).unwrap_err().to_string();
    assert!(error.contains("was not downloaded or copied whole"), "{error}");
    std::fs::write(&path, b"no model").unwrap();
    assert!(
        ModelDescription::read(&path)
            .unwrap_err()
            .to_string()
            .contains("not a readable GGUF")
    );
}
