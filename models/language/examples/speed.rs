//! How fast a GGUF file is read and continued: tokens per second of prefill and of decoding, and memory, as JSON.
//!
//! `speed FILE [--threads N] [--prompt N] [--decode N] [--depths A,B,…] [--kernel NAME]`

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Instant;

use language_model::{GenerationOptions, Kernel, LanguageModel, ModelFiles, ModelOptions, Session};

struct Asked {
    file: String,
    threads: usize,
    prompt: usize,
    decode: usize,
    depths: Vec<usize>,
    kernel: Kernel,
}

fn asked() -> Asked {
    let mut arguments = std::env::args().skip(1);
    let mut asked = Asked {
        file: arguments.next().expect("the first argument is a GGUF file"),
        threads: 2,
        prompt: 512,
        decode: 32,
        depths: vec![0, 512],
        kernel: Kernel::fastest(),
    };
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        let number = || value.parse().expect("a whole number");
        match name.as_str() {
            "--threads" => asked.threads = number(),
            "--prompt" => asked.prompt = number(),
            "--decode" => asked.decode = number(),
            "--depths" => asked.depths = value.split(',').map(|depth| depth.parse().expect("a number")).collect(),
            "--kernel" => {
                let found = Kernel::ALL.into_iter().find(|kernel| kernel.name() == value);
                asked.kernel = found.expect("the name of a kernel");
            }
            other => panic!("unknown argument {other}"),
        }
    }
    asked
}

fn main() {
    let asked = asked();
    let files = ModelFiles {
        weights: asked.file.clone().into(),
        tokenizer: None,
    };
    let options = ModelOptions {
        threads: NonZeroUsize::new(asked.threads),
        kernel: Some(asked.kernel),
        context_length: None,
    };
    let model = LanguageModel::load(&files, &options).expect("the model loads");
    let vocabulary = model.description().vocabulary;
    let tokens = |count: usize| {
        (0..count)
            .map(|index| (index * 7919 % (vocabulary - 300)) as u32)
            .collect::<Vec<_>>()
    };
    // The first pass reads the file from disk.
    read(&mut model.session(), &tokens(32));
    let mut session = model.session();
    let prefill = read(&mut session, &tokens(asked.prompt));
    let questions = questions(&model, &tokens(asked.prompt + QUESTION_TOKENS));
    let mut decodes = Vec::new();
    for depth in &asked.depths {
        let mut session = model.session();
        read(&mut session, &tokens((*depth).max(1)));
        decodes.push(serde_json::json!({"depth": depth, "speed": decode(&mut session, asked.decode)}));
    }
    let mut verify = Vec::new();
    for count in [1, 2, 4, 8, 16] {
        let start = Instant::now();
        let repeats = 3;
        for _ in 0..repeats {
            session.fork().logits_of(&tokens(count)).expect("the tokens fit");
        }
        verify.push(serde_json::json!({"tokens": count, "milliseconds": start.elapsed().as_secs_f64() * 1e3 / f64::from(repeats)}));
    }
    let report = serde_json::json!({
        "kernel": model.kernel().name(),
        "prefill": {"tokens": asked.prompt, "speed": prefill},
        "three_questions": questions,
        "decode": decodes,
        "verify": verify,
        "resident_mib": resident_mib(),
    });
    use std::io::Write;
    writeln!(std::io::stdout(), "{report}").expect("standard output takes a line");
}

/// Of a question about a passage.
const QUESTION_TOKENS: usize = 16;

/// What three questions about one passage cost, in times of reading the passage once: each goes on from a fork.
fn questions(model: &LanguageModel, tokens: &[u32]) -> serde_json::Value {
    let (passage, question) = tokens.split_at(tokens.len() - QUESTION_TOKENS);
    let start = Instant::now();
    let mut session = model.session();
    read(&mut session, passage);
    let once = start.elapsed();
    for _ in 0..3 {
        read(&mut session.fork(), question);
    }
    serde_json::json!({
        "passage_tokens": passage.len(),
        "question_tokens": question.len(),
        "prefills": start.elapsed().as_secs_f64() / once.as_secs_f64(),
    })
}

/// Seconds passed and processor seconds used, of all threads: the second tells more on a machine that is shared.
struct Clock(Instant, f64);

impl Clock {
    fn start() -> Clock {
        Clock(Instant::now(), processor_seconds())
    }

    fn speed(&self, tokens: usize) -> serde_json::Value {
        let tokens = tokens as f64;
        serde_json::json!({
            "per_second": tokens / self.0.elapsed().as_secs_f64(),
            "per_processor_second": tokens / (processor_seconds() - self.1),
        })
    }
}

/// Of this process so far, from the system's counter of hundredths.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // The state is no number; user and system time are the 14th and 15th field, name and number counted.
    fields
        .get(10)
        .zip(fields.get(11))
        .map_or(f64::NAN, |(user, system)| (user + system) / 100.0)
}

/// Tokens per second.
fn read(session: &mut Session, tokens: &[u32]) -> serde_json::Value {
    let start = Clock::start();
    session
        .prefill(tokens, &mut |_| ControlFlow::Continue(()))
        .expect("the tokens fit");
    start.speed(tokens.len())
}

fn decode(session: &mut Session, count: usize) -> serde_json::Value {
    let options = GenerationOptions {
        max_tokens: count,
        ..GenerationOptions::default()
    };
    let start = Clock::start();
    let answer = session
        .generate(&options, &mut |_| ControlFlow::Continue(()))
        .expect("the session goes on");
    // The last token is written but not read.
    start.speed(answer.tokens.len().saturating_sub(1))
}

fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
