//! whisper.cpp on models of random weights: the arithmetic and the file are a true model's, the text is noise, which is
//! just what brings out loops, lost times and odd bytes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use speech::model_file::{ModelDimensions, TensorType, write_random_model};
use speech::recognizer::{Effort, RecognizeError, Recognizer, Window};
use speech::transcript::TranscriptSegment;
use speech::whisper::{LoadModelError, WhisperModel, WhisperOptions, WhisperRecognizer};

use crate::noises::{Random, noises};

/// A model file of random weights in the target folder, written once per test run.
pub(crate) fn random_model(dimensions: &ModelDimensions, weights: TensorType, seed: u64) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let name = format!(
        "random-{}x{}-{weights:?}-{seed}.bin",
        dimensions.audio_state, dimensions.audio_layers
    );
    let path = folder.join(name);
    let mut file = tempfile::NamedTempFile::new_in(&folder).unwrap();
    let mut writer = BufWriter::new(file.as_file_mut());
    write_random_model(dimensions, weights, seed, &mut writer).unwrap();
    writer.flush().unwrap();
    drop(writer);
    file.persist(&path).unwrap();
    path
}

pub(crate) fn window(samples: &[f32], effort: Effort) -> Window<'_> {
    Window {
        samples,
        language: None,
        vocabulary: "",
        context: "",
        effort,
    }
}

fn recognizer(seed: u64, options: WhisperOptions) -> WhisperRecognizer {
    let model = WhisperModel::load(&random_model(&ModelDimensions::DEMO, TensorType::Q8_0, seed)).unwrap();
    WhisperRecognizer::new(Arc::new(model), options).unwrap()
}

fn check_in_order(segments: &[TranscriptSegment], end_ms: i64) {
    let mut before_ms = 0;
    for word in segments.iter().flat_map(|segment| &segment.words) {
        assert!(
            word.start_ms >= before_ms && word.end_ms >= word.start_ms && word.end_ms <= end_ms,
            "{word:?}"
        );
        assert!((0.0..=1.0).contains(&word.probability));
        before_ms = word.end_ms;
    }
}

fn noise(seconds: usize) -> Vec<f32> {
    noises(seconds).swap_remove(2).1
}

/// Alignment of a looping text, of a short window, of a window of any length: whatever of these whisper.cpp's asserts do
/// not like would end this process.
#[test]
fn no_window_ends_the_process() {
    let sound = noise(30);
    let mut random = Random(5);
    for seed in 1..=3 {
        let mut recognizer = recognizer(
            seed,
            WhisperOptions {
                temperatures: vec![0.0, 0.9],
                ..WhisperOptions::new(1)
            },
        );
        for length in [
            1,
            100,
            1_600,
            2_000,
            2_600,
            16_000,
            (random.uniform() * 160_000.0) as usize + 1,
        ] {
            let effort = if length % 2 == 0 { Effort::Fitted } else { Effort::Quick };
            let segments = recognizer.recognize(&window(&sound[..length], effort)).unwrap();
            check_in_order(&segments, length as i64 / 16);
        }
    }
    let mut recognizer = recognizer(
        9,
        WhisperOptions {
            temperatures: vec![0.0],
            ..WhisperOptions::new(1)
        },
    );
    check_in_order(
        &recognizer.recognize(&window(&sound[..479_000], Effort::Full)).unwrap(),
        30_000,
    );
}

/// One language, 128 mel bands, two decoder layers (which whisper.cpp takes for a distilled model without timestamps), and
/// short contexts, and the shapes whose alignment heads are known.
#[test]
fn every_kind_of_model_loads_and_recognizes() {
    let sound = noise(2);
    let demo = ModelDimensions::DEMO;
    for (dimensions, weights) in [
        (
            ModelDimensions {
                vocabulary: 51_864,
                ..demo
            },
            TensorType::F16,
        ),
        (
            ModelDimensions {
                vocabulary: 51_866,
                mels: 128,
                ..demo
            },
            TensorType::Q8_0,
        ),
        (ModelDimensions { text_layers: 2, ..demo }, TensorType::Q8_0),
        (
            ModelDimensions {
                audio_context: 128,
                text_context: 32,
                ..demo
            },
            TensorType::F16,
        ),
        (ModelDimensions::TINY, TensorType::F16),
        (ModelDimensions::BASE, TensorType::Q8_0),
    ] {
        let start = Instant::now();
        let path = random_model(&dimensions, weights, 1);
        let written = start.elapsed();
        let model = Arc::new(WhisperModel::load(&path).unwrap());
        let loaded = start.elapsed() - written;
        let mut recognizer = WhisperRecognizer::new(model, WhisperOptions::new(1)).unwrap();
        let segments = recognizer.recognize(&window(&sound, Effort::Quick)).unwrap();
        check_in_order(&segments, 2000);
        let multilingual = dimensions.is_multilingual();
        assert!(
            segments
                .iter()
                .all(|segment| segment.language.is_some() == multilingual)
        );
        println!("{dimensions:?} {weights:?}: written in {written:?}, loaded in {loaded:?}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn the_text_of_a_window_is_its_own() {
    let sound = noise(4);
    let options = || WhisperOptions {
        temperatures: vec![0.0, 0.7],
        ..WhisperOptions::new(1)
    };
    let first = recognizer(3, options())
        .recognize(&window(&sound, Effort::Fitted))
        .unwrap();
    let mut later = recognizer(3, options());
    later.recognize(&window(&sound[..20_000], Effort::Fitted)).unwrap();
    assert!(!first.is_empty());
    assert_eq!(later.recognize(&window(&sound, Effort::Fitted)).unwrap(), first);
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let mut recognizer = recognizer(3, WhisperOptions::new(1));
    let too_long = vec![0.0; 480_001];
    assert!(matches!(
        recognizer.recognize(&window(&too_long, Effort::Full)),
        Err(RecognizeError::WindowTooLong { .. })
    ));
    let strange = Window {
        language: Some("klingon"),
        ..window(&[0.1; 16_000], Effort::Quick)
    };
    assert!(matches!(recognizer.recognize(&strange), Err(RecognizeError::Language { code }) if code == "klingon"));
    let path = random_model(&ModelDimensions::DEMO, TensorType::Q8_0, 77);
    let length = path.metadata().unwrap().len();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    assert!(matches!(WhisperModel::load(&path), Err(LoadModelError::File(_))));
}

#[test]
fn a_recognizer_stops_when_told_and_works_again_after() {
    let mut recognizer = recognizer(3, WhisperOptions::new(1));
    let sound = noise(10);
    let flag = recognizer.abort_flag();
    flag.set(true);
    let start = Instant::now();
    let stopped = recognizer.recognize(&window(&sound, Effort::Full));
    assert!(matches!(stopped, Err(RecognizeError::Aborted)), "{stopped:?}");
    println!("stopped after {:?}", start.elapsed());
    flag.set(false);
    recognizer.recognize(&window(&sound, Effort::Quick)).unwrap();
}

/// A file of the right length whose bytes are wrong is refused, or loads and recognizes: it never ends the process.
#[test]
fn wrong_bytes_in_a_model_end_nothing_but_the_model() {
    let small = ModelDimensions {
        audio_state: 32,
        audio_heads: 1,
        audio_layers: 2,
        text_state: 32,
        text_heads: 1,
        text_layers: 3,
        ..ModelDimensions::DEMO
    };
    let path = random_model(&small, TensorType::Q8_0, 500);
    let good = std::fs::read(&path).unwrap();
    let sound = noise(1);
    let mut random = Random(99);
    let (mut refused, mut recognized) = (0, 0);
    for round in 0..40 {
        let mut bytes = good.clone();
        // The header, the vocabulary, the tensors: where a wrong byte may do different harm.
        let range = [0..100, 64_000..700_000, 700_000..bytes.len()][round % 3].clone();
        for _ in 0..20 {
            let at = range.start + (random.uniform() * range.len() as f32) as usize;
            bytes[at.min(range.end - 1)] = (random.uniform() * 256.0) as u8;
        }
        std::fs::write(&path, &bytes).unwrap();
        let Ok(model) = WhisperModel::load(&path) else {
            refused += 1;
            continue;
        };
        let mut recognizer = WhisperRecognizer::new(Arc::new(model), WhisperOptions::demo(1)).unwrap();
        let segments = recognizer.recognize(&window(&sound, Effort::Quick)).unwrap();
        recognized += 1;
        assert!(
            segments
                .iter()
                .flat_map(|segment| &segment.words)
                .all(|word| word.end_ms <= 1000)
        );
    }
    println!("{refused} refused, {recognized} recognized");
    assert!(refused > 10 && recognized > 5);
}

#[test]
fn a_long_prompt_is_cut_to_what_fits() {
    let mut recognizer = recognizer(
        3,
        WhisperOptions {
            temperatures: vec![0.0],
            ..WhisperOptions::new(1)
        },
    );
    let vocabulary = "Linagora, Twake, Élodie\0, ".repeat(500);
    let sound = noise(3);
    let window = Window {
        vocabulary: &vocabulary,
        context: &vocabulary,
        ..window(&sound, Effort::Quick)
    };
    check_in_order(&recognizer.recognize(&window).unwrap(), 3_000);
}
