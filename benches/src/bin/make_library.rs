//! Writes a synthetic library as JSON lines, one meeting with its transcript each, for programs that read files:
//! `make_library --data qmsum/train.jsonl --passages 1000000 > library.jsonl`.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use benches::synthetic_library::SyntheticLibrary;
use clap::Parser;
use datasets::corpora::{self, qmsum::QmsumMeeting};

#[derive(Parser)]
struct Arguments {
    /// QMSum records whose words are used.
    #[arg(long, required = true)]
    data: Vec<PathBuf>,
    /// At least how many passages of about 60 words.
    #[arg(long, default_value_t = 100_000)]
    passages: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut meetings: Vec<QmsumMeeting> = Vec::new();
    for file in &arguments.data {
        meetings
            .extend(corpora::read_file::<QmsumMeeting>(file).with_context(|| format!("reading `{}`", file.display()))?);
    }
    anyhow::ensure!(
        meetings.iter().any(|meeting| !meeting.turns.is_empty()),
        "the files hold no words"
    );
    let mut library = SyntheticLibrary::new(&meetings);
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut passages = 0;
    while passages < arguments.passages {
        let made = library.next_meeting();
        passages += made.transcript.utterances.len();
        serde_json::to_writer(
            &mut output,
            &serde_json::json!({ "meeting": made.meeting, "transcript": made.transcript }),
        )?;
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(())
}
