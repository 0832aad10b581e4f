//! Kills the server while a live meeting is held, and while it finishes one: when it is started again the meeting is
//! finished, once, with all that was accepted.

use std::fs;

use serde_json::json;

use crate::live_client::{LiveClient, check_recording, sample_tracks, samples_of};
use crate::live_workbench::{check_what_was_shown_stands, transcript};
use crate::server::Server;
use crate::workbench::Workbench;

#[test]
fn a_server_that_is_killed_finishes_its_live_meetings_once() {
    let bench = Workbench::new();
    let arguments = ["--anonymous", "--speech-model", "demo"];
    let server = Server::start(&bench, &arguments);
    let tracks = samples_of(&sample_tracks(6)[..2]);
    let opened = server
        .send("POST", "/v1/live", &json!({ "title": "Cut short", "tracks": [{}, {}] }))
        .json();
    let id = opened["id"].as_str().unwrap();
    let mut client = LiveClient::connect(&server, &opened, 0);
    client.send_tracks(&tracks, 0, tracks[0].len());
    client.until(|event| event["event"] == "accepted" && event["samples"].as_u64() >= Some(4 * 16_000));
    let shown = client.last();
    server.kill();
    client.until_closed();
    let mut told = client.events.iter();
    let accepted = told.rfind(|event| event["event"] == "accepted").unwrap()["samples"].as_u64();
    let accepted = accepted.unwrap() as usize;

    // While it is finished it is killed again, and again.
    for _ in 0..3 {
        Server::start(&bench, &arguments).kill();
    }
    let server = Server::start(&bench, &arguments);
    let jobs = server.get("/v1/jobs").json()["items"].clone();
    assert_eq!(jobs.as_array().unwrap().len(), 1, "{jobs:#}");
    // Whoever was connected comes back and hears the end.
    let mut again = LiveClient::connect(&server, &opened, shown);
    let finished = again.until(|event| event["event"] == "finished");
    assert_eq!(finished["meeting"], id);
    assert!(finished["seq"].as_u64().unwrap() > shown);
    let done = server.ended(jobs[0]["id"].as_str().unwrap());
    assert_eq!(
        (&done["state"], &done["lane"], &done["meetings"]),
        (&json!("done"), &json!("live"), &json!([id]))
    );
    assert_eq!(server.get("/v1/meetings").json()["total"], 1);
    assert_eq!(fs::read_dir(bench.path("library/live")).unwrap().count(), 0);

    let stands = transcript(&bench, &json!({ "id": id }));
    check_what_was_shown_stands(&stands, &client.events, false);
    assert!(stands["warnings"].to_string().contains("recovered"), "{stands}");
    let recording = bench.path(&format!("library/meetings/{id}/source/{id}.wav"));
    check_recording(&recording, &tracks, accepted);
    let minutes = server.get(&format!("/v1/meetings/{id}/minutes"));
    assert_eq!(minutes.status, 200, "{}", minutes.text());
    // Nothing is left to be done.
    assert!(server.stop().success());
    let server = Server::start(&bench, &arguments);
    assert_eq!(server.get("/v1/jobs").json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/v1/meetings").json()["total"], 1);
}
