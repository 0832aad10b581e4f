//! Traces for OpenTelemetry: a span for each call, and for each job with its steps, sent to a collector that the operator
//! names. They hold routes, ids and counts, never what was said. Without a collector no span is made at all.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use axum::http::{HeaderMap, Method};
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::field::Empty;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// The target of all spans, by which the log leaves them out and the collector gets nothing else.
pub const TARGET: &str = "greffier::traces";

/// Longest a collector may take to answer.
const COLLECTOR_WAIT_MAX: Duration = Duration::from_secs(10);
/// The header of the W3C Trace Context that says which trace a call belongs to.
const TRACEPARENT: &str = "traceparent";

/// The connection to a collector; what is still to be sent is sent when this is dropped.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends to the collector at `endpoint`, the base address for OTLP over HTTP such as `http://127.0.0.1:4318`. What the
    /// environment says besides (`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, …) holds.
    ///
    /// # Errors
    /// When `endpoint` is no address.
    pub fn to(endpoint: &str) -> anyhow::Result<Self> {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(COLLECTOR_WAIT_MAX))
            .http_status_as_error(false)
            .build();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender(agent.into()))
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .with_context(|| {
                format!("`{endpoint}` is no collector: otlp-endpoint is an address such as http://127.0.0.1:4318")
            })?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let mut resource = Resource::builder().with_attribute(version);
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("greffier");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(provider))
    }

    /// What takes the spans of a subscriber.
    pub fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("greffier"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, tracing::Level::INFO))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // The library has logged why; nobody is left to act on it.
        let _ = self.0.shutdown();
    }
}

/// The span of a call, in the trace of the caller where its headers name one. `http.response.status_code` is to be
/// [recorded](answered).
pub fn call(method: &Method, route: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "call",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method.as_str(),
        http.route = route,
        http.response.status_code = Empty,
    );
    continue_trace(&span, &HeaderExtractor(headers));
    span
}

/// Records how a [call] was answered.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        failed(span);
    }
}

/// The span of a job, in the trace of the call that made it, which `parent` names.
pub fn job(id: &str, attempt: u32, parent: Option<&str>) -> Span {
    let span = tracing::info_span!(
        target: TARGET, "job", otel.kind = "consumer", otel.status_code = Empty, job.id = id, job.attempt = attempt
    );
    let carrier: HashMap<String, String> = parent
        .map(|parent| (TRACEPARENT.to_owned(), parent.to_owned()))
        .into_iter()
        .collect();
    continue_trace(&span, &carrier);
    span
}

/// The span of a step of the job that is at work on this thread.
pub fn step(name: &'static str) -> Span {
    tracing::info_span!(target: TARGET, "step", otel.name = name)
}

/// Marks what a span stands for as failed.
pub fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}

/// The trace that the current span belongs to, as W3C Trace Context writes it; `None` when nothing is traced.
pub fn current() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

fn continue_trace(span: &Span, carrier: &dyn Extractor) {
    if !span.is_disabled() && carrier.get(TRACEPARENT).is_some() {
        // It is refused only where nothing takes spans, or one has begun, which this one has not.
        let _ = span.set_parent(TraceContextPropagator::new().extract(carrier));
    }
}

/// Sends by the program's one HTTP client, which honours proxies. The exporter's thread waits for it.
#[derive(Debug)]
struct Sender(ureq::Agent);

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let (head, mut body) = self.0.run(Request::from_parts(head, &body[..]))?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}
