//! Gathers single requests of many callers into few messages.
//!
//! A request that finds no message under way is sent at once; those that arrive meanwhile share the
//! next one. Nothing waits for company.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use isobar_base::{Errno, limits};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Messages of one pipe under way at a time.
const MESSAGES_MAX: usize = 4;

#[derive(Debug)]
pub(crate) struct Pipe<T, R>(Arc<Mutex<State<T, R>>>);

#[derive(Debug)]
struct State<T, R> {
    queue: VecDeque<(T, oneshot::Sender<Result<R, Errno>>)>,
    running: usize,
}

impl<T, R> Default for Pipe<T, R> {
    fn default() -> Self {
        Pipe(Arc::new(Mutex::new(State { queue: VecDeque::new(), running: 0 })))
    }
}

impl<T: Send + 'static, R: Send + 'static> Pipe<T, R> {
    /// Sends one request through the pipe. `exchange` carries a batch and gives a result for each.
    pub(crate) async fn submit<F, Fut>(&self, item: T, exchange: F) -> Result<R, Errno>
    where
        F: Fn(Vec<T>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Vec<R>, Errno>> + Send,
    {
        let (sender, receiver) = oneshot::channel();
        let start = {
            let mut state = self.0.lock();
            state.queue.push_back((item, sender));
            let start = state.running < MESSAGES_MAX;
            state.running += usize::from(start);
            start
        };
        if start {
            let state = self.0.clone();
            tokio::spawn(async move { run(&state, exchange).await });
        }
        receiver.await.unwrap_or(Err(Errno::EIO))
    }
}

async fn run<T, R, F, Fut>(state: &Mutex<State<T, R>>, exchange: F)
where
    F: Fn(Vec<T>) -> Fut,
    Fut: Future<Output = Result<Vec<R>, Errno>>,
{
    loop {
        let (items, waiters): (Vec<T>, Vec<_>) = {
            let mut state = state.lock();
            let count = state.queue.len().min(limits::OPS_PER_MESSAGE_MAX);
            if count == 0 {
                state.running -= 1;
                return;
            }
            state.queue.drain(..count).unzip()
        };
        match exchange(items).await {
            Ok(results) if results.len() == waiters.len() => {
                // A caller that gave up does not take its result.
                waiters.into_iter().zip(results).for_each(|(w, r)| drop(w.send(Ok(r))));
            }
            Ok(_) => waiters.into_iter().for_each(|w| drop(w.send(Err(Errno::EPROTO)))),
            Err(errno) => waiters.into_iter().for_each(|w| drop(w.send(Err(errno)))),
        }
    }
}
