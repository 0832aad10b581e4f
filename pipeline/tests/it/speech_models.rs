//! Speech models by name: pulled from a hub, through a proxy too, listed, carried and used by commands.

use datasets::library::sha256_hex;
use serde_json::Value;

use crate::downloads::{Behaviour, Server, manifest, speech_model};
use crate::workbench::{Workbench, silence};

/// A models folder that lists a speech model of one's own, `small`.
fn bench_with(content: &[u8], sha256: Option<&str>) -> Workbench {
    let bench = Workbench::new();
    bench.write("models/manifest.toml", &manifest("speech", content, sha256));
    bench
}

fn listed(bench: &Workbench) -> Value {
    let models = bench.json(&["models", "list"]);
    let own = models.as_array().unwrap().iter().find(|model| model["name"] == "small");
    own.unwrap().clone()
}

#[test]
fn a_model_is_pulled_on_a_bad_day_and_used_by_its_name() {
    let content = speech_model(7);
    let bench = bench_with(&content, Some(&sha256_hex(&content)));
    let recording = silence(&bench, "quiet.wav", 2);
    let run = ["run", &recording, "--speech-model", "small"];
    assert!(bench.failure(1, &run).contains("models pull small"));
    let server = Server::start(content, &[Behaviour::Redirect, Behaviour::CutInHalf]);
    bench.text(&["models", "pull", "small", "--hub", &server.address]);
    assert_eq!(
        (&listed(&bench)["state"], &listed(&bench)["checksum"]),
        (&"installed".into(), &"manifest".into())
    );
    assert_eq!(bench.json(&run)["transcript"]["words"], 0);
    // The only one that is installed needs no name.
    assert_eq!(bench.json(&["run", &recording])["transcript"]["words"], 0);
    let said = bench.failure(1, &["run", &recording, "--speech-model", "no-such-model"]);
    assert!(said.contains("installed are: small"), "{said}");
    let said = bench.failure(1, &["run", &recording, "--speech-model", "all-minilm-l6-v2"]);
    assert!(said.contains("no speech model"), "{said}");
}

#[test]
fn a_proxy_is_asked_where_the_environment_names_one() {
    let content = speech_model(7);
    let bench = bench_with(&content, Some(&sha256_hex(&content)));
    let proxy = Server::start(content, &[]);
    let mut pull = bench.command();
    pull.env("HTTP_PROXY", &proxy.address)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let output = pull
        .args(["models", "pull", "small", "--hub", "http://hub.invalid"])
        .output()
        .unwrap();
    let asked = proxy.requests.lock().unwrap().clone();
    assert!(
        asked[0].contains("hub.invalid"),
        "{asked:?} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_recorded_checksum_is_said_carried_and_held_to() {
    let content = speech_model(7);
    let bench = bench_with(&content, None);
    assert_eq!(listed(&bench)["checksum"], "first pull");
    let server = Server::start(content.clone(), &[]);
    bench.text(&["models", "pull", "small", "--hub", &server.address]);
    assert_eq!(listed(&bench)["checksum"], "recorded");
    let bundle = bench.path("bundle.tar").to_string_lossy().into_owned();
    bench.text(&["models", "export", "small", "--to", &bundle]);

    let elsewhere = bench_with(&content, None);
    elsewhere.text(&["models", "import", &bundle]);
    assert_eq!(listed(&elsewhere)["checksum"], "recorded");
    elsewhere.text(&["models", "verify"]);
    std::fs::write(elsewhere.path("models/small/model.bin"), speech_model(8)).unwrap();
    assert!(elsewhere.failure(1, &["models", "verify"]).contains("model.bin"));
    let recording = silence(&elsewhere, "quiet.wav", 1);
    let said = elsewhere.failure(1, &["run", &recording, "--speech-model", "small"]);
    assert!(said.contains("SHA-256"), "{said}");
}

#[test]
fn a_list_of_ones_own_that_is_broken_or_takes_a_known_name_is_named() {
    let bench = Workbench::new();
    bench.write("models/manifest.toml", "model = 3");
    assert!(bench.failure(1, &["models", "list"]).contains("manifest.toml"));
    let taken = manifest("speech", b"x", None).replace("small", "whisper-base");
    bench.write("models/manifest.toml", &taken);
    assert!(
        bench
            .failure(1, &["models", "list"])
            .contains("whisper-base is listed twice")
    );
}
