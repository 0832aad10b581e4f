//! Writes a synthetic library as JSON lines, one meeting with its transcript each, for programs that read files:
//! `make_library --data qmsum/train.jsonl --passages 1000000 > library.jsonl`, or as a folder that `greffier corpus` takes:
//! `make_library --data qmsum/train.jsonl --passages 200000 --out meetings`.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use benches::synthetic_library::{SyntheticLibrary, SyntheticMeeting};
use clap::Parser;
use datasets::corpora::{self, qmsum::QmsumMeeting};
use datasets::formats::export_json::MeetingExport;

#[derive(Parser)]
struct Arguments {
    /// QMSum records whose words are used.
    #[arg(long, required = true)]
    data: Vec<PathBuf>,
    /// At least how many passages of about 60 words; greffier itself makes one of two of them.
    #[arg(long, default_value_t = 100_000)]
    passages: usize,
    /// A folder for one file per meeting, in greffier's own JSON, instead of lines.
    #[arg(long)]
    out: Option<PathBuf>,
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
        match &arguments.out {
            Some(folder) => write_file(folder, made)?,
            None => write_line(&mut output, &made)?,
        }
    }
    output.flush()?;
    Ok(())
}

fn write_line(output: &mut impl Write, made: &SyntheticMeeting) -> anyhow::Result<()> {
    let line = serde_json::json!({ "meeting": made.meeting, "transcript": made.transcript });
    serde_json::to_writer(&mut *output, &line)?;
    output.write_all(b"\n")?;
    Ok(())
}

fn write_file(folder: &Path, made: SyntheticMeeting) -> anyhow::Result<()> {
    let path = folder.join(format!("{}.json", made.meeting.id));
    let text = MeetingExport::new(made.meeting, Some(made.transcript), None).to_json()?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, text))
        .with_context(|| format!("writing `{}`", path.display()))
}
