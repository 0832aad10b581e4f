//! Connections of the server. axum's own `serve` (0.8) waits without end for the head of a call, so that whoever opens
//! connections and says nothing holds a file of the process with each, until there are none left for others.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a connection may take to say what it wants: the first time, and after each call.
pub(super) const HEAD_MAX: Duration = Duration::from_secs(60);

/// Answers calls until `drained`, and then those that are under way.
pub(super) async fn serve(
    mut listener: TcpListener,
    routes: Router,
    head_max: Duration,
    drained: impl Future<Output = ()> + Send,
) {
    let (connections, ending) = (TaskTracker::new(), CancellationToken::new());
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(head_max);
    let mut drained = pin!(drained);
    loop {
        let stream = tokio::select! {
            (stream, _) = Listener::accept(&mut listener) => stream,
            () = &mut drained => break,
        };
        let service = TowerToHyperService::new(routes.clone());
        let connection = protocol.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let ending = ending.clone();
        connections.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = ending.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    ending.cancel();
    connections.close();
    connections.wait().await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;
    use tokio::time::{sleep, timeout};

    use super::*;

    const HEAD: Duration = Duration::from_millis(300);
    const CALL: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";

    /// What a connection hears to its end after `said`.
    async fn heard(address: std::net::SocketAddr, said: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut heard = Vec::new();
        let ended = timeout(20 * HEAD, stream.read_to_end(&mut heard)).await;
        ended.expect("the connection ends").unwrap();
        String::from_utf8(heard).unwrap()
    }

    #[tokio::test]
    async fn who_does_not_say_what_they_want_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let slow = || async {
            sleep(3 * HEAD).await;
            "answered"
        };
        let routes = Router::new()
            .route("/", get(|| async { "answered" }))
            .route("/slow", get(slow));
        let server = tokio::spawn(serve(listener, routes, HEAD, async move {
            let _ = stopped.await;
        }));
        assert_eq!(heard(address, b"").await, "");
        assert_eq!(heard(address, b"GET / HTTP/1.1\r\nhost: he").await, "");
        // After an answer the connection waits for the next call, and no longer than for the first.
        assert!(heard(address, CALL).await.ends_with("answered"));
        // An answer may take longer than a question, also when the server is told to end meanwhile.
        let waiting = tokio::spawn(async move { heard(address, b"GET /slow HTTP/1.1\r\nhost: here\r\n\r\n").await });
        sleep(HEAD).await;
        stop.send(()).unwrap();
        assert!(waiting.await.unwrap().ends_with("answered"));
        timeout(20 * HEAD, server).await.expect("the server ends").unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
