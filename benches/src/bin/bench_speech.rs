//! Speed of speech: what everything around the engine costs, and the engine's encoder by itself. Prints JSON.
//!
//! `bench_speech run [--model FILE] --audio FILE...` joins the files to one recording and takes it, and the same with as much
//! silence between its parts, through `greffier run` into a new library and through the bare engine: windows of full
//! length one after the other, as a program without voice activity would do. Both in turn, several rounds, medians. On a
//! busy machine look at the processor's time instead of the clock's, and give few threads (`taskset`).
//!
//! `bench_speech encoder --shape base --weights q8_0` times one pass of the encoder over 30 s, with random weights: the
//! arithmetic is that of a trained model. `benches/compare/speech_encoder` sets it beside CTranslate2.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use audio::{LaneReader, WavFile};
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::{Value, json};
use speech::card::ModelCard;
use speech::model_file::{ModelDimensions, TensorType, write_random_model};
use speech::recognizer::{Effort, Recognizer, Window};
use speech::sound::SAMPLE_RATE_HZ;
use speech::whisper::{WhisperModel, WhisperOptions, WhisperRecognizer};

/// Between the joined files, as between the sentences of one who reads.
const PAUSE_SECONDS: f64 = 0.4;
/// In the recording that is half silence, speech and silence take turns of at least this length.
const TURN_SECONDS: f64 = 20.0;

/// Measures speech.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// `greffier run` by the bare engine
    Run(RunArgs),
    /// One pass of the encoder over 30 s
    Encoder(EncoderArgs),
}

#[derive(Args)]
struct RunArgs {
    /// A Whisper model in ggml form; without one, a model of the tiny shape with random weights is made
    #[arg(long)]
    model: Option<PathBuf>,
    /// Recordings of dense speech
    #[arg(long, required = true, num_args = 1..)]
    audio: Vec<PathBuf>,
    /// The program
    #[arg(long, default_value = "target/release/greffier")]
    program: PathBuf,
    /// Times that each is run
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[derive(Args)]
struct EncoderArgs {
    /// The model's shape
    #[arg(long, value_enum)]
    shape: Shape,
    /// How its weights are stored
    #[arg(long, value_enum)]
    weights: Weights,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Passes after the first, which is not counted
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shape {
    Demo,
    Tiny,
    Base,
    Small,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Weights {
    F16,
    #[value(name = "q8_0")]
    Q8,
}

fn main() -> Result<()> {
    let report = match &Arguments::parse().task {
        Task::Run(args) => measure_run(args)?,
        Task::Encoder(args) => measure_encoder(args)?,
    };
    writeln!(std::io::stdout().lock(), "{report:#}")?;
    Ok(())
}

fn measure_run(args: &RunArgs) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let parts: Vec<Vec<f32>> = args.audio.iter().map(|path| samples_of(path)).collect::<Result<_>>()?;
    let mut report = serde_json::Map::new();
    let model = match &args.model {
        Some(model) => model.clone(),
        None => {
            let path = folder.path().join("tiny-q8_0.bin");
            let mut file = BufWriter::new(File::create(&path)?);
            write_random_model(&ModelDimensions::TINY, TensorType::Q8_0, 1, &mut file)?;
            path
        }
    };
    for (name, samples) in [("dense", dense(&parts)), ("half_silence", half_silence(&parts))] {
        let recording = folder.path().join(format!("{name}.wav"));
        let mut wav = WavFile::create(&recording)?;
        wav.write(&samples)?;
        wav.finish()?;
        let (mut bare, mut whole) = (Vec::new(), Vec::new());
        let mut recognizer = recognizer(&model)?;
        for _ in 0..args.rounds {
            bare.push(timed(|| run_bare_engine(&mut recognizer, &samples))?);
            whole.push(timed(|| run_program(&args.program, &model, &recording))?);
        }
        let (bare, whole) = (Seconds::median(&bare), Seconds::median(&whole));
        report.insert(
            name.to_owned(),
            json!({
                "audio_seconds": samples.len() as f64 / SAMPLE_RATE_HZ as f64,
                "bare_engine_seconds": bare.clock,
                "run_seconds": whole.clock,
                "run_by_bare_engine": whole.clock / bare.clock,
                "bare_engine_processor_seconds": bare.processor,
                "run_processor_seconds": whole.processor,
                "run_by_bare_engine_processor": whole.processor.zip(bare.processor).map(|(whole, bare)| whole / bare),
            }),
        );
    }
    Ok(Value::Object(report))
}

/// The first lane of a recording.
fn samples_of(path: &Path) -> Result<Vec<f32>> {
    let mut samples = Vec::new();
    for block in LaneReader::open(path).with_context(|| format!("reading {}", path.display()))? {
        samples.extend(
            block
                .lanes
                .into_iter()
                .next()
                .map(|lane| lane.samples)
                .unwrap_or_default(),
        );
    }
    Ok(samples)
}

fn dense(parts: &[Vec<f32>]) -> Vec<f32> {
    parts.join(&silence(PAUSE_SECONDS)[..])
}

/// Speech and silence in turn, as much of one as of the other.
fn half_silence(parts: &[Vec<f32>]) -> Vec<f32> {
    let (mut joined, mut turn) = (Vec::new(), Vec::new());
    for (number, part) in parts.iter().enumerate() {
        turn.extend_from_slice(part);
        if turn.len() as f64 >= TURN_SECONDS * SAMPLE_RATE_HZ as f64 || number + 1 == parts.len() {
            let length = turn.len() as f64 / SAMPLE_RATE_HZ as f64;
            joined.append(&mut turn);
            joined.extend(silence(length));
        } else {
            turn.extend(silence(PAUSE_SECONDS));
        }
    }
    joined
}

/// As quiet as a converter that hears nothing: its last bit flickers.
fn silence(seconds: f64) -> Vec<f32> {
    let count = (seconds * SAMPLE_RATE_HZ as f64) as u32;
    (0..count)
        .map(|n| f32::from((n.wrapping_mul(2_654_435_761) >> 16) as u8 % 3) / 32_768.0)
        .collect()
}

fn recognizer(path: &Path) -> Result<WhisperRecognizer> {
    let model = Arc::new(WhisperModel::load(path)?);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let options = match ModelCard::beside(path)? {
        Some(card) => card.whisper_options(threads),
        None => WhisperOptions::for_model(&model.file().dimensions, threads),
    };
    Ok(WhisperRecognizer::new(model, options)?)
}

/// What something took, by the clock and, on Linux, by the processors.
#[derive(Clone, Copy)]
struct Seconds {
    clock: f64,
    processor: Option<f64>,
}

impl Seconds {
    fn median(all: &[Self]) -> Self {
        Self {
            clock: median(all.iter().map(|one| one.clock).collect()),
            processor: all
                .iter()
                .map(|one| one.processor)
                .collect::<Option<Vec<f64>>>()
                .map(median),
        }
    }
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Seconds> {
    let (processor, start) = (processor_seconds(), Instant::now());
    work()?;
    Ok(Seconds {
        clock: start.elapsed().as_secs_f64(),
        processor: processor_seconds().zip(processor).map(|(after, before)| after - before),
    })
}

/// Processor time of this process and of those it has waited for, with theirs.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may hold spaces: utime, stime, cutime and cstime are fields 14 to 17, in hundredths.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let hundredths = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok());
    Some(hundredths.sum::<Option<u64>>()? as f64 / 100.0)
}

fn run_bare_engine(recognizer: &mut WhisperRecognizer, samples: &[f32]) -> Result<()> {
    let window = recognizer.traits().window_ms_max as usize * SAMPLE_RATE_HZ / 1000;
    for samples in samples.chunks(window) {
        recognizer.recognize(&Window {
            samples,
            language: None,
            vocabulary: "",
            context: "",
            effort: Effort::Full,
        })?;
    }
    Ok(())
}

fn run_program(program: &Path, model: &Path, recording: &Path) -> Result<()> {
    let library = tempfile::tempdir()?;
    let status = Command::new(program)
        .args(["--quiet", "--library"])
        .arg(library.path().join("library"))
        // No encoder and no other detector than the embedded one, whatever is installed.
        .arg("--models")
        .arg(library.path().join("models"))
        .arg("run")
        .arg(recording)
        .arg("--speech-model")
        .arg(model)
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("running {}", program.display()))?;
    if !status.success() {
        bail!("{} run failed: {status}", program.display());
    }
    Ok(())
}

fn measure_encoder(args: &EncoderArgs) -> Result<Value> {
    let dimensions = match args.shape {
        Shape::Demo => ModelDimensions::DEMO,
        Shape::Tiny => ModelDimensions::TINY,
        Shape::Base => ModelDimensions::BASE,
        Shape::Small => ModelDimensions::SMALL,
    };
    let weights = match args.weights {
        Weights::F16 => TensorType::F16,
        Weights::Q8 => TensorType::Q8_0,
    };
    let file = tempfile::NamedTempFile::new()?;
    write_random_model(&dimensions, weights, 1, &mut BufWriter::new(File::create(file.path())?))?;
    let model = Arc::new(WhisperModel::load(file.path())?);
    let mut recognizer = WhisperRecognizer::new(model, WhisperOptions::new(args.threads))?;
    let sound = silence(30.0);
    recognizer.encode(&sound)?;
    let mut seconds = Vec::new();
    for _ in 0..args.rounds {
        let start = Instant::now();
        recognizer.encode(&sound)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let fastest = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(json!({ "threads": args.threads, "fastest_seconds": fastest, "median_seconds": median(seconds) }))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
