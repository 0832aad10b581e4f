//! Speed of the index on a synthetic library: filling it beside tantivy alone on the same text, searches, filtered
//! searches, recommendations and commits. Prints one JSON object; latencies in milliseconds, one thread.
//!
//! `bench_index --data qmsum/train.jsonl --passages 100000`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use benches::synthetic_library::{DIMENSIONS, Random, SyntheticLibrary, SyntheticMeeting, word_vector};
use clap::Parser;
use datasets::Viewer;
use datasets::corpora::{self, qmsum::QmsumMeeting};
use index::{
    EmbeddingSpec, Filters, Index, MeetingEntry, Passage, RecommendContext, RecommendRequest, SearchMode, SearchRequest,
};
use serde_json::{Value, json};

#[derive(Parser)]
struct Arguments {
    /// QMSum records whose words and queries are used.
    #[arg(long, required = true)]
    data: Vec<PathBuf>,
    /// At least how many passages of about 60 words.
    #[arg(long, default_value_t = 100_000)]
    passages: usize,
    /// Searches and recommendations to time, each.
    #[arg(long, default_value_t = 500)]
    queries: usize,
    /// Where the indexes are made; a temporary folder by default.
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut meetings: Vec<QmsumMeeting> = Vec::new();
    for file in &arguments.data {
        meetings
            .extend(corpora::read_file::<QmsumMeeting>(file).with_context(|| format!("reading `{}`", file.display()))?);
    }
    let folder = match &arguments.folder {
        Some(parent) => tempfile::tempdir_in(parent)?,
        None => tempfile::tempdir()?,
    };
    let prepared = prepare(&meetings, arguments.passages);
    let alone = tantivy_alone(&folder.path().join("alone"), &prepared)?;
    let (index, together) = fill(&folder.path().join("index"), &prepared)?;
    let passages: usize = prepared.iter().map(|meeting| meeting.passages.len()).sum();
    drop(prepared);
    let mut queries: Vec<&str> = meetings
        .iter()
        .flat_map(|meeting| meeting.specific_queries.iter().map(|query| query.query.as_str()))
        .collect();
    queries.truncate(arguments.queries);
    anyhow::ensure!(!queries.is_empty(), "the files hold no queries");
    let report = json!({
        "passages": passages,
        "tantivy_alone_mb_per_s": alone,
        "index_mb_per_s": together,
        "share_of_tantivy_alone": together / alone,
        "keyword": searches(&index, &queries, SearchMode::Keyword, &Filters::default())?,
        "hybrid": searches(&index, &queries, SearchMode::Hybrid, &Filters::default())?,
        "hybrid_one_percent_of_time": searches(&index, &queries, SearchMode::Hybrid, &one_percent())?,
        "recommendation_of_750_words": recommendations(&index, &meetings, arguments.queries)?,
        "commit_of_one_meeting": commits(&index, &meetings)?,
    });
    writeln!(std::io::stdout(), "{report:#}")?;
    Ok(())
}

/// Every utterance is a passage.
fn passages(made: &SyntheticMeeting) -> Vec<Passage> {
    let utterances = made.transcript.utterances.iter().enumerate();
    utterances
        .map(|(position, utterance)| Passage {
            utterances: position..position + 1,
            text: utterance.text.clone(),
        })
        .collect()
}

/// A meeting with everything that is put, so that making it is not measured.
struct Prepared {
    made: SyntheticMeeting,
    passages: Vec<Passage>,
    vectors: Vec<Vec<f32>>,
}

fn prepare(meetings: &[QmsumMeeting], wanted: usize) -> Vec<Prepared> {
    let mut library = SyntheticLibrary::new(meetings);
    let mut prepared = Vec::new();
    let mut count = 0;
    while count < wanted {
        let made = library.next_meeting();
        let passages = passages(&made);
        let vectors = passages.iter().map(|passage| word_vector(&passage.text)).collect();
        count += passages.len();
        prepared.push(Prepared {
            made,
            passages,
            vectors,
        });
    }
    prepared
}

fn megabytes(prepared: &[Prepared]) -> f64 {
    let texts = prepared.iter().flat_map(|meeting| &meeting.passages);
    texts.map(|passage| passage.text.len()).sum::<usize>() as f64 / 1e6
}

/// Text and vectors, to the commit. In MB of text per second.
fn fill(folder: &Path, prepared: &[Prepared]) -> anyhow::Result<(Index, f64)> {
    let spec = EmbeddingSpec {
        dimensions: DIMENSIONS,
        model_sha256: "synthetic".to_owned(),
    };
    let index = Index::open_or_create(folder, Some(&spec))?;
    let mut writer = index.writer()?;
    let start = Instant::now();
    for meeting in prepared {
        writer.put_meeting(&entry(&meeting.made, &meeting.passages, Some(&meeting.vectors)))?;
    }
    writer.commit()?;
    let seconds = start.elapsed().as_secs_f64();
    writer.wait_for_merges()?;
    Ok((index, megabytes(prepared) / seconds))
}

fn entry<'a>(made: &'a SyntheticMeeting, passages: &'a [Passage], vectors: Option<&'a [Vec<f32>]>) -> MeetingEntry<'a> {
    MeetingEntry {
        meeting: &made.meeting,
        transcript: &made.transcript,
        minutes: None,
        action_statuses: None,
        passages: Some(passages),
        vectors,
    }
}

/// The same texts into tantivy as its manual shows it: English stemming and stop words, text stored. In MB/s.
fn tantivy_alone(folder: &Path, prepared: &[Prepared]) -> anyhow::Result<f64> {
    use tantivy::schema::{IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions};
    std::fs::create_dir_all(folder)?;
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("en_stem")
        .set_index_option(IndexRecordOption::WithFreqs);
    let text = schema.add_text_field(
        "text",
        TextOptions::default().set_indexing_options(indexing).set_stored(),
    );
    let id = schema.add_text_field("id", STRING | STORED);
    let index = tantivy::Index::create_in_dir(folder, schema.build())?;
    let threads = std::thread::available_parallelism()?.get().min(8);
    let mut writer: tantivy::IndexWriter = index.writer_with_num_threads(threads, 128 << 20)?;
    let start = Instant::now();
    for meeting in prepared {
        for passage in &meeting.passages {
            writer
                .add_document(tantivy::doc!(text => passage.text.as_str(), id => meeting.made.meeting.id.as_str()))?;
        }
    }
    writer.commit()?;
    Ok(megabytes(prepared) / start.elapsed().as_secs_f64())
}

fn searches(index: &Index, queries: &[&str], mode: SearchMode, filters: &Filters) -> anyhow::Result<Value> {
    let mut times = Vec::new();
    // The first pass warms up.
    for pass in 0..3 {
        for query in queries {
            let vector = (mode == SearchMode::Hybrid).then(|| word_vector(query));
            let request = SearchRequest {
                text: (*query).to_owned(),
                vector,
                mode,
                filters: filters.clone(),
                viewer: Viewer::Operator,
                limit: 10,
                offset: 0,
            };
            let start = Instant::now();
            std::hint::black_box(index.search(&request)?);
            if pass > 0 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    Ok(percentiles(times))
}

/// Fifty of five thousand days.
fn one_percent() -> Filters {
    let day = |day: i64| jiff::Timestamp::from_second(day * 86_400).ok();
    Filters {
        from: day(12_000),
        until: day(12_049),
        ..Filters::default()
    }
}

fn recommendations(index: &Index, meetings: &[QmsumMeeting], wanted: usize) -> anyhow::Result<Value> {
    let mut times = Vec::new();
    let mut random = Random(7);
    for round in 0..wanted + 5 {
        let meeting = &meetings[random.below(meetings.len())];
        let words: Vec<&str> = meeting
            .turns
            .iter()
            .flat_map(|turn| turn.content.split_whitespace())
            .collect();
        let first = random.below(words.len().saturating_sub(750).max(1));
        let text = words[first..(first + 750).min(words.len())].join(" ");
        let request = RecommendRequest {
            context: RecommendContext {
                vectors: vec![word_vector(&text)],
                texts: vec![text],
                ..RecommendContext::default()
            },
            viewer: Viewer::Operator,
            limit: 5,
        };
        let start = Instant::now();
        std::hint::black_box(index.recommend(&request)?);
        if round >= 5 {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(percentiles(times))
}

/// One meeting put anew and committed: until then it is not found, from then on it is.
fn commits(index: &Index, meetings: &[QmsumMeeting]) -> anyhow::Result<Value> {
    let mut times = Vec::new();
    let mut writer = index.writer()?;
    let mut library = SyntheticLibrary::new(meetings);
    for _ in 0..20 {
        let made = library.next_meeting();
        let passages = passages(&made);
        let vectors: Vec<Vec<f32>> = passages.iter().map(|passage| word_vector(&passage.text)).collect();
        let start = Instant::now();
        writer.put_meeting(&entry(&made, &passages, Some(&vectors)))?;
        writer.commit()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentiles(times))
}

fn percentiles(mut times: Vec<f64>) -> Value {
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)));
    json!({ "runs": times.len(), "p50_ms": at(0.5), "p99_ms": at(0.99) })
}
