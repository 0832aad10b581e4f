//! The server as programs and pages use it: from a file to minutes, corrections, deletion, kills, tokens, webhooks.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::server::Server;
use crate::workbench::{Workbench, sample};

const ENGLISH: &str = "2026-03-05-release-planning.vtt";

fn with_sample() -> (Workbench, Server, String) {
    let bench = Workbench::new();
    bench.text(&["run", &sample(ENGLISH)]);
    let server = Server::start(&bench, &["--anonymous"]);
    (bench, server, "2026-03-05-release-planning".to_owned())
}

#[test]
fn an_upload_becomes_a_meeting_that_is_found_exported_and_forgotten() {
    let bench = Workbench::new();
    bench.text(&["run", &sample("2026-03-12-comite-produit.vtt")]);
    let server = Server::start(&bench, &["--anonymous"]);
    let content = std::fs::read(sample(ENGLISH)).unwrap();
    let accepted = server.upload(ENGLISH, &content, &[("title", "Planning the release")]);
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let job = server.ended(accepted.json()["job"]["id"].as_str().unwrap());
    assert_eq!(job["state"], "done", "{job:#}");
    let id = job["meetings"][0].as_str().unwrap();

    let meeting = server.get(&format!("/v1/meetings/{id}"));
    assert_eq!(meeting.json()["title"], "Planning the release");
    let tag = meeting.header("etag").unwrap();
    let known = server.call("GET", &format!("/v1/meetings/{id}"), &[("if-none-match", tag)], &[]);
    assert_eq!((known.status, known.body.len()), (304, 0));

    let minutes = server.get(&format!("/v1/meetings/{id}/minutes")).json();
    let transcript = server.get(&format!("/v1/meetings/{id}/transcript")).json();
    let said = transcript["utterances"].as_array().unwrap();
    let evidence = minutes["decisions"][0]["evidence"].as_array().unwrap();
    assert!(
        evidence
            .iter()
            .all(|cited| said.iter().any(|utterance| utterance["id"] == *cited))
    );

    for (format, sign) in [
        ("vtt", "WEBVTT"),
        ("srt", "-->"),
        ("md", "# "),
        ("ics", "BEGIN:VTODO"),
        ("json", "\"greffier\""),
        ("rttm", "SPEAKER"),
    ] {
        let export = server.get(&format!("/v1/meetings/{id}/exports/{format}"));
        assert!(
            export.status == 200 && export.text().contains(sign),
            "{format}: {}",
            export.status
        );
    }
    assert!(server.get("/v1/actions.ics").text().contains("BEGIN:VTODO"));
    let found = server.get("/v1/search?q=password+reset").json();
    assert!(
        found["hits"].as_array().unwrap().iter().any(|hit| hit["meeting"] == id),
        "{found:#}"
    );
    let related = server.send(
        "POST",
        "/v1/recommendations",
        &json!({ "context": { "text": "calendar release and security audit" } }),
    );
    let items = related.json()["items"].as_array().unwrap().clone();
    assert!(
        !items.is_empty() && items.iter().all(|item| !item["reasons"].as_array().unwrap().is_empty()),
        "{items:#?}"
    );

    // The same file of the same owner is the same meeting.
    let again = server.upload(ENGLISH, &content, &[]);
    let again = server.ended(again.json()["job"]["id"].as_str().unwrap());
    assert_eq!(again["meetings"][0], id);
    let receipt = server.call("DELETE", &format!("/v1/meetings/{id}"), &[], &[]).json();
    assert!(receipt["files"].as_array().unwrap().len() >= 4, "{receipt:#}");
    assert_eq!(server.get(&format!("/v1/meetings/{id}")).status, 404);
    assert!(!server.get("/v1/search?q=password+reset").text().contains(id));
    assert!(!server.get("/v1/jobs").text().contains(id));
    assert!(server.stop().success());
}

#[test]
fn corrections_make_versions_and_the_minutes_follow() {
    let (bench, server, id) = with_sample();
    let at = |rest: &str| format!("/v1/meetings/{id}{rest}");
    let before = server.get(&at("")).header("etag").unwrap().to_owned();
    let renamed = server.send(
        "PUT",
        &at("/speakers/Ben%20Carter"),
        &json!({ "name": "Benjamin Carter", "email": "ben@example.org" }),
    );
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    let transcript = server.get(&at("/transcript")).json();
    let of_ben = |utterance: &&Value| utterance["name"] == "Benjamin Carter";
    let utterances = transcript["utterances"].as_array().unwrap();
    let first = utterances.iter().find(of_ben).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let actions = server.get("/v1/actions").json();
    assert!(actions.to_string().contains("Benjamin Carter"), "{actions:#}");

    let stale = server.call(
        "PATCH",
        &at(&format!("/utterances/{first}")),
        &[("content-type", "application/json"), ("if-match", &before)],
        br#"{"text":"never"}"#,
    );
    assert_eq!(stale.status, 412);
    let corrected = server.send(
        "PATCH",
        &at(&format!("/utterances/{first}")),
        &json!({ "text": "Xylophones arrive on the ninth of May." }),
    );
    assert_eq!(corrected.status, 200, "{}", corrected.text());
    let found = server.get("/v1/search?q=xylophones").json();
    let by_word = |hit: &&Value| hit["reasons"][0]["kind"] == "words";
    assert_eq!(
        found["hits"].as_array().unwrap().iter().filter(by_word).count(),
        1,
        "{found:#}"
    );
    assert!(
        bench
            .path(&format!("library/meetings/{id}/transcript/000001.json"))
            .exists(),
        "the earlier version stays"
    );
    assert_eq!(
        server
            .send("PATCH", &at("/utterances/u9999"), &json!({ "text": "x" }))
            .status,
        404
    );
    assert_eq!(
        server
            .send("PUT", &at("/speakers/Nobody"), &json!({ "name": "x" }))
            .status,
        404
    );

    let action = actions["items"][0]["id"].as_str().unwrap();
    let done = server.send(
        "PATCH",
        &at(&format!("/actions/{action}")),
        &json!({ "status": "done" }),
    );
    assert_eq!(done.json()["status"], "done", "{}", done.text());
    assert!(
        !server.get("/v1/actions").json()["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|item| item["id"] == action)
    );
}

#[test]
fn an_upload_in_pieces_goes_on_where_it_broke_even_after_a_kill() {
    let (bench, server, _) = with_sample();
    let content = "Ann: The budget of the library is approved.\nBob: I will order the shelves by Friday.\n".repeat(40);
    let tus = |length: usize| {
        vec![
            ("tus-resumable", "1.0.0".to_owned()),
            ("upload-length", length.to_string()),
            (
                "upload-metadata",
                "filename c2hlbHZlcy50eHQ=,title U2hlbHZlcw==".to_owned(),
            ),
        ]
    };
    fn borrowed<'a>(headers: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
        headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
    let begun = server.call("POST", "/v1/uploads", &borrowed(&tus(content.len())), &[]);
    assert_eq!(begun.status, 201, "{}", begun.text());
    let place = begun.header("location").unwrap().to_owned();
    let piece = |server: &Server, offset: usize, bytes: &[u8]| {
        let headers = [
            ("tus-resumable", "1.0.0".to_owned()),
            ("upload-offset", offset.to_string()),
            ("content-type", "application/offset+octet-stream".to_owned()),
        ];
        server.call("PATCH", &place, &borrowed(&headers), bytes)
    };
    assert_eq!(piece(&server, 0, &content.as_bytes()[..100]).status, 204);
    assert_eq!(
        piece(&server, 50, b"x").status,
        409,
        "a piece that does not fit is refused"
    );
    server.kill();
    let server = Server::start(&bench, &["--anonymous"]);
    let stands = server.call("HEAD", &place, &[], &[]);
    assert_eq!(stands.header("upload-offset"), Some("100"));
    let last = piece(&server, 100, &content.as_bytes()[100..]);
    assert_eq!(last.status, 204, "{}", last.text());
    let job = server.ended(last.header("greffier-job").unwrap());
    assert_eq!(
        (&job["state"], &job["title"]),
        (&json!("done"), &json!("Shelves")),
        "{job:#}"
    );
    // The file is in the library now. Only when the job is known to be done may the upload go.
    server.until("the upload goes", || {
        server.call("HEAD", &place, &[], &[]).status == 404
    });
}

#[test]
fn a_watched_file_becomes_one_meeting_and_a_broken_one_a_dead_job() {
    let bench = Workbench::new();
    bench.write(
        "inbox/deep/weekly.txt",
        "Ann: We paint the office on Monday.\nBob: I will buy the paint.\n",
    );
    bench.write("inbox/broken.json", "{\"segments\": [");
    bench.write("inbox/half.vtt.part", "WEBVTT");
    let folder = bench.path("inbox");
    let arguments = ["--anonymous", "--watch", folder.to_str().unwrap()];
    let both_ended = |server: &Server| {
        loop {
            let jobs = server.get("/v1/jobs").json()["items"].as_array().unwrap().clone();
            let ended = jobs.iter().filter(|job| job["finished_at"].is_string()).count();
            if ended == 2 {
                return jobs;
            }
            std::thread::yield_now();
        }
    };
    let server = Server::start(&bench, &arguments);
    let jobs = both_ended(&server);
    let of = |name: &str| jobs.iter().find(|job| job["file_name"] == name).unwrap().clone();
    assert_eq!(of("weekly.txt")["state"], "done");
    assert_eq!(of("broken.json")["state"], "dead");
    assert!(of("broken.json")["error"].as_str().unwrap().contains("broken.json"));
    assert_eq!(
        bench.json(&["jobs", "--state", "dead"]).as_array().unwrap().len(),
        1,
        "beside the running server"
    );
    assert!(server.stop().success());
    let server = Server::start(&bench, &arguments);
    assert_eq!(both_ended(&server).len(), 2, "a file is taken once");
    assert_eq!(server.get("/v1/meetings").json()["total"], 1);
}

#[test]
fn killed_again_and_again_every_upload_becomes_one_meeting() {
    let bench = Workbench::new();
    let mut accepted = Vec::new();
    for round in 0..6 {
        let server = Server::start(&bench, &["--anonymous"]);
        for number in 0..3 {
            let text = format!("Ann: Point {round} of team {number} is the budget.\nBob: I will send figure {round}{number} by Friday.\n").repeat(30);
            let answer = server.upload(&format!("talk-{round}-{number}.txt"), text.as_bytes(), &[]);
            assert_eq!(answer.status, 202, "{}", answer.text());
            accepted.push(answer.json()["job"]["id"].as_str().unwrap().to_owned());
        }
        server.kill();
    }
    let server = Server::start(&bench, &["--anonymous"]);
    let mut meetings: Vec<String> = Vec::new();
    for job in &accepted {
        let job = server.ended(job);
        assert_eq!(job["state"], "done", "{job:#}");
        meetings.push(job["meetings"][0].as_str().unwrap().to_owned());
    }
    meetings.sort();
    meetings.dedup();
    assert_eq!(meetings.len(), accepted.len(), "each job has a meeting of its own");
    let listed = server.get("/v1/meetings?limit=500").json();
    assert_eq!(listed["total"], accepted.len(), "and there is no other");
    let total = |server: &Server| server.get("/v1/search?q=budget&kind=meeting&limit=100").json()["total"].clone();
    let before = total(&server);
    assert!(server.stop().success());
    bench.text(&["index", "rebuild"]);
    assert_eq!(
        total(&Server::start(&bench, &["--anonymous"])),
        before,
        "the index equals a rebuilt one"
    );
}

#[test]
fn tokens_open_only_what_they_allow_and_only_as_long_as_they_are_good() {
    let (bench, server, id) = with_sample();
    drop(server);
    let add = |arguments: &[&str]| bench.text(&[&["tokens", "add"], arguments].concat());
    let ben = add(&["ben", "--person", "Ben Carter"]);
    let reader = add(&["reader", "--operator", "--scope", "read"]);
    let feed = add(&["feed", "--person", "Ben Carter", "--scope", "feed"]);
    let nobody = add(&["nobody", "--person", "nobody@example.org"]);
    let server = Server::start(&bench, &[]);
    assert_eq!(server.get("/v1/meetings").status, 401);
    assert_eq!(server.get("/health").status, 200);
    let server = server.with_token("greffier_wrong");
    assert_eq!(server.get("/v1/meetings").status, 401);
    let server = server.with_token(&ben);
    assert_eq!(server.get("/v1/meetings").json()["total"], 1);
    assert_eq!(
        server.call("DELETE", &format!("/v1/meetings/{id}"), &[], &[]).status,
        403,
        "a participant reads"
    );
    assert_eq!(server.get("/v1/webhooks").status, 403);
    let server = server.with_token(&reader);
    assert_eq!(server.get("/v1/meetings").json()["total"], 1);
    assert_eq!(
        server
            .send("PATCH", &format!("/v1/meetings/{id}"), &json!({ "title": "x" }))
            .status,
        403
    );
    let server = server.with_token(&nobody);
    assert_eq!(server.get("/v1/meetings").json()["total"], 0);
    assert_eq!(server.get(&format!("/v1/meetings/{id}")).status, 404);
    let server = server.with_token(&feed);
    assert_eq!(server.get("/v1/meetings").status, 403);
    let in_address = format!("/v1/actions.ics?token={}", feed.trim());
    assert!(
        server
            .with_token("greffier_none")
            .get(&in_address)
            .text()
            .contains("BEGIN:VCALENDAR")
    );

    // Revoked beside the running server, refused at the next call.
    let server = Server::start(&bench, &[]).with_token(&ben);
    assert_eq!(server.get("/v1/session").json()["person"], "ben carter");
    let tokens = bench.json(&["tokens", "list"]);
    let of_ben = tokens
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["name"] == "ben")
        .unwrap();
    bench.text(&["tokens", "revoke", of_ben["id"].as_str().unwrap()]);
    assert_eq!(server.get("/v1/meetings").status, 401);
    let audit = std::fs::read_to_string(bench.path("library/service/audit.jsonl")).unwrap();
    assert!(
        audit.contains("\"status\":403") && !audit.contains(ben.trim()),
        "{audit}"
    );
    assert!(
        bench
            .failure(1, &["serve", "--anonymous", "--listen", "0.0.0.0:0"])
            .contains("loopback")
    );
}

#[test]
fn a_webhook_is_told_of_the_end_of_a_job_and_can_check_who_says_so() {
    let (_bench, server, _) = with_sample();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let added = server.send("POST", "/v1/webhooks", &json!({ "url": url })).json();
    let secret = added["secret"].as_str().unwrap();
    let job = server
        .upload(
            "note.txt",
            b"Ann: The lease is signed.\nBob: I will file it today.\n",
            &[],
        )
        .json();
    let (mut stream, _) = listener.accept().unwrap();
    let (head, body) = read_request(&mut stream);
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.trim().to_owned()
    };
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&told["type"], &told["data"]["job"]),
        (&json!("job.done"), &job["job"]["id"])
    );
    assert!(!body.contains("lease"), "nothing of what was said goes out");
    let seconds = header("webhook-timestamp").parse().unwrap();
    let expected = pipeline::service::webhooks::signature(secret, &header("webhook-id"), seconds, &body).unwrap();
    assert_eq!(header("webhook-signature"), expected);
}

#[test]
fn another_site_cannot_use_the_browser_of_somebody_who_is_let_in() {
    let (_bench, server, id) = with_sample();
    let path = format!("/v1/meetings/{id}");
    assert_eq!(
        server
            .call("DELETE", &path, &[("origin", "https://evil.example")], &[])
            .status,
        403
    );
    assert_eq!(server.call("GET", &path, &[("host", "evil.example")], &[]).status, 403);
    assert_eq!(server.get(&path).status, 200);
}

#[test]
fn errors_have_one_shape_and_the_description_names_every_route() {
    let (_bench, server, id) = with_sample();
    let wrong = [
        server.get("/v1/nonesuch"),
        server.get("/v1/meetings/nonesuch"),
        server.get("/v1/meetings/..%2F..%2Fetc"),
        server.get("/v1/search"),
        server.get("/v1/search?q=x&kind=nonesuch"),
        server.get("/v1/meetings?cursor=nonesuch"),
        server.get("/v1/meetings?from=yesterday"),
        server.call("POST", "/v1/meetings", &[], &[]),
        server.call("POST", "/v1/recommendations", &[], b"{}"),
        server.send("POST", "/v1/recommendations", &json!({ "context": {} })),
        server.send(
            "POST",
            "/v1/recommendations",
            &json!({ "context": { "text": "x".repeat(2 << 20) } }),
        ),
        server.send("PATCH", &format!("/v1/meetings/{id}"), &json!({ "nonesuch": 1 })),
        server.upload("empty.vtt", b"", &[]),
        server.upload("talk.vtt", b"WEBVTT", &[("speakers", "many")]),
        server.call(
            "POST",
            "/v1/audio/transcriptions",
            &[("content-type", "multipart/form-data; boundary=x")],
            b"--x--\r\n",
        ),
    ];
    for answer in wrong {
        let problem = answer.json();
        assert!(
            (400..=503).contains(&answer.status) && answer.status != 500,
            "{problem}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{problem}"
        );
        assert_eq!(problem["status"], answer.status, "{problem}");
        assert!(
            problem["type"].as_str().unwrap().starts_with("urn:greffier:"),
            "{problem}"
        );
    }
    let described = server.get("/v1/openapi.json").json();
    for path in [
        "/v1/meetings",
        "/v1/meetings/{meeting}",
        "/v1/recommendations",
        "/v1/audio/transcriptions",
        "/v1/uploads/{upload}",
    ] {
        assert!(described["paths"][path].is_object(), "{path}");
    }
}

#[test]
fn pages_of_meetings_follow_each_other_without_gaps() {
    let bench = Workbench::new();
    for number in 0..7 {
        bench.write(&format!("talks/2026-03-0{}-talk.txt", number % 3 + 1), "Ann: Hello.\n");
        bench.write(
            &format!("talks/talk-{number}.txt"),
            &format!("Ann: Hello number {number}.\n"),
        );
    }
    let folder = bench.path("talks");
    bench.text(&[
        "corpus",
        folder.to_str().unwrap(),
        "--out",
        bench.path("library").to_str().unwrap(),
    ]);
    let server = Server::start(&bench, &["--anonymous"]);
    let all = server.get("/v1/meetings?limit=500").json();
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let (mut walked, mut path) = (Vec::new(), "/v1/meetings?limit=3".to_owned());
    loop {
        let page = server.get(&path).json();
        walked.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/meetings?limit=3&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, ids(&all));
    assert_eq!(all["total"], walked.len());
}

fn read_request(stream: &mut std::net::TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse::<usize>()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return (head.to_owned(), body.to_owned());
            }
        }
    }
}
