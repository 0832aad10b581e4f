//! How fast the server answers over HTTP, measured on the program itself, as JSON.
//!
//! `bench_http --greffier PROGRAM --library DIR --models DIR` starts the server on a library (`make_library` makes one),
//! times each start until it can be asked, reads its memory while it is idle, then asks from 32 connections at once: search
//! as people type, and recommendations for texts, invitations and meetings of the library. Whether the sentence encoder
//! takes part is up to the library: it does where it is installed in `--models`, as the index must hold its vectors.
//!
//! Each load comes twice. *Closed*: every client asks again once it is answered, which finds the most that can be answered;
//! the waiting is then nothing but clients by throughput. *Open*: so many requests a second, whoever is still waiting, which
//! is how people come; the time runs from when a request was due. The makers of the load share the processors with the
//! server, so what each of them took is told, and what others took meanwhile. On a machine with more than two processors:
//! `taskset -c 0,1 bench_http …`.

mod load;
mod processors;
mod requests;
mod server;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use datasets::library::Library;
use serde_json::{Map, Value, json};

use crate::load::{Load, Pace, wait};
use crate::requests::{Request, Sample};
use crate::server::Server;

/// Measures the server over HTTP.
#[derive(Parser)]
struct Arguments {
    /// The program
    #[arg(long)]
    greffier: PathBuf,
    /// The library to serve; its index is brought up to date before anything is measured
    #[arg(long)]
    library: PathBuf,
    /// Where the sentence encoder is, or a folder without one
    #[arg(long)]
    models: PathBuf,
    /// Connections at once
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// Length of each load
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Requests a second of the open loads
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Only these loads; may be repeated
    #[arg(long)]
    only: Vec<String>,
    /// Ask as the person of this token (`greffier tokens add`) and not as the operator
    #[arg(long)]
    token: Option<String>,
}

/// Starts that are timed.
const STARTS: usize = 3;
/// Before each load, for what is made when it is first asked for.
const WARM_UP: Duration = Duration::from_secs(2);
/// After a start, before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(arguments.clients > 0 && arguments.rate > 0.0, "no clients, no load");
    let sample = Sample::draw(&Library::open(&arguments.library)?).context("reading the library")?;
    // Brings the index up to date: that is not what a start takes.
    drop(start(&arguments)?);
    let mut starts_s = Vec::new();
    for _ in 1..STARTS {
        starts_s.push(start(&arguments)?.started_s);
    }
    let server = start(&arguments)?;
    starts_s.push(server.started_s);
    wait(IDLE);
    let idle = server.memory()?;
    let mut loads = Map::new();
    for (name, requests) in sample.loads() {
        if arguments.only.is_empty() || arguments.only.iter().any(|only| only == name) {
            loads.insert(name.to_owned(), measure(&arguments, &server, &requests)?);
        }
    }
    let report = json!({
        "meetings": sample.meetings,
        "passages": sample.passages,
        "sentence_encoder": server.has_encoder()?,
        "processors": std::thread::available_parallelism()?.get(),
        "clients": arguments.clients,
        "start_to_ready_s": starts_s,
        "memory_idle_mb": idle,
        "memory_after_mb": server.memory()?,
        "loads": loads,
    });
    writeln!(std::io::stdout().lock(), "{report:#}")?;
    Ok(())
}

fn start(arguments: &Arguments) -> Result<Server> {
    Server::start(&arguments.greffier, &arguments.library, &arguments.models)
}

fn measure(arguments: &Arguments, server: &Server, requests: &[Request]) -> Result<Value> {
    let load = Load {
        server,
        token: arguments.token.as_deref(),
        requests,
        clients: arguments.clients,
        length: WARM_UP,
        pace: Pace::Closed,
    };
    load.run()?;
    let length = Duration::from_secs(arguments.seconds);
    let closed = Load { length, ..load }.run()?;
    let open = Load {
        length,
        pace: Pace::PerSecond(arguments.rate),
        ..load
    };
    Ok(json!({ "closed": closed, "open": open.run()? }))
}
