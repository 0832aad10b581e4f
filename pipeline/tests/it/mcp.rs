//! Language models at the library: the official client of the Model Context Protocol, over standard input and output of a
//! program that it starts, and over HTTP at a running server, gets the same from both.

use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject, Tool};
use rmcp::service::RunningService;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::{Value, json};

use crate::server::Server;
use crate::workbench::{Workbench, sample};

const MEETING: &str = "2026-03-05-release-planning";

/// A client that is connected.
struct Model {
    client: RunningService<RoleClient, ()>,
    runtime: tokio::runtime::Runtime,
}

impl Model {
    fn over_stdio(bench: &Workbench, arguments: &[&str]) -> Self {
        let mut command = bench.command();
        command.args(arguments);
        let runtime = runtime();
        let client = runtime.block_on(async {
            let child = TokioChildProcess::new(tokio::process::Command::from(command)).unwrap();
            ().serve(child).await.unwrap()
        });
        Self { client, runtime }
    }

    fn over_http(server: &Server, token: Option<&str>) -> Self {
        let runtime = runtime();
        let client = runtime.block_on(connect(server, token)).unwrap();
        Self { client, runtime }
    }

    fn tools(&self) -> Vec<Tool> {
        self.runtime.block_on(self.client.list_all_tools()).unwrap()
    }

    fn call(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        let arguments: JsonObject = serde_json::from_value(arguments).unwrap();
        let call = CallToolRequestParams::new(tool).with_arguments(arguments);
        self.runtime.block_on(self.client.call_tool(call)).unwrap()
    }

    /// What the tool found.
    fn ask(&self, tool: &'static str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_ne!(result.is_error, Some(true), "{tool}: {result:?}");
        result.structured_content.unwrap()
    }

    /// What the tool says is wrong.
    fn refusal(&self, tool: &'static str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result.is_error, Some(true), "{tool}: {result:?}");
        result.content[0].as_text().unwrap().text.clone()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

async fn connect(server: &Server, token: Option<&str>) -> Result<RunningService<RoleClient, ()>, String> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", server.address));
    if let Some(token) = token {
        config = config.auth_header(token.trim());
    }
    let transport = StreamableHttpClientTransport::from_config(config);
    ().serve(transport).await.map_err(|error| format!("{error:?}"))
}

fn questions() -> Vec<(&'static str, Value)> {
    vec![
        ("search", json!({ "query": "password reset" })),
        (
            "search",
            json!({ "query": "release", "kinds": ["decision", "meeting"], "limit": 3, "from": "2026-03-01" }),
        ),
        (
            "recommend",
            json!({ "text": "calendar release and security audit", "limit": 2 }),
        ),
        ("recommend", json!({ "meeting": MEETING })),
        (
            "recommend",
            json!({ "event": { "title": "Release", "people": ["Ben Carter"] } }),
        ),
        ("minutes", json!({ "meeting": MEETING })),
        ("minutes", json!({ "meeting": MEETING, "evidence": false })),
        ("actions", json!({})),
        ("actions", json!({ "status": "all", "owner": "Ben Carter", "limit": 1 })),
    ]
}

#[test]
fn a_model_searches_recommends_reads_and_lists_by_pipe_and_by_http() {
    let bench = Workbench::new();
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    bench.text(&["run", &sample("2026-03-12-comite-produit.vtt")]);
    let by_pipe = Model::over_stdio(&bench, &["mcp"]);
    let server = Server::start(&bench, &["--anonymous"]);
    let by_http = Model::over_http(&server, None);

    let names = |model: &Model| -> Vec<String> { model.tools().iter().map(|tool| tool.name.to_string()).collect() };
    assert_eq!(names(&by_pipe), ["actions", "minutes", "recommend", "search"]);
    assert_eq!(names(&by_http), names(&by_pipe));
    for tool in by_http.tools() {
        assert!(
            tool.description.as_ref().is_some_and(|text| text.len() > 80),
            "{}",
            tool.name
        );
        assert_eq!(tool.input_schema["type"], "object", "{}", tool.name);
        assert_eq!(tool.output_schema.as_ref().unwrap()["type"], "object", "{}", tool.name);
        assert_eq!(
            tool.annotations.as_ref().unwrap().read_only_hint,
            Some(true),
            "{}",
            tool.name
        );
    }
    for (tool, arguments) in questions() {
        assert_eq!(
            by_pipe.ask(tool, arguments.clone()),
            by_http.ask(tool, arguments.clone()),
            "{tool} {arguments}"
        );
    }

    let found = by_http.ask("search", json!({ "query": "password reset" }));
    let hit = &found["hits"][0];
    assert!(hit["text"].as_str().unwrap().contains("**"), "{hit:#}");
    assert_eq!(hit["meeting"], MEETING, "{hit:#}");
    assert!(!hit["reasons"].as_array().unwrap().is_empty(), "{hit:#}");
    // The same ranking as the HTTP interface gives.
    let listed = server.get("/v1/search?q=password+reset&limit=10").json();
    assert_eq!(found["total"], listed["total"]);
    let places = |hits: &Value| -> Vec<Value> {
        hits.as_array()
            .unwrap()
            .iter()
            .map(|hit| json!([hit["kind"], hit["meeting"], hit["score"].as_f64().unwrap() as f32]))
            .collect()
    };
    assert_eq!(places(&found["hits"]), places(&listed["hits"]));

    let minutes = by_http.ask("minutes", json!({ "meeting": MEETING }));
    let transcript = server.get(&format!("/v1/meetings/{MEETING}/transcript")).json();
    let said = transcript["utterances"].as_array().unwrap();
    let quote = &minutes["decisions"][0]["evidence"][0];
    let utterance = said
        .iter()
        .find(|utterance| utterance["id"] == quote["utterance"])
        .unwrap();
    assert_eq!(
        (&quote["text"], &quote["speaker"]),
        (&utterance["text"], &utterance["name"])
    );
    let short = by_http.ask("minutes", json!({ "meeting": MEETING, "evidence": false }));
    assert!(
        short["decisions"][0].get("evidence").is_none()
            && short["decisions"][0]["text"] == minutes["decisions"][0]["text"]
    );

    // What others write is seen by the next question of a program that runs beside them.
    let actions = |model: &Model| model.ask("actions", json!({}))["total"].clone();
    let before = actions(&by_pipe).as_u64().unwrap();
    let listed = server.get("/v1/actions").json();
    let done = listed["items"][0].clone();
    let path = format!(
        "/v1/meetings/{}/actions/{}",
        done["meeting"].as_str().unwrap(),
        done["id"].as_str().unwrap()
    );
    assert_eq!(server.send("PATCH", &path, &json!({ "status": "done" })).status, 200);
    assert_eq!(
        (actions(&by_http), actions(&by_pipe)),
        (json!(before - 1), json!(before - 1))
    );
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let bench = Workbench::new();
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    let model = Model::over_stdio(&bench, &["mcp"]);
    assert!(
        model
            .refusal("minutes", json!({ "meeting": "nonesuch" }))
            .contains("search")
    );
    assert!(
        model
            .refusal("recommend", json!({ "meeting": "nonesuch" }))
            .contains("search")
    );
    assert!(model.refusal("recommend", json!({})).contains("exactly one"));
    assert!(model.refusal("search", json!({ "query": " " })).contains("words"));
    assert!(
        model
            .refusal("search", json!({ "query": "x", "from": "yesterday" }))
            .contains("2026-03-01")
    );
    assert!(
        model
            .refusal("search", json!({ "query": "x", "offset": 5000 }))
            .contains("narrow")
    );
    let error = model.refusal("search", json!({ "query": "x", "kinds": ["memo"] }));
    assert!(error.contains("memo") && error.contains("decision"), "{error}");
}

#[test]
fn a_foreigner_finds_nothing_and_nobody_gets_in_without_a_token() {
    let bench = Workbench::new();
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    let token = |name: &str| bench.text(&["tokens", "add", name, "--person", name, "--scope", "read"]);
    let (ben, eve) = (token("Ben Carter"), token("eve@elsewhere.org"));
    let feed = bench.text(&["tokens", "add", "feed", "--person", "Ben Carter", "--scope", "feed"]);
    let server = Server::start(&bench, &[]);
    let runtime = runtime();
    for token in [None, Some("greffier_none"), Some(feed.as_str())] {
        assert!(runtime.block_on(connect(&server, token)).is_err(), "{token:?}");
    }
    assert_eq!(server.send("POST", "/mcp", &json!({})).status, 401);

    let (participant, foreigner) = (
        Model::over_http(&server, Some(&ben)),
        Model::over_http(&server, Some(&eve)),
    );
    let pipe = Model::over_stdio(&bench, &["--as", "eve@elsewhere.org", "mcp"]);
    for foreigner in [&foreigner, &pipe] {
        assert_eq!(
            foreigner.ask("search", json!({ "query": "password reset" })),
            json!({ "hits": [], "total": 0 })
        );
        assert_eq!(
            foreigner.ask("recommend", json!({ "text": "the release and the password reset" })),
            json!({ "items": [] })
        );
        assert_eq!(
            foreigner.ask("actions", json!({ "status": "all" })),
            json!({ "items": [], "total": 0 })
        );
        for tool in ["minutes", "recommend"] {
            let answer = |meeting: &str| {
                foreigner
                    .refusal(tool, json!({ "meeting": meeting }))
                    .replace(meeting, "")
            };
            assert_eq!(answer(MEETING), answer("nonesuch"));
        }
    }
    assert_ne!(
        participant.ask("search", json!({ "query": "password reset" }))["total"],
        0
    );
    assert_eq!(
        participant.ask("minutes", json!({ "meeting": MEETING }))["meeting"],
        MEETING
    );
    let audit = std::fs::read_to_string(bench.path("library/service/audit.jsonl")).unwrap();
    assert!(
        audit.contains("\"method\":\"MCP\"") && audit.contains("Ben Carter"),
        "{audit}"
    );
}
