//! Listens, serves, and stops so that nothing that was accepted is lost.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use super::caller::Anonymous;
use super::connections;
use super::router::{ApiOptions, router};
use crate::service::worker::Workers;
use crate::service::{Service, ServiceOptions, retention, watch as watching};
use crate::settings::Settings;

/// How long calls that are under way may take to end when the server stops.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// How long connections may take to hear the end of what they follow.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// How a server runs.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where it listens: an address and a port.
    pub listen: String,
    /// How the interface behaves.
    pub api: ApiOptions,
    /// What the service is opened with.
    pub service: ServiceOptions,
    /// Folders whose files become jobs.
    pub watched: Vec<PathBuf>,
}

/// Serves until it is told to stop (SIGTERM, SIGINT). `on_ready` is told the address once calls are answered.
///
/// # Errors
/// When the address cannot be listened on, or the library cannot be opened for writing.
pub fn serve(settings: &Settings, options: ServeOptions, on_ready: &mut dyn FnMut(SocketAddr)) -> anyhow::Result<()> {
    let address = check_address(&options.listen, options.api.anonymous)?;
    // Before the library is opened, which takes a while: a port that is taken is told at once.
    let listener = std::net::TcpListener::bind(address).with_context(|| format!("listening on {address}"))?;
    listener.set_nonblocking(true)?;
    let service = Arc::new(Service::open(settings, options.service.clone())?);
    let workers = Workers::start(&service)?;
    let (stop_watching, watched_stops) = std::sync::mpsc::channel();
    let watcher = {
        let (service, folders) = (Arc::clone(&service), options.watched.clone());
        let builder = std::thread::Builder::new().name("watch".to_owned());
        builder.spawn(move || watching::watch(&service, &folders, &watched_stops))?
    };
    let (stop_retaining, retaining_stops) = std::sync::mpsc::channel();
    let retainer = {
        let service = Arc::clone(&service);
        let builder = std::thread::Builder::new().name("retention".to_owned());
        builder.spawn(move || retention::keep_on(&service, &retaining_stops))?
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(run(listener, &service, options.api, on_ready));
    // What streams on past the deadline is cut off.
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop((stop_watching, stop_retaining));
    for (name, thread) in [("watch", watcher), ("retention", retainer)] {
        if thread.join().is_err() {
            tracing::error!(name, "a thread had panicked");
        }
    }
    workers.stop();
    tracing::info!("stopped");
    served
}

async fn run(
    listener: std::net::TcpListener,
    service: &Arc<Service>,
    options: ApiOptions,
    on_ready: &mut dyn FnMut(SocketAddr),
) -> anyhow::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let routes = router(Arc::clone(service), options, stopping.clone());
    let held = Arc::clone(service);
    let listener = TcpListener::from_std(listener)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let address = listener.local_addr()?;
    tracing::info!(%address, meetings = service.catalog.len(), "ready");
    on_ready(address);
    let mut stopped = stopping;
    let drained = async move {
        // An error means that the sender is gone, and then it is over too.
        let _ = stopped.wait_for(|stopping| *stopping).await;
    };
    let mut serving = tokio::spawn(connections::serve(listener, routes, connections::HEAD_MAX, drained));
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: calls under way may end");
    let _ = stop.send(true);
    let ending = tokio::task::spawn_blocking(move || held.live.end_all(DRAIN_MAX));
    let (served, _) = tokio::join!(timeout(DRAIN_MAX, serving), ending);
    if served.is_err() {
        tracing::warn!("some calls did not end in time and are cut off");
    }
    // Everybody who follows something holds a receiver.
    let _ = timeout(FAREWELL_MAX, stop.closed()).await;
    Ok(())
}

/// The address to listen on, when it is one, and one that everybody may reach who is let in.
///
/// # Errors
/// When it is none, or anybody is let in who can reach more than this machine.
pub fn check_address(listen: &str, anonymous: Anonymous) -> anyhow::Result<SocketAddr> {
    let named = || format!("`{listen}` is no address to listen on: use one such as 127.0.0.1:8080");
    let address = listen
        .to_socket_addrs()
        .with_context(named)?
        .next()
        .with_context(named)?;
    if anonymous == Anonymous::IsOperator && !address.ip().is_loopback() {
        bail!(
            "--anonymous lets everybody in as the operator, so it is for loopback alone (127.0.0.1), not for {address}; \
             give out tokens instead: greffier tokens add"
        );
    }
    Ok(address)
}
