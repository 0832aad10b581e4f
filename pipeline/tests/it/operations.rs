//! What those who run a server rely on: counters, lists that are not sent twice, a stop that loses nothing.

use serde_json::json;

use crate::server::Server;
use crate::workbench::{Workbench, sample};

fn with_sample() -> (Workbench, Server) {
    let bench = Workbench::new();
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    let server = Server::start(&bench, &["--anonymous"]);
    (bench, server)
}

#[test]
fn a_list_that_is_known_is_not_sent_again_until_something_is_new() {
    let (_bench, server) = with_sample();
    for path in [
        "/v1/meetings",
        "/v1/actions",
        "/v1/actions.ics",
        "/v1/people",
        "/v1/search?q=password",
    ] {
        let first = server.get(path);
        let tag = first.header("etag").unwrap_or_else(|| panic!("{path} has no tag"));
        let again = || server.call("GET", path, &[("if-none-match", tag)], &[]);
        assert_eq!((again().status, again().body.len()), (304, 0), "{path}");
    }
    let tag = server.get("/v1/meetings").header("etag").unwrap().to_owned();
    let path = "/v1/meetings/2026-03-05-release-planning";
    assert_eq!(server.send("PATCH", path, &json!({ "title": "Planning" })).status, 200);
    let changed = server.call("GET", "/v1/meetings", &[("if-none-match", &tag)], &[]);
    assert_eq!(
        (changed.status, &changed.json()["items"][0]["title"]),
        (200, &json!("Planning"))
    );
}

#[test]
fn counters_are_for_the_operator_and_name_nobody() {
    let (bench, server) = with_sample();
    server.get("/v1/search?q=password");
    let page = server.get("/metrics");
    assert_eq!(
        page.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let page = page.text();
    assert!(page.contains("\ngreffier_meetings 1\n"), "{page}");
    assert!(page.contains("\ngreffier_statements_proven_total 0\n"), "{page}");
    let searched = "greffier_call_seconds_count{method=\"GET\",route=\"/v1/search\",status=\"200\"} 1";
    assert!(page.contains(searched) && !page.contains("password"), "{page}");
    drop(server);
    let ben = bench.text(&["tokens", "add", "ben", "--person", "Ben Carter"]);
    let scraper = bench.text(&["tokens", "add", "scraper", "--operator", "--scope", "read"]);
    let server = Server::start(&bench, &[]);
    assert_eq!(server.get("/metrics").status, 401);
    let server = server.with_token(&ben);
    assert_eq!(server.get("/metrics").status, 403);
    assert_eq!(server.with_token(&scraper).get("/metrics").status, 200);
}

#[test]
fn a_caller_who_is_refused_while_still_sending_can_read_why() {
    let (bench, server) = with_sample();
    let large = vec![b'a'; 8 << 20];
    let refused = server.upload("talk.txt", &large, &[("speakers", "many")]);
    assert_eq!(refused.status, 400, "{}", refused.text());
    let refused = server.call(
        "POST",
        "/v1/recommendations",
        &[("content-type", "application/json")],
        &large,
    );
    assert_eq!(refused.status, 413, "{}", refused.text());
    drop(server);
    let server = Server::start(&bench, &[]);
    assert_eq!(server.upload("talk.txt", &large, &[]).status, 401);
}
