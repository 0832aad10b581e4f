//! Traces as a collector of OpenTelemetry gets them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::server::{Server, form};
use crate::workbench::{Workbench, sample};

/// A collector on a port of its own, and what it got.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    fn start(&self) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, routes).await.unwrap();
            });
        });
        format!("http://{address}")
    }

    fn got(&self) -> Vec<Bytes> {
        self.0.lock().unwrap().clone()
    }
}

async fn take(State(collector): State<Collector>, body: Bytes) -> ([(axum::http::HeaderName, &'static str); 1], ()) {
    collector.0.lock().unwrap().push(body);
    ([(CONTENT_TYPE, "application/x-protobuf")], ())
}

fn spans(got: &[Bytes]) -> Vec<Span> {
    let requests = got
        .iter()
        .map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
    let scopes = requests
        .flat_map(|request| request.resource_spans)
        .flat_map(|resource| {
            let service = resource.resource.unwrap().attributes;
            let named = service.iter().find(|one| one.key == "service.name").unwrap();
            assert!(format!("{named:?}").contains("greffier"), "{named:?}");
            resource.scope_spans
        });
    scopes.flat_map(|scope| scope.spans).collect()
}

#[test]
fn a_call_and_the_job_it_makes_are_one_trace_that_holds_nothing_of_what_was_said() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let collector = Collector::default();
    let bench = Workbench::new();
    let server = Server::start(&bench, &["--anonymous", "--otlp-endpoint", &collector.start()]);
    let content = std::fs::read(sample("2026-03-05-release-planning.vtt")).unwrap();
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let (media_type, form) = form("planning.vtt", &content, &[("title", "Confidential")]);
    let headers = [("content-type", media_type.as_str()), ("traceparent", &parent)];
    let accepted = server.call("POST", "/v1/meetings", &headers, &form);
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    server.ended(accepted.json()["job"]["id"].as_str().unwrap());
    server.get("/v1/search?q=password");
    // What is not yet sent is sent at the end.
    assert!(server.stop().success());

    let got = collector.got();
    let spans = spans(&got);
    let of_trace: Vec<&Span> = spans
        .iter()
        .filter(|span| {
            span.trace_id
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                == trace
        })
        .collect();
    let named = |name: &str| {
        *of_trace
            .iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("no {name}"))
    };
    let (call, job) = (named("POST /v1/meetings"), named("job"));
    assert_eq!(job.parent_span_id, call.span_id);
    for step in ["read", "minutes", "index"] {
        assert_eq!(named(step).parent_span_id, job.span_id, "{step}");
    }
    assert!(call.attributes.iter().any(|one| one.key == "http.response.status_code"));
    let search = spans.iter().find(|span| span.name == "GET /v1/search").unwrap();
    assert!(search.parent_span_id.is_empty() && search.trace_id != call.trace_id);
    for word in ["password", "Confidential", "planning.vtt", "release"] {
        let is_held = |body: &Bytes| body.windows(word.len()).any(|part| part == word.as_bytes());
        assert!(!got.iter().any(is_held), "{word}");
    }
}
