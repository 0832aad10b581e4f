//! The vectors are those of transformers and sentence-transformers on the same weights, on every path.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use models::embedding::{Compute, EmbedError, EncoderOptions, LoadEncoderError, SentenceEncoder, TextEmbedding};
use models::matmul::Kernel;

/// What a vector's cosine to the reference must exceed, rounding to bf16 and f16 included.
const COSINE: f64 = 0.9999;

fn paths() -> Vec<Compute> {
    let kernels = Kernel::available().into_iter().map(Compute::Kernel);
    std::iter::once(Compute::Candle).chain(kernels).collect()
}

fn load(directory: &Path, compute: Compute) -> SentenceEncoder {
    SentenceEncoder::load(
        directory,
        &EncoderOptions {
            compute,
            ..EncoderOptions::default()
        },
    )
    .unwrap()
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")
}

/// In double precision, and not assuming that either vector has length 1.
fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |left: &[f32], right: &[f32]| -> f64 {
        left.iter()
            .zip(right)
            .map(|(left, right)| f64::from(*left) * f64::from(*right))
            .sum()
    };
    assert_eq!(left.len(), right.len());
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

fn check_against(found: &[TextEmbedding], expected: &[Vec<f32>], what: &str) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let cosine = cosine(found.as_slice(), expected);
        assert!(cosine > COSINE, "{what}, text {index}: cosine {cosine}");
        let length: f32 = found.as_slice().iter().map(|value| value * value).sum();
        assert!(
            (length - 1.0).abs() < 1e-5,
            "{what}, text {index}: squared length {length}"
        );
    }
}

#[derive(serde::Deserialize)]
struct Reference {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

fn tiny_reference() -> Reference {
    serde_json::from_slice(&std::fs::read(tiny().join("reference.json")).unwrap()).unwrap()
}

#[test]
fn a_tiny_network_gives_the_vectors_of_transformers_on_every_path() {
    let reference = tiny_reference();
    let texts: Vec<&str> = reference.texts.iter().map(String::as_str).collect();
    for compute in paths() {
        let encoder = load(&tiny(), compute);
        assert_eq!((encoder.dimensions(), encoder.max_tokens()), (24, 16));
        // "[CLS] we agree on the plan [SEP]", and forty words cut
        assert_eq!(encoder.token_counts(&[texts[0], texts[5]]).unwrap(), vec![7, 16]);
        check_against(
            &encoder.embed(&texts).unwrap(),
            &reference.vectors,
            &format!("{compute:?}"),
        );
        // One by one, so that no text's vector depends on its neighbours in the batch.
        for (text, expected) in texts.iter().zip(&reference.vectors) {
            check_against(
                &encoder.embed(&[text]).unwrap(),
                std::slice::from_ref(expected),
                &format!("{compute:?}"),
            );
        }
    }
}

#[test]
fn many_texts_come_back_in_their_order() {
    let reference = tiny_reference();
    let texts: Vec<&str> = (0..500).map(|index| reference.texts[index % 5].as_str()).collect();
    let expected: Vec<Vec<f32>> = (0..500).map(|index| reference.vectors[index % 5].clone()).collect();
    check_against(
        &load(&tiny(), Compute::Fastest).embed(&texts).unwrap(),
        &expected,
        "500 texts",
    );
    assert!(load(&tiny(), Compute::Fastest).embed(&[]).unwrap().is_empty());
}

#[test]
fn embedding_can_be_called_off_between_batches() {
    let texts = vec!["we agree on the plan"; 5000];
    let asked = AtomicUsize::new(0);
    let encoder = load(&tiny(), Compute::Fastest);
    let outcome = encoder.embed_while(&texts, &|| asked.fetch_add(1, Ordering::Relaxed) < 3);
    assert!(matches!(outcome, Err(EmbedError::CalledOff)), "{outcome:?}");
    assert!(encoder.embed(&texts[..2]).is_ok(), "the encoder is as good as before");
}

#[test]
fn a_directory_that_lacks_or_contradicts_something_is_refused_by_name() {
    let check = |break_it: &dyn Fn(&Path), expected: &str| {
        let directory = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(tiny()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
        }
        break_it(directory.path());
        let error: LoadEncoderError = SentenceEncoder::load(directory.path(), &EncoderOptions::default()).unwrap_err();
        assert!(
            format!("{error:?}").contains(expected) || error.to_string().contains(expected),
            "{error:?}"
        );
    };
    check(
        &|path| std::fs::remove_file(path.join("model.safetensors")).unwrap(),
        "model.safetensors",
    );
    check(
        &|path| std::fs::write(path.join("tokenizer.json"), "{").unwrap(),
        "tokenizer.json",
    );
    check(
        &|path| std::fs::write(path.join("model.safetensors"), [0; 100]).unwrap(),
        "weights",
    );
    let config = std::fs::read_to_string(tiny().join("config.json")).unwrap();
    let deeper = config.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    assert_ne!(config, deeper);
    check(
        &|path| std::fs::write(path.join("config.json"), &deeper).unwrap(),
        "encoder.layer.2",
    );
    let wider = config.replace("\"intermediate_size\": 40", "\"intermediate_size\": 48");
    check(
        &|path| std::fs::write(path.join("config.json"), &wider).unwrap(),
        "TensorShape",
    );
}

/// Needs sentence-transformers and the corpora: makes its reference with `scripts/make_encoder_reference.py` when
/// `GREFFIER_REFERENCE=1`, by `GREFFIER_PYTHON` or the workspace's `.venv`.
#[test]
fn a_thousand_real_utterances_have_the_vectors_of_sentence_transformers_on_every_path() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let shared = std::env::var_os("GREFFIER_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let folder = root.join("target").join("encoder-reference");
    if !folder.join("vectors.f32").is_file() && !make_reference(root, &shared.join("datasets"), &folder) {
        return;
    }
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(folder.join("texts.json")).unwrap()).unwrap();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let model = PathBuf::from(std::fs::read_to_string(folder.join("model")).unwrap());
    let bytes = std::fs::read(folder.join("vectors.f32")).unwrap();
    let numbers: Vec<f32> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|number| f32::from_le_bytes(*number))
        .collect();
    let expected: Vec<Vec<f32>> = numbers
        .chunks(numbers.len() / texts.len())
        .map(<[f32]>::to_vec)
        .collect();
    for compute in paths() {
        let found = load(&model, compute).embed(&texts).unwrap();
        check_against(&found, &expected, &format!("{compute:?}"));
        let cosines = found
            .iter()
            .zip(&expected)
            .map(|(found, expected)| cosine(found.as_slice(), expected));
        println!(
            "{compute:?}: lowest cosine of {} texts {:.7}",
            texts.len(),
            cosines.fold(1.0, f64::min)
        );
    }
}

fn make_reference(root: &Path, datasets: &Path, folder: &Path) -> bool {
    if std::env::var_os("GREFFIER_REFERENCE").is_none_or(|value| value != "1") || !datasets.is_dir() {
        println!(
            "skipped: no reference in {}, and GREFFIER_REFERENCE=1 is not set",
            folder.display()
        );
        return false;
    }
    let python = std::env::var_os("GREFFIER_PYTHON").map_or_else(|| root.join(".venv/bin/python"), PathBuf::from);
    let script = root.join("scripts/make_encoder_reference.py");
    let status = Command::new(&python)
        .arg(script)
        .arg("utterances")
        .arg(datasets)
        .arg(folder)
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{} could not make the reference",
        python.display()
    );
    true
}
