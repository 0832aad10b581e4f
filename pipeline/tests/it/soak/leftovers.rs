//! What must not be left: jobs at work, halves of meetings, files of what is done or deleted.

use std::fs;
use std::path::{Path, PathBuf};

use datasets::MeetingId;
use datasets::library::Library;
use rusqlite::Connection;

use super::clients::text;
use super::ledger::Fate;
use super::load::Load;
use super::settled::all;
use super::uploads::is_refused;
use crate::server::Server;

/// Looks for them, once it is known which meetings are gone.
pub(super) fn check(load: &Load, server: &Server, library: &Library) {
    let refused = jobs(load, server);
    files(load, library, refused);
}

/// A server that starts again finds nothing to do: as many meetings, and no job that is not done.
pub(super) fn check_nothing_is_new(load: &Load, server: &Server) {
    let (meetings, jobs) = (all(server, "/v1/meetings").len(), all(server, "/v1/jobs"));
    let expected = load.ledger().meetings_at_the_end;
    if meetings != expected {
        load.fault(format!("{meetings} meetings after another start, {expected} before"));
    }
    if jobs.iter().any(|job| job["state"] != "done" && !is_refused(job)) {
        load.fault(format!("jobs at work after another start: {jobs:?}"));
    }
}

/// Every job is done, with a meeting that is there, and names none that is gone; gives how many recordings were refused.
fn jobs(load: &Load, server: &Server) -> usize {
    let ledger = load.ledger();
    let jobs = all(server, "/v1/jobs");
    let (mut failed, mut silent, mut refused) = (0, 0, 0);
    for job in &jobs {
        let file_name = text(&job["file_name"]);
        failed += usize::from(job["attempts"] != 0);
        if is_refused(job) {
            refused += 1;
            continue;
        }
        if job["state"] != "done" {
            load.fault(format!("a job is left: {job}"));
        }
        let key = file_name.split(['-', '.']).nth(1).unwrap_or_default();
        if ledger.meetings.get(key).is_some_and(|kept| kept.fate == Fate::Gone) {
            load.fault(format!("a job tells of a meeting that is deleted: {job}"));
        }
        // A live meeting without sound makes none.
        silent += usize::from(job["meetings"] == serde_json::json!([]));
        if job["lane"] != "live" && job["meetings"].as_array().map(Vec::len) != Some(1) {
            load.fault(format!("a job has not one meeting: {job}"));
        }
    }
    println!(
        "{} jobs, {failed} of them failed before they were done, {silent} without a meeting, {refused} refused",
        jobs.len()
    );
    refused
}

/// Work that was cut short is finished or taken away.
fn files(load: &Load, library: &Library, refused: usize) {
    let root = library.root();
    for folder in ["live", "deleted", "work"] {
        let left = files_below(&root.join(folder));
        // What was heard of a recording that was refused is kept for another try.
        let expected = if folder == "work" { refused } else { 0 };
        if left.len() > expected {
            load.fault(format!("left in {folder}: {left:?}"));
        }
    }
    for folder in fs::read_dir(root.join("meetings")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        if !library.contains(&MeetingId::new(name.as_str())).unwrap() {
            load.fault(format!("half a meeting is left: {name}"));
        }
    }
    let store = Connection::open(root.join("service/service.sqlite")).unwrap();
    let mut rows = store
        .prepare(
            "select id, file_name from uploads where job is not null
             and not exists (select 1 from jobs where jobs.id = uploads.job and state = 'dead')",
        )
        .unwrap();
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    for (id, name) in rows.unwrap().map(Result::unwrap) {
        load.fault(format!("the upload {id} of {name} is left, whose job is done"));
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}
