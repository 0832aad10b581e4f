//! How fast a GGUF file is read and continued: tokens per second of prefill and of decoding, and memory, as JSON.
//!
//! `speed FILE [--threads N] [--prompt N] [--decode N] [--depths A,B,…] [--kernel NAME] [--rounds N]`

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
    let mut decodes = Vec::new();
    for depth in &asked.depths {
        let mut session = model.session();
        read(&mut session, &tokens((*depth).max(1)));
        decodes.push(serde_json::json!({"depth": depth, "tokens_per_second": decode(&mut session, asked.decode)}));
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
        "prefill": {"tokens": asked.prompt, "tokens_per_second": prefill},
        "decode": decodes,
        "verify": verify,
        "resident_mib": resident_mib(),
    });
    use std::io::Write;
    writeln!(std::io::stdout(), "{report}").expect("standard output takes a line");
}

/// Tokens per second.
fn read(session: &mut Session, tokens: &[u32]) -> f64 {
    let start = Instant::now();
    session
        .prefill(tokens, &mut |_| ControlFlow::Continue(()))
        .expect("the tokens fit");
    tokens.len() as f64 / start.elapsed().as_secs_f64()
}

fn decode(session: &mut Session, count: usize) -> f64 {
    let options = GenerationOptions {
        max_tokens: count,
        ..GenerationOptions::default()
    };
    let start = Instant::now();
    let answer = session
        .generate(&options, &mut |_| ControlFlow::Continue(()))
        .expect("the session goes on");
    // The last token is written but not read.
    answer.tokens.len().saturating_sub(1) as f64 / start.elapsed().as_secs_f64()
}

fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
