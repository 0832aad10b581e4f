//! Throughput of the sentence encoder on real passages and utterances, by path and number of threads, as JSON.
//!
//! `bench_encoder --model DIR --texts FILE` where FILE is what `benches/compare/encoder_torch.py texts` writes:
//! {"passages": [...], "utterances": [...]}. Each figure is the best of `--rounds` passes; see `benches/compare/encoder`
//! for the comparison with sentence-transformers, which runs the two in turn.

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use models::embedding::{Compute, EncoderOptions, SentenceEncoder};
use models::matmul::Kernel;
use serde_json::{Value, json};

/// Measures the sentence encoder.
#[derive(Parser)]
struct Arguments {
    /// Folder of the encoder's weights
    #[arg(long)]
    model: PathBuf,
    /// JSON file of named lists of texts
    #[arg(long)]
    texts: PathBuf,
    /// Numbers of threads to measure
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<NonZeroUsize>,
    /// Paths to measure: fastest, candle, or a kernel's name; all that this processor has by default
    #[arg(long, value_delimiter = ',')]
    paths: Vec<String>,
    /// Passes over the texts; the best counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let text = std::fs::read(&arguments.texts).with_context(|| format!("reading {}", arguments.texts.display()))?;
    let sets: BTreeMap<String, Vec<String>> = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not an object of lists of texts", arguments.texts.display()))?;
    let mut results = Vec::new();
    for name in paths(&arguments.paths) {
        for &threads in &arguments.threads {
            let options = EncoderOptions {
                threads: Some(threads),
                compute: compute(&name)?,
            };
            let encoder = SentenceEncoder::load(&arguments.model, &options).context("loading the encoder")?;
            for (set, texts) in &sets {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let mut result = measure(&encoder, &texts, arguments.rounds)?;
                result["path"] = json!(name);
                result["threads"] = json!(threads.get());
                result["set"] = json!(set);
                results.push(result);
            }
        }
    }
    let kernels: Vec<&str> = Kernel::available().into_iter().map(Kernel::name).collect();
    let report = json!({ "kernels": kernels, "fastest": Kernel::fastest().name(), "results": results });
    writeln!(std::io::stdout().lock(), "{report}")?;
    Ok(())
}

fn paths(asked: &[String]) -> Vec<String> {
    if asked.is_empty() {
        let kernels = Kernel::available().into_iter().map(|kernel| kernel.name().to_owned());
        return std::iter::once("candle".to_owned()).chain(kernels).collect();
    }
    asked.to_vec()
}

fn compute(name: &str) -> Result<Compute> {
    Ok(match name {
        "fastest" => Compute::Fastest,
        "candle" => Compute::Candle,
        name => match Kernel::ALL.into_iter().find(|kernel| kernel.name() == name) {
            Some(kernel) => Compute::Kernel(kernel),
            None => bail!("no path is called {name:?}"),
        },
    })
}

/// Sentences and tokens a second, and the milliseconds of a single text.
fn measure(encoder: &SentenceEncoder, texts: &[&str], rounds: usize) -> Result<Value> {
    let tokens: usize = encoder.token_counts(texts)?.iter().sum();
    encoder.embed(&texts[..texts.len().min(8)])?; // the first pass touches memory for the first time
    let mut seconds = Vec::with_capacity(rounds);
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        encoder.embed(texts)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let mut single = Vec::new();
    for text in texts.iter().take(20) {
        let start = Instant::now();
        encoder.embed(&[text])?;
        single.push(start.elapsed().as_secs_f64() * 1e3);
    }
    single.sort_by(f64::total_cmp);
    let best = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(json!({
        "texts": texts.len(),
        "tokens": tokens,
        "sentences_per_second": texts.len() as f64 / best,
        "tokens_per_second": tokens as f64 / best,
        "median_ms_of_one_text": single.get(single.len() / 2),
    }))
}
