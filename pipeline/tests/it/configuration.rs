//! The configuration file of a server, the rules in it, and what `greffier doctor` says of a deployment.

use std::path::Path;

use serde_json::{Value, json};

use crate::server::Server;
use crate::workbench::{Workbench, sample, silence};

fn deployed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_files_of_deploy_hold() {
    let bench = Workbench::new();
    let told = bench.text(&["config", "check", &deployed("greffier.toml")]);
    assert!(told.contains("3 options and 0 retention rules hold"), "{told}");
    // What is commented out holds too.
    let text = std::fs::read_to_string(deployed("greffier.toml")).unwrap();
    let is_example = |line: &&str| line.contains(" = ") || line.contains("[[");
    let live: Vec<&str> = text
        .lines()
        .filter_map(|line| Some(line.trim_start_matches("# ")).filter(is_example))
        .filter(|line| !line.ends_with(',') && !line.ends_with('.'))
        .collect();
    let file = bench.write("all.toml", &live.join("\n"));
    let told = bench.text(&["config", "check", file.to_str().unwrap()]);
    assert!(told.contains("2 retention rules hold"), "{told}");
}

#[test]
fn a_file_that_does_not_hold_is_told_line_by_line_and_stops_the_server() {
    let bench = Workbench::new();
    let file = bench.write(
        "greffier.toml",
        "listen = \"127.0.0.1:0\"\nlissten = 1\n\n[[retention]]\nkeep-days = 0\n",
    );
    let file = file.to_str().unwrap();
    let told = bench.failure(1, &["config", "check", file]);
    assert!(
        told.contains(&format!(
            "{file}:2: there is no option `lissten`: did you mean `listen`?"
        )),
        "{told}"
    );
    assert!(
        told.contains(&format!("{file}:4: ")) && told.contains("at least 1"),
        "{told}"
    );
    assert!(bench.failure(2, &["--config", file, "serve"]).contains("lissten"));
    assert!(bench.failure(1, &["--config", file, "doctor"]).contains("wrong"));
    let open = bench.write("open.toml", "listen = \"0.0.0.0:0\"\nanonymous = true\n");
    assert!(
        bench
            .failure(1, &["config", "check", open.to_str().unwrap()])
            .contains("loopback")
    );
    let half = bench.write("half.toml", "oidc-issuer = \"https://id.example.org\"\n");
    assert!(
        bench
            .failure(1, &["config", "check", half.to_str().unwrap()])
            .contains("oidc-audience")
    );
    assert!(
        bench
            .failure(1, &["config", "check", "nonesuch.toml"])
            .contains("nonesuch.toml")
    );
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let bench = Workbench::new();
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    let library = bench.path("library");
    let file = bench.write(
        "greffier.toml",
        &format!(
            "library = {library:?}\nlisten = \"127.0.0.1:0\"\nanonymous = true\nkey = \"secret\"\nlog = \"warn\"\n"
        ),
    );
    let shown = |more: &[(&str, &str)]| {
        let mut command = bench.command();
        command.env_remove("GREFFIER_LIBRARY").env("GREFFIER_CONFIG", &file);
        let output = command
            .envs(more.iter().copied())
            .args(["config", "show"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = shown(&[]);
    for line in [
        &format!("library = {library:?}  # file"),
        "listen = \"127.0.0.1:0\"  # file",
        "anonymous = true  # file",
        "key = \"(hidden)\"  # file",
        "upload-mib-max = 8192  # built in",
        "language = \"en\"  # environment",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in {text}");
    }
    assert!(text.contains("# oidc-issuer = ") && !text.contains("secret"), "{text}");
    assert!(shown(&[("GREFFIER_LISTEN", "127.0.0.1:1")]).contains("listen = \"127.0.0.1:1\"  # environment"));

    // Every command finds the library of the file; the server of tests gives its address by a flag.
    let mut command = bench.command();
    command
        .env_remove("GREFFIER_LIBRARY")
        .args(["--config", file.to_str().unwrap(), "actions", "--json"]);
    let output = command.output().unwrap();
    assert!(!serde_json::from_slice::<Vec<Value>>(&output.stdout).unwrap().is_empty());
    let server = Server::start(&bench, &["--log", "info", "--config", file.to_str().unwrap()]);
    assert_eq!(server.get("/v1/meetings").json()["total"], 1);
}

#[test]
fn what_the_rules_no_longer_keep_goes_with_a_receipt() {
    let bench = Workbench::new();
    bench.text(&[
        "run",
        &sample("2026-03-05-release-planning.vtt"),
        "--series",
        "releases",
    ]);
    bench.text(&["run", &sample("2026-03-12-comite-produit.vtt"), "--series", "board"]);
    let sound = silence(&bench, "2001-01-01-quiet.wav", 2);
    // As a recording that was transcribed: a transcript beside a source that is sound.
    let quiet = bench.write("2001-01-01-quiet.txt", "Ann: The lease is signed.\n");
    bench.text(&["run", quiet.to_str().unwrap(), "--series", "quiet"]);
    let folder = bench.path("library/meetings/2001-01-01-quiet/source");
    std::fs::copy(&sound, folder.join("2001-01-01-quiet.txt")).unwrap();
    let file = bench.write(
        "greffier.toml",
        "[[retention]]\nseries = \"releases\"\nkeep-days = 1\n\n[[retention]]\nseries = \"quiet\"\nkeep-days = 1\ndelete = \"sound\"\n",
    );
    let with_rules = ["--config", file.to_str().unwrap(), "retain"];
    assert!(bench.failure(1, &["retain"]).contains("--config"));

    let plan = bench.json(&[&with_rules[..], &["--dry-run"]].concat());
    let due = |name: &str, delete: &str| {
        let due = plan["due"].as_array().unwrap().iter();
        due.filter(|due| due["meeting"] == name && due["delete"] == delete)
            .count()
    };
    assert_eq!(
        (
            due("2026-03-05-release-planning", "meeting"),
            due("2001-01-01-quiet", "sound")
        ),
        (1, 1),
        "{plan:#}"
    );
    assert_eq!(plan["due"].as_array().unwrap().len(), 2);
    assert!(
        bench.path("library/meetings/2026-03-05-release-planning").exists(),
        "nothing goes by looking"
    );

    // Who knows of the recording.
    let quiet = "/v1/meetings/2001-01-01-quiet";
    let server = Server::start(&bench, &["--anonymous"]);
    let before = server.get(quiet);
    assert!(before.json()["recording"].is_string(), "{}", before.text());
    assert!(server.stop().success());

    // A server does it by itself.
    let server = Server::start(&bench, &["--anonymous", "--config", file.to_str().unwrap()]);
    let left = || server.get("/v1/meetings").json()["total"].clone();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while left() != 2 || folder.exists() {
        assert!(std::time::Instant::now() < until, "{}", left());
        std::thread::yield_now();
    }
    assert_eq!(server.get("/v1/meetings/2026-03-05-release-planning").status, 404);
    let tag = before.header("etag").unwrap();
    server.until("the tag changes", || {
        server.call("GET", quiet, &[("if-none-match", tag)], &[]).status == 200
    });
    assert!(server.get(quiet).json()["recording"].is_null());
    let transcript = server.get(&format!("{quiet}/transcript")).json();
    assert_eq!(transcript["utterances"][0]["text"], "The lease is signed.");
    assert!(
        !server
            .get("/v1/search?q=password+reset")
            .text()
            .contains("release-planning")
    );
    assert!(server.stop().success());
    let receipts = std::fs::read_dir(bench.path("library/receipts")).unwrap();
    let subjects: Vec<Value> = receipts
        .map(|entry| serde_json::from_slice::<Value>(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap())
        .map(|receipt| receipt["subject"].clone())
        .collect();
    assert_eq!(subjects.len(), 2);
    assert!(subjects.contains(&json!("2026-03-05-release-planning")) && subjects.contains(&json!("2001-01-01-quiet")));
    let audit = std::fs::read_to_string(bench.path("library/service/audit.jsonl")).unwrap();
    assert_eq!(audit.matches("\"who\":\"retention\"").count(), 2, "{audit}");
    assert_eq!(bench.json(&with_rules), json!([]), "nothing is left to do");
}

#[test]
fn the_doctor_looks_at_a_deployment() {
    let bench = Workbench::new();
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    bench.text(&["tokens", "list"]);
    // A port that nobody listens on.
    let file = bench.write(
        "greffier.toml",
        "oidc-issuer = \"http://127.0.0.1:9\"\noidc-audience = \"greffier\"\nspeech-model = \"nonesuch\"\n",
    );
    let told = |arguments: &[&str]| {
        let output = bench.output(&[&["--json"], arguments].concat());
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        move |subject: &str| {
            let found = findings.iter().find(|finding| finding["subject"] == subject);
            found
                .map(|finding| finding["state"].as_str().unwrap().to_owned())
                .unwrap_or_default()
        }
    };
    let state = told(&["doctor"]);
    assert_eq!(
        (state("jobs"), state("configuration"), state("identity provider")),
        ("good".into(), String::new(), String::new())
    );
    assert!(["good", "note"].contains(&state("rights").as_str()));
    let state = told(&["--config", file.to_str().unwrap(), "doctor"]);
    assert_eq!(state("configuration"), "good");
    assert_eq!(state("identity provider"), "bad");
    assert_eq!(state("speech model of the server"), "bad");
}
