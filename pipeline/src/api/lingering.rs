//! A caller who is refused while still sending must be able to read why: a connection that is closed on unread bytes takes
//! the answer with it. So what is still coming is read and thrown away, for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream::{Stream, poll_fn};
use tokio::time::timeout;

/// How much is read of a body that nobody wants, and for how long.
const BYTES_MAX: usize = 64 << 20;
const TIME_MAX: Duration = Duration::from_secs(10);

/// Lends the body to the handler and reads what it leaves.
pub(super) async fn hear_out(request: Request, next: Next) -> Response {
    // Who asks before sending has not sent anything.
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body.into_data_stream()));
    let lent = Body::from_stream(pieces(Arc::clone(&body)));
    let response = next.run(Request::from_parts(head, lent)).await;
    // Beside the answer, which goes out meanwhile.
    tokio::spawn(timeout(TIME_MAX, throw_away(body)));
    response
}

async fn throw_away(body: Arc<Mutex<BodyDataStream>>) {
    let (mut pieces, mut bytes) = (pieces(body), 0);
    while let Some(Ok(piece)) = pieces.next().await {
        bytes += piece.len();
        if bytes > BYTES_MAX {
            return;
        }
    }
}

fn pieces(body: Arc<Mutex<BodyDataStream>>) -> impl Stream<Item = Result<Bytes, axum::Error>> + Unpin {
    poll_fn(move |context| {
        let mut body = body.lock().unwrap_or_else(PoisonError::into_inner);
        body.poll_next_unpin(context)
    })
}
