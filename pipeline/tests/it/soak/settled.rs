//! After the load: waits until the server has done all that it was asked.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::ledger::Fate;
use super::load::Load;
use super::uploads::settle;
use super::webhooks::Told;
use crate::server::Server;

/// How long the server may take for what is left.
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(500);

/// Waits until no job is at work, no live meeting is held, and every end was told.
pub(super) fn wait(load: &Load, server: &Server, told: &Told) {
    let began = Instant::now();
    let mut left = what_is_left(load, server, told);
    while !left.is_empty() && began.elapsed() < PATIENCE {
        load.wait(PAUSE);
        left = what_is_left(load, server, told);
    }
    println!("settled after {:.0} s", began.elapsed().as_secs_f64());
    left.into_iter()
        .for_each(|one| load.fault(format!("not settled: {one}")));
}

fn what_is_left(load: &Load, server: &Server, told: &Told) -> Vec<String> {
    let mut left = Vec::new();
    for state in ["queued", "running"] {
        let jobs = server.get(&format!("/v1/jobs?state={state}&limit=500")).json();
        left.extend(jobs["items"].as_array().unwrap().iter().map(Value::to_string));
    }
    for live in server.get("/v1/live").json()["items"].as_array().unwrap() {
        if matches!(live["state"].as_str(), Some("listening" | "ending" | "ended")) {
            left.push(live.to_string());
        }
    }
    let accepted: Vec<(String, Option<String>, Fate)> = {
        let ledger = load.ledger();
        let all = ledger.meetings.iter();
        all.map(|(key, kept)| (key.clone(), kept.job.clone(), kept.fate))
            .collect()
    };
    for (key, job, fate) in accepted {
        if fate == Fate::Accepted && !settle(load, &key, job.as_deref()) {
            left.push(format!("{key} by {job:?}"));
        }
        if let Some(job) = job.filter(|job| fate == Fate::Stands && !told.holds(job)) {
            left.push(format!("nobody told of the end of {job}, which made {key}"));
        }
    }
    left
}

/// Pages of a list, as one.
pub(super) fn all(server: &Server, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("{path}?limit=500{cursor}")).json();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}
