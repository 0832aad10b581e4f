//! The first hour with greffier, on the sample meetings.

use serde_json::Value;

use crate::workbench::{Workbench, sample};

const ENGLISH: &str = "2026-03-05-release-planning";
const FRENCH: &str = "2026-03-12-comite-produit";

fn with_samples() -> Workbench {
    let bench = Workbench::new();
    let (english, french) = (
        sample("2026-03-05-release-planning.vtt"),
        sample("2026-03-12-comite-produit.vtt"),
    );
    let (audit, guide) = (sample("security-audit.md"), sample("guide-traduction.md"));
    bench.text(&["run", &english, &french, "--context", &audit, "--context", &guide]);
    bench
}

fn titles_of(found: &Value, kind: &str) -> Vec<String> {
    let of_kind = found.as_array().unwrap().iter().filter(|item| item["kind"] == kind);
    of_kind.map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_statement_of_the_minutes_cites_utterances_that_exist() {
    let bench = Workbench::new();
    let report = bench.json(&["run", &sample("2026-03-05-release-planning.vtt")]);
    let shown = bench.json(&["show", ENGLISH]);
    let known: Vec<&Value> = shown["transcript"]["utterances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|utterance| &utterance["id"])
        .collect();
    let minutes = &report["minutes"];
    let mut statements: Vec<&Value> = minutes["abstract"].as_array().unwrap().iter().collect();
    for part in ["decisions", "actions", "questions"] {
        statements.extend(minutes[part].as_array().unwrap().iter().map(|item| &item["statement"]));
    }
    for topic in minutes["topics"].as_array().unwrap() {
        statements.extend(topic["statements"].as_array().unwrap());
    }
    assert!(statements.len() >= 5, "{minutes}");
    for statement in statements {
        let evidence = statement["evidence"].as_array().unwrap();
        assert!(!evidence.is_empty(), "{statement}");
        assert!(evidence.iter().all(|id| known.contains(&id)), "{statement}");
    }
    assert_eq!(report["supported_share"], 1.0);
    assert_eq!(report["coverage_share"], 1.0);
}

#[test]
fn decisions_and_actions_of_the_sample_are_found_with_their_owners() {
    let bench = with_samples();
    let actions = bench.json(&["actions"]);
    let owners: Vec<&str> = actions
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|action| action["owner"]["name"].as_str())
        .collect();
    for owner in ["Ben Carter", "David Chen", "Julie Moreau"] {
        assert!(owners.contains(&owner), "{owner} owns nothing: {actions:#}");
    }
    let english = bench.json(&["show", ENGLISH]);
    let decisions = english["minutes"]["decisions"].to_string();
    assert!(decisions.contains("second of April"), "{decisions}");
    let french = bench.json(&["show", FRENCH]);
    assert_eq!(french["minutes"]["language"], "fr");
    assert!(
        french["minutes"]["decisions"]
            .to_string()
            .contains("formation à la sécurité"),
        "{}",
        french["minutes"]["decisions"]
    );
}

#[test]
fn an_action_that_is_done_is_no_longer_open() {
    let bench = with_samples();
    let open = bench.json(&["actions"]);
    let first = &open[0];
    let (meeting, action) = (
        first["meeting"].as_str().unwrap(),
        first["statement"]["id"].as_str().unwrap(),
    );
    bench.text(&["actions", "done", meeting, action]);
    assert_eq!(
        bench.json(&["actions"]).as_array().unwrap().len(),
        open.as_array().unwrap().len() - 1
    );
    assert_eq!(
        bench.json(&["actions", "--all"]).as_array().unwrap().len(),
        open.as_array().unwrap().len()
    );
    bench.text(&["actions", "reopen", meeting, action]);
    assert_eq!(bench.json(&["actions"]), open);
    assert!(
        bench
            .failure(1, &["actions", "done", meeting, "nonesuch"])
            .contains("nonesuch")
    );
}

#[test]
fn the_invitation_brings_back_meetings_documents_and_people_with_reasons() {
    let bench = with_samples();
    let found = bench.json(&["recommend", &sample("2026-03-19-release-follow-up.ics")]);
    assert!(
        titles_of(&found, "meeting").contains(&"Release planning".to_owned()),
        "{found:#}"
    );
    assert!(!titles_of(&found, "person").is_empty(), "{found:#}");
    assert!(!titles_of(&found, "document").is_empty(), "{found:#}");
    for item in found.as_array().unwrap() {
        assert!(!item["reasons"].as_array().unwrap().is_empty(), "{item}");
    }
}

#[test]
fn nothing_related_is_an_answer() {
    let bench = with_samples();
    let found = bench.json(&[
        "recommend",
        "--text",
        "volcanic eruptions of the Jurassic period and their minerals",
    ]);
    assert_eq!(found, serde_json::json!([]));
    assert_eq!(bench.json(&["search", "sandwich"])["total"], 0);
}

#[test]
fn a_french_query_finds_french_words_in_any_form() {
    let bench = with_samples();
    let results = bench.json(&["search", "sauvegarde chiffrée"]);
    let hits = results["hits"].as_array().unwrap();
    assert!(hits.iter().any(|hit| hit["meeting"] == FRENCH), "{results:#}");
}

#[test]
fn who_may_not_see_a_meeting_learns_nothing_of_it() {
    let bench = with_samples();
    // Ben took part in the English meeting only.
    let seen = bench.json(&["--as", "Ben Carter", "show"]);
    let ids: Vec<&str> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|meeting| meeting["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [ENGLISH]);
    let unknown = bench
        .failure(1, &["--as", "Ben Carter", "show", "no-such-meeting"])
        .replace("no-such-meeting", "X");
    let hidden = bench
        .failure(1, &["--as", "Ben Carter", "show", FRENCH])
        .replace(FRENCH, "X");
    assert_eq!(hidden, unknown);
    let results = bench.json(&["--as", "Ben Carter", "search", "budget de formation"]);
    assert!(!results.to_string().contains(FRENCH), "{results:#}");
    assert_eq!(bench.json(&["--as", "Nobody", "search", "backups"])["total"], 0);
    assert_eq!(bench.json(&["--as", "Nobody", "actions"]), serde_json::json!([]));
}

#[test]
fn a_forgotten_meeting_is_gone_everywhere_and_the_receipt_says_so() {
    let bench = with_samples();
    assert!(bench.failure(1, &["forget", ENGLISH]).contains("--yes"));
    let receipt = bench.json(&["forget", ENGLISH, "--yes"]);
    assert!(receipt["files"].as_array().unwrap().len() >= 4, "{receipt:#}");
    assert!(bench.failure(1, &["show", ENGLISH]).contains(ENGLISH));
    let results = bench.json(&["search", "password reset"]);
    assert!(!results.to_string().contains(ENGLISH), "{results:#}");
    let left: Vec<_> = walk(&bench.path("library"))
        .into_iter()
        .filter(|path| path.contains(ENGLISH))
        .collect();
    assert!(left.iter().all(|path| path.contains("receipts")), "{left:?}");
}

#[test]
fn a_rebuilt_index_gives_the_same_answers() {
    let bench = with_samples();
    let ask = || {
        (
            bench.json(&["search", "calendar release"]),
            bench.json(&[
                "recommend",
                "--text",
                "encrypted backups in the data center of Lyon and the audit",
            ]),
        )
    };
    let before = ask();
    bench.text(&["index", "rebuild"]);
    assert_eq!(ask(), before);
    std::fs::remove_dir_all(bench.path("library/index")).unwrap();
    assert_eq!(ask(), before, "an index that is gone is made again");
}

#[test]
fn running_a_file_again_changes_nothing() {
    let bench = with_samples();
    let before = walk(&bench.path("library/meetings"));
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    assert_eq!(walk(&bench.path("library/meetings")), before);
}

#[test]
fn exports_can_be_read_again() {
    let bench = with_samples();
    let exported = bench.path("again.vtt");
    bench.text(&["export", ENGLISH, "--format", "vtt", "--to", exported.to_str().unwrap()]);
    let again = bench.json(&["run", exported.to_str().unwrap()]);
    let first = bench.json(&["show", ENGLISH]);
    assert_eq!(
        again["transcript"]["utterances"],
        first["transcript"]["utterances"].as_array().unwrap().len()
    );
    assert_eq!(again["minutes"]["abstract"], first["minutes"]["abstract"]);
    assert!(
        bench
            .text(&["export", ENGLISH, "--format", "ics"])
            .contains("BEGIN:VTODO")
    );
}

#[test]
fn a_bad_file_in_a_corpus_is_named_and_the_rest_goes_on() {
    let bench = Workbench::new();
    bench.write(
        "corpus/good.txt",
        "Ann: We release the calendar on Monday.\nBob: I will write the announcement.\n",
    );
    bench.write(
        "corpus/deep/other.srt",
        "1\n00:00:01,000 --> 00:00:03,000\nThe budget is approved.\n",
    );
    std::fs::write(bench.path("corpus/broken.json"), b"{\"segments\": [").unwrap();
    let corpus = bench.path("corpus");
    let library = bench.path("out");
    let arguments = ["corpus", corpus.to_str().unwrap(), "--out", library.to_str().unwrap()];
    let message = bench.failure(3, &arguments);
    assert!(message.contains("broken.json"), "{message}");
    let output = bench.output(&[&["--json"], arguments.as_slice()].concat());
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["meetings"], 2);
    assert_eq!(summary["unchanged"], 2, "the second run finds everything done");
    assert!(library.join("tables/utterances").is_dir());
}

#[test]
fn wrong_use_says_what_is_right() {
    let bench = Workbench::new();
    assert!(bench.failure(1, &["search", "anything"]).contains("greffier run"));
    assert!(bench.failure(1, &["run", "missing.vtt"]).contains("missing.vtt"));
    assert!(bench.failure(2, &["recommend"]).contains("--text"));
    assert!(
        bench
            .failure(1, &["models", "pull", "nonesuch"])
            .contains("models list")
    );
    for command in [
        "run",
        "corpus",
        "search",
        "recommend",
        "models",
        "forget",
        "actions",
        "export",
    ] {
        assert!(
            bench.text(&[command, "--help"]).contains("Example"),
            "{command} --help has no example"
        );
    }
    assert!(bench.text(&["completions", "bash"]).contains("greffier"));
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path.to_str().unwrap().to_owned());
        }
    }
    files.sort();
    files
}
