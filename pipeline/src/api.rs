//! The HTTP interface: one file per resource. Nothing here makes minutes or ranks: every handler finds out who asks,
//! calls what the commands call, and writes the answer down.

mod actions;
mod assets;
mod caller;
mod conditional;
mod connections;
mod corrections;
mod exports;
mod guard;
mod health;
mod input;
mod jobs;
mod lingering;
mod live;
mod live_socket;
mod mcp;
mod meetings;
mod metrics;
mod page;
mod people;
mod permits;
mod problem;
mod recommendations;
mod router;
mod search;
mod server;
mod session;
mod transcriptions;
mod uploads;
mod webhooks;
mod wire;

pub use self::caller::Anonymous;
pub use self::mcp::serve_stdio as serve_mcp_over_stdio;
pub use self::router::{ApiOptions, openapi, router};
pub use self::server::{ServeOptions, check_address, serve};
