//! Work that takes a processor is done off the threads that serve connections, so many at once as there are processors.
//! A few more may wait, a short time; the rest are told to come back, so that the server never stalls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::problem::{Answer, Problem};

/// Who may wait, for each that is at work.
const WAITING_PER_PERMIT: usize = 32;
/// How long.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The right to use processors.
pub(super) struct Permits {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Permits {
    /// As many as are given.
    pub(super) fn new(count: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(count)),
            waiting: AtomicUsize::new(0),
            waiting_max: count * WAITING_PER_PERMIT,
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Does `work` on a thread of its own as soon as there is a permit.
    ///
    /// # Errors
    /// 503 when too many wait, or it took too long; else what `work` says.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Answer<T> + Send + 'static) -> Answer<T> {
        let waiting = Waiting::enter(&self.waiting, self.waiting_max).ok_or_else(Problem::busy)?;
        let permit = timeout(WAIT_MAX, Arc::clone(&self.permits).acquire_owned()).await;
        drop(waiting);
        let Ok(Ok(permit)) = permit else {
            return Err(Problem::busy());
        };
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _held = permit;
            span.in_scope(work)
        });
        done.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a call panicked");
            Err(Problem::internal())
        })
    }
}

/// One that waits; leaves when dropped, however its connection ended.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize, max: usize) -> Option<Self> {
        let entered = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < max).then_some(entered)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_turns_away_and_recovers() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let permits = Arc::new(Permits::new(1));
            let (release, wait) = std::sync::mpsc::channel::<()>();
            let first = {
                let permits = Arc::clone(&permits);
                tokio::spawn(async move { permits.run(move || Ok(wait.recv().is_ok())).await })
            };
            while permits.permits.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            let waiting: Vec<_> = (0..WAITING_PER_PERMIT)
                .map(|_| {
                    let permits = Arc::clone(&permits);
                    tokio::spawn(async move { permits.run(|| Ok(true)).await })
                })
                .collect();
            while permits.waiting.load(Ordering::Relaxed) < WAITING_PER_PERMIT {
                tokio::task::yield_now().await;
            }
            assert!(
                permits.run(|| Ok(true)).await.is_err(),
                "one too many is turned away at once"
            );
            release.send(()).unwrap();
            assert!(first.await.unwrap().unwrap());
            for one in waiting {
                assert!(one.await.unwrap().unwrap());
            }
            assert_eq!(permits.waiting.load(Ordering::Relaxed), 0);
        });
    }
}
