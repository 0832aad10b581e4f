//! Times the encoder by shape and storage, with random weights: the arithmetic is a trained model's. Only with
//! `RUN_SLOW_TESTS=1 cargo test --release -p speech --test it encoder_speed -- --nocapture`, on a quiet machine. Against
//! whisper.cpp as the crate builds it: the same with `GGML_LLAMAFILE=OFF` and another target folder, in alternation.

use std::sync::Arc;
use std::time::Instant;

use speech::model_file::{ModelDimensions, TensorType};
use speech::whisper::{WhisperModel, WhisperOptions, WhisperRecognizer};

use crate::noises::noises;
use crate::whisper::random_model;

const THREADS: usize = 2;

#[test]
fn the_encoder_is_timed() {
    if std::env::var_os("RUN_SLOW_TESTS").is_none() {
        println!("skipped: RUN_SLOW_TESTS is not set");
        return;
    }
    let sound = noises(30).swap_remove(2).1;
    for (name, dimensions) in [
        ("demo", ModelDimensions::DEMO),
        ("tiny", ModelDimensions::TINY),
        ("base", ModelDimensions::BASE),
    ] {
        for weights in [TensorType::F16, TensorType::Q8_0] {
            let path = random_model(&dimensions, weights, 1);
            let model = Arc::new(WhisperModel::load(&path).unwrap());
            std::fs::remove_file(path).unwrap();
            let mut recognizer = WhisperRecognizer::new(model, WhisperOptions::new(THREADS)).unwrap();
            recognizer.encode(&sound).unwrap();
            let mut seconds: Vec<f64> = (0..5)
                .map(|_| {
                    let start = Instant::now();
                    recognizer.encode(&sound).unwrap();
                    start.elapsed().as_secs_f64()
                })
                .collect();
            seconds.sort_by(f64::total_cmp);
            println!(
                "{name} {weights:?}: fastest {:.3} s, median {:.3} s",
                seconds[0], seconds[2]
            );
        }
    }
}
