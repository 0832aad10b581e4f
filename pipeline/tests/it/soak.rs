//! Everything at once on one library while the server is killed again and again: uploads, live meetings, corrections,
//! deletions, tokens, searches. Whatever was acknowledged stands in a ledger, and in the end in the library, once; and the
//! index answers as one that is made anew.
//!
//! Forty seconds of it are a test among others; `scripts/soak` makes half an hour of them.

mod answers;
mod checks;
mod clients;
mod killer;
mod ledger;
mod leftovers;
mod live;
mod load;
mod random;
mod settled;
mod talk;
mod uploads;
mod webhooks;

use std::time::{Duration, Instant};

use serde_json::json;

use self::load::Load;
use self::random::Random;
use self::webhooks::Told;
use crate::live_client::{sample_tracks, samples_of};
use crate::server::Server;
use crate::workbench::{Workbench, sample};

/// How long a run lasts unless `GREFFIER_SOAK_SECONDS` says otherwise.
const SECONDS: u64 = 40;
/// Sound that live meetings are cut from, and its tracks.
const SOUND_SECONDS: usize = 30;
const TRACKS: usize = 2;
/// A folder whose files become meetings.
const WATCHED: &str = "watched";

#[test]
fn what_was_acknowledged_outlives_kills() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let seconds = number("GREFFIER_SOAK_SECONDS").unwrap_or(SECONDS);
    let seed = number("GREFFIER_SOAK_SEED").unwrap_or_else(Random::any_seed);
    println!("soak of {seconds} s, GREFFIER_SOAK_SEED={seed}");
    let mut random = Random::new(seed);
    let bench = Workbench::new();
    let document = sample("security-audit.md");
    bench.text(&[
        "run",
        &sample("2026-03-05-release-planning.vtt"),
        "--context",
        &document,
    ]);
    let operator = bench.text(&["tokens", "add", "operator", "--operator"]);
    let sound = samples_of(&sample_tracks(SOUND_SECONDS)[..TRACKS]);
    std::fs::create_dir(bench.path(WATCHED)).unwrap();
    let load = Load::new(bench, operator.trim(), seconds);
    let server = start(&load);
    let told = Told::default();
    let added = server.send("POST", "/v1/webhooks", &json!({ "url": told.listen() }));
    assert_eq!(added.status, 201, "{}", added.text());

    let began = Instant::now();
    let server = std::thread::scope(|scope| {
        // Whatever becomes of this thread, the others end.
        let over = load.over_when_dropped();
        let mut client = |name: &'static str, work: fn(&Load, Random, &[Vec<i16>])| {
            let (load, sound, random) = (&load, &sound, random.fork());
            scope.spawn(move || load.run(name, || work(load, random, sound)));
        };
        client("uploads", uploads::upload);
        client("corrections", clients::correct);
        client("more corrections", clients::correct);
        client("deletions", clients::delete);
        client("tokens", clients::give_out_tokens);
        client("webhooks", webhooks::register);
        client("questions", clients::ask);
        client("more questions", clients::ask);
        client("live meetings", live::hold);
        client("more live meetings", live::hold);
        let server = killer::kill(&load, server, random.fork(), Duration::from_secs(seconds));
        drop(over);
        server
    });
    println!(
        "the load ended after {:.0} s, {}",
        began.elapsed().as_secs_f64(),
        load.counts()
    );

    settled::wait(&load, &server, &told);
    checks::check(&load, &server);
    answers::check_against_a_rebuild(&load, server);
    let faults = load.faults();
    assert!(
        faults.is_empty(),
        "seed {seed}: {} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// What a server of a soak is started with.
fn arguments(load: &Load) -> Vec<String> {
    let watched = load.bench.path(WATCHED).to_string_lossy().into_owned();
    [
        "--speech-model",
        "demo",
        "--live-idle-seconds",
        "5",
        "--watch",
        &watched,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A server on the library of the soak.
fn start(load: &Load) -> Server {
    let arguments = arguments(load);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = Server::start(&load.bench, &arguments).with_token(&load.operator);
    load.is_up(&server);
    server
}
