//! Minutes by a language model on a server, which here is a few lines that answer what the schema asks for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::workbench::{Workbench, sample};

const MEETING: &str = "2026-03-05-release-planning";

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behaviour {
    /// Answers by the schema.
    Answer,
    /// Knows `json_object` with a schema only, as llama.cpp's earlier servers do.
    OldForm,
    /// The same, and calls it an internal error, as llama-cpp-python's does.
    Python,
    /// Is busy at first.
    Busy,
    /// Hangs up.
    HangUp,
}

struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    fn start(behaviour: impl Fn(usize) -> Behaviour + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = log.lock().unwrap().len();
                serve(stream, behaviour(number), &log);
            }
        });
        Self { address, requests }
    }

    fn run(&self, bench: &Workbench, more: &[&str]) -> Value {
        bench.json(&[&self.arguments()[..], more].concat())
    }

    fn arguments(&self) -> [&str; 8] {
        [
            "minutes",
            MEETING,
            "--engine",
            "remote",
            "--server",
            &self.address,
            "--model",
            "any",
        ]
    }
}

fn serve(mut stream: TcpStream, behaviour: Behaviour, log: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let format = request["response_format"].clone();
    log.lock().unwrap().push(request);
    let schema = match format["type"].as_str() {
        Some("json_schema") => &format["json_schema"]["schema"],
        _ => &format["schema"],
    };
    let is_new_form = format["type"] == "json_schema";
    let (status, headers, answer) = match behaviour {
        Behaviour::HangUp => return,
        Behaviour::Busy => ("503 Service Unavailable", "Retry-After: 0\r\n", String::new()),
        Behaviour::OldForm if is_new_form => ("422 Unprocessable Entity", "", "unknown type".to_owned()),
        Behaviour::Python if is_new_form => {
            let said = "1 validation error: 'loc': ('body', 'response_format', 'type'), 'input': 'json_schema'";
            ("500 Internal Server Error", "", said.to_owned())
        }
        Behaviour::Answer | Behaviour::OldForm | Behaviour::Python => {
            let content = by_schema(schema).to_string();
            let choice = json!({ "message": { "role": "assistant", "content": content }, "finish_reason": "stop" });
            ("200 OK", "", json!({ "choices": [choice] }).to_string())
        }
    };
    let length = answer.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
    );
}

/// The least that a schema allows, but one item for each list.
fn by_schema(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().unwrap().iter();
            properties
                .map(|(name, schema)| (name.clone(), by_schema(schema)))
                .collect()
        }
        Some("array") => json!([by_schema(&schema["items"])]),
        Some("string") => json!("They agreed on it"),
        _ => Value::Null,
    }
}

fn bench_with_a_meeting() -> Workbench {
    let bench = Workbench::new();
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    bench
}

#[test]
fn a_server_writes_minutes_that_cite_what_was_said() {
    let bench = bench_with_a_meeting();
    let server = Server::start(|_| Behaviour::Answer);
    let minutes = server.run(&bench, &[]);
    assert_eq!(minutes["provenance"]["engine"], "remote");
    assert_eq!(minutes["abstract"][0]["text"], "They agreed on it.");
    let first = &minutes["decisions"][0]["statement"];
    assert_eq!(first["evidence"], json!(["u1"]));
    let passages = minutes["coverage"]["passages"].as_array().unwrap();
    assert!(
        passages.iter().all(|passage| passage["state"] == "covered"),
        "{passages:?}"
    );
    // They are the minutes of the meeting from now on, in the index too.
    assert_eq!(bench.json(&["show", MEETING])["minutes"], minutes);
    assert!(
        bench
            .text(&["search", "agreed", "--kind", "decision"])
            .contains("They agreed")
    );
}

#[test]
fn an_older_protocol_and_a_busy_server_are_borne_with() {
    for refusal in [Behaviour::OldForm, Behaviour::Python] {
        let bench = bench_with_a_meeting();
        let old = Server::start(move |number| if number == 0 { Behaviour::Busy } else { refusal });
        assert_eq!(old.run(&bench, &[])["provenance"]["engine"], "remote");
        let requests = old.requests.lock().unwrap();
        let forms: Vec<&str> = requests
            .iter()
            .map(|request| request["response_format"]["type"].as_str().unwrap())
            .collect();
        // It is refused once; after that the earlier form is taken at once.
        assert_eq!(forms[..2], ["json_schema"; 2], "{refusal:?}");
        assert!(
            forms.len() > 3 && forms[2..].iter().all(|form| *form == "json_object"),
            "{forms:?}"
        );
    }
}

#[test]
fn a_server_that_goes_away_costs_no_passage() {
    let bench = bench_with_a_meeting();
    let context = ["--context-tokens", "3000"];
    let whole = Server::start(|_| Behaviour::Answer);
    whole.run(&bench, &context);
    let needed = whole.requests.lock().unwrap().len();
    assert!(needed > 9, "more than one passage: {needed} requests");
    let bench = bench_with_a_meeting();
    let broken = Server::start(|number| {
        if number < 6 {
            Behaviour::Answer
        } else {
            Behaviour::HangUp
        }
    });
    let said = bench.failure(1, &[&broken.arguments()[..], &context].concat());
    assert!(said.contains("cannot be reached") && said.contains("is kept"), "{said}");
    let other = Server::start(|_| Behaviour::Answer);
    other.run(&bench, &context);
    assert_eq!(
        other.requests.lock().unwrap().len(),
        needed - 4,
        "the first passage is not read again"
    );
    assert!(
        !bench
            .path("library/work")
            .join(format!("{MEETING}-passages.jsonl"))
            .exists()
    );
}

#[test]
fn uploads_are_written_by_the_model_of_the_server_and_found_before() {
    // Away at first: the job is tried again, and its meeting is there meanwhile.
    let model = Server::start(|number| {
        if number == 0 {
            Behaviour::HangUp
        } else {
            Behaviour::Answer
        }
    });
    let bench = Workbench::new();
    let engine = ["--engine", "remote", "--server", &model.address, "--model", "any"];
    let server = crate::server::Server::start(&bench, &[&["--anonymous"], &engine[..]].concat());
    let content = std::fs::read(sample("2026-03-05-release-planning.vtt")).unwrap();
    let job = server.upload("planning.vtt", &content, &[]).json();
    let job = job["job"]["id"].as_str().unwrap();
    let (failed, meanwhile) = loop {
        let state = server.get(&format!("/v1/jobs/{job}")).json();
        if state["attempts"] == 1 {
            break (state, server.get("/v1/search?q=password+reset").json());
        }
        assert_ne!(state["state"], "done");
        std::thread::yield_now();
    };
    assert!(
        failed["error"].as_str().unwrap().contains("cannot be reached"),
        "{failed:#}"
    );
    assert!(meanwhile["total"].as_u64().unwrap() > 0, "{meanwhile:#}");
    let done = server.ended(job);
    assert_eq!(done["state"], "done", "{done:#}");
    let id = done["meetings"][0].as_str().unwrap();
    let minutes = server.get(&format!("/v1/meetings/{id}/minutes")).json();
    assert_eq!(minutes["engine"], "remote");
    assert_eq!(minutes["abstract"][0]["text"], "They agreed on it.");
    let metrics = server.get("/metrics").text();
    let tokens = metrics
        .lines()
        .find_map(|line| line.strip_prefix("greffier_language_model_tokens_total "));
    assert!(tokens.unwrap().parse::<f64>().unwrap() > 0.0, "{metrics}");
    let found = server.get("/v1/search?q=agreed&kind=decision").json();
    assert!(found["total"].as_u64().unwrap() > 0, "{found:#}");
}

#[test]
fn templates_are_filled_in_the_language_of_the_minutes() {
    let bench = Workbench::new();
    bench.text(&[
        "run",
        &sample("2026-03-05-release-planning.vtt"),
        &sample("2026-03-12-comite-produit.vtt"),
    ]);
    let mail = bench.text(&["minutes", MEETING, "--template", "follow-up-mail"]);
    assert!(
        mail.starts_with("Subject: Release planning") && mail.contains("To be done:"),
        "{mail}"
    );
    let french = bench.text(&[
        "minutes",
        "2026-03-12-comite-produit",
        "--template",
        "executive-summary",
    ]);
    assert!(french.contains("**À faire**"), "{french}");
    let own = bench.write(
        "own.md",
        "{% for decision in decisions %}{{ decision.at }} {{ decision.text }}\n{% endfor %}",
    );
    let register = bench.text(&["minutes", MEETING, "--template", own.to_str().unwrap()]);
    assert!(register.starts_with("00:"), "{register}");
    let broken = bench.write("broken.md", "{{ nothing.here }}");
    let said = bench.failure(1, &["minutes", MEETING, "--template", broken.to_str().unwrap()]);
    assert!(said.contains("broken.md"), "{said}");
}

#[test]
fn an_action_that_is_done_stays_done_when_minutes_are_made_anew() {
    let bench = bench_with_a_meeting();
    let actions = bench.json(&["actions"]);
    let done = &actions[1]["statement"];
    bench.text(&["actions", "done", MEETING, done["id"].as_str().unwrap()]);
    bench.json(&["minutes", MEETING, "--engine", "extractive", "--abstract-words", "20"]);
    let open = bench.json(&["actions"]);
    assert_eq!(open.as_array().unwrap().len(), actions.as_array().unwrap().len() - 1);
    assert!(
        open.as_array()
            .unwrap()
            .iter()
            .all(|action| action["statement"]["text"] != done["text"])
    );
}

#[test]
fn run_takes_an_engine_and_without_its_answer_keeps_the_meeting_with_extractive_minutes() {
    let bench = Workbench::new();
    let file = sample("2026-03-05-release-planning.vtt");
    let hangs_up = Server::start(|_| Behaviour::HangUp);
    let arguments = |address: &'static str| ["run", "--engine", "remote", "--model", "any", "--server", address];
    let address: &'static str = hangs_up.address.clone().leak();
    let said = bench.failure(1, &[&arguments(address)[..], &[&file]].concat());
    assert!(said.contains("kept with extractive minutes"), "{said}");
    let shown = bench.json(&["show", MEETING]);
    assert_eq!(shown["minutes"]["provenance"]["engine"], "extractive");

    let answers = Server::start(|_| Behaviour::Answer);
    let address: &'static str = answers.address.clone().leak();
    let report = bench.json(&[&arguments(address)[..], &[&file]].concat());
    assert_eq!(report["minutes"]["provenance"]["engine"], "remote");
    assert_eq!(bench.json(&["show", MEETING])["minutes"], report["minutes"]);
}
