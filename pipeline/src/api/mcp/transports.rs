//! How models reach the tools: over HTTP at `/mcp` of a server, or over standard input and output of a program that they
//! start themselves.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use rmcp::ServiceExt as _;
use rmcp::transport::stdio_pipes;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::Tools;
use super::asking::Source;
use crate::api::caller::Reader;
use crate::api::router::Api;
use crate::phrases::Phrases;
use crate::service::holdings::FollowedLibrary;
use crate::settings::Settings;

/// Where the server is asked.
const PATH: &str = "/mcp";
/// Largest message that is taken.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The route for models. Each call stands alone: there is no session that could outlive a token.
pub(in crate::api) fn routes(api: &Arc<Api>) -> Router<Arc<Api>> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MESSAGE_BYTES_MAX)
        // Names of other sites are refused by the guard around all routes.
        .disable_allowed_hosts();
    let tools = Tools {
        source: Source::Server(Arc::clone(api)),
    };
    let service = StreamableHttpService::new(
        move || Ok(tools.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Router::new()
        .route_service(PATH, service)
        .layer(from_fn_with_state(Arc::clone(api), admit))
}

/// Lets in who may read, and tells the tools who it is.
async fn admit(caller: Reader, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Serves the library of the settings over standard input and output until they are closed.
///
/// # Errors
/// When the library cannot be opened, or the other side does not speak the protocol.
pub fn serve_stdio(settings: &Settings) -> anyhow::Result<()> {
    let library = FollowedLibrary::open(settings, &mut |_| {})?;
    let phrases = Phrases::of(settings.display_language());
    let tools = Tools {
        source: Source::Library(Arc::new(library), settings.viewer(), phrases),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let running = tools.serve(stdio_pipes()).await;
        let running = running.context("the program at standard input does not speak the Model Context Protocol")?;
        running.waiting().await.context("serving the Model Context Protocol")
    });
    // A read of standard input that is under way cannot be called off.
    runtime.shutdown_background();
    served.map(drop)
}
