//! Gathers single requests of many callers into few messages.
//!
//! A lone caller's request is sent at once. While several callers are at work, each of whom waits for
//! its reply before it asks again, the message after a reply waits a moment for all of them: one round
//! of the metadata quorum then serves them together instead of one after the other.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::Errno;
use parking_lot::Mutex;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, oneshot};

/// The moment is at most this long, ...
const LINGER_MAX: Duration = Duration::from_micros(300);
/// ... and at most this part of what the last message took.
const LINGER_PART: u32 = 2;
/// Callers waited for, at most: beyond, enough come by themselves.
const EXPECTED_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct Batcher<T, R>(Arc<Queue<T, R>>);

#[derive(Debug)]
struct Queue<T, R> {
    state: Mutex<State<T, R>>,
    /// Something was queued.
    queued: Notify,
    /// Messages under way at a time.
    messages_max: usize,
    /// Requests in one message: replies are bounded in bytes, too.
    items_max: usize,
    linger: bool,
}

#[derive(Debug)]
struct State<T, R> {
    queue: VecDeque<(T, oneshot::Sender<Result<R, Errno>>)>,
    running: usize,
    /// Callers at work lately.
    expected: usize,
    /// How long the last message took.
    took: Duration,
}

impl<T: Send + 'static, R: Send + 'static> Batcher<T, R> {
    /// A batcher with so many messages under way at a time, of so many requests each. `linger`: wait a moment
    /// for company.
    pub(crate) fn new(messages_max: usize, items_max: usize, linger: bool) -> Batcher<T, R> {
        let state = State { queue: VecDeque::new(), running: 0, expected: 1, took: Duration::ZERO };
        Batcher(Arc::new(Queue {
            state: Mutex::new(state),
            queued: Notify::new(),
            messages_max,
            items_max,
            linger,
        }))
    }

    /// Sends one request in some batch. `exchange` carries a batch and gives a result for each.
    pub(crate) async fn submit<F, Fut>(&self, item: T, exchange: F) -> Result<R, Errno>
    where
        F: Fn(Vec<T>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Vec<R>, Errno>> + Send,
    {
        self.enqueue(item, exchange).await.unwrap_or(Err(Errno::EIO))
    }

    /// Sends one request in some batch after all that were enqueued before. Within the runtime.
    pub(crate) fn enqueue<F, Fut>(&self, item: T, exchange: F) -> oneshot::Receiver<Result<R, Errno>>
    where
        F: Fn(Vec<T>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Vec<R>, Errno>> + Send,
    {
        let (sender, receiver) = oneshot::channel();
        let start = {
            let mut state = self.0.state.lock();
            state.queue.push_back((item, sender));
            let start = state.running < self.0.messages_max;
            state.running += usize::from(start);
            start
        };
        if start {
            let queue = self.0.clone();
            tokio::spawn(async move { run(&queue, exchange).await });
        } else {
            self.0.queued.notify_one();
        }
        receiver
    }
}

async fn run<T, R, F, Fut>(queue: &Queue<T, R>, exchange: F)
where
    F: Fn(Vec<T>) -> Fut,
    Fut: Future<Output = Result<Vec<R>, Errno>>,
{
    loop {
        if queue.linger {
            linger(queue).await;
        }
        let (items, waiters): (Vec<T>, Vec<_>) = {
            let mut state = queue.state.lock();
            let count = state.queue.len().min(queue.items_max);
            if count == 0 {
                state.running -= 1;
                return;
            }
            state.queue.drain(..count).unzip()
        };
        let count = items.len();
        let begun = Instant::now();
        let results = exchange(items).await;
        {
            let mut state = queue.state.lock();
            let seen = (count + state.queue.len()).min(EXPECTED_MAX);
            state.expected = seen.max((state.expected + seen) / 2);
            state.took = begun.elapsed();
        }
        match results {
            Ok(results) if results.len() == waiters.len() => {
                // A caller that gave up does not take its result.
                waiters.into_iter().zip(results).for_each(|(w, r)| drop(w.send(Ok(r))));
            }
            Ok(_) => waiters.into_iter().for_each(|w| drop(w.send(Err(Errno::EPROTO)))),
            Err(errno) => waiters.into_iter().for_each(|w| drop(w.send(Err(errno)))),
        }
    }
}

/// Waits a moment until as many are queued as were at work lately.
async fn linger<T, R>(queue: &Queue<T, R>) {
    let (queued, expected, took) = {
        let state = queue.state.lock();
        (state.queue.len(), state.expected, state.took)
    };
    if queued == 0 || queued >= expected {
        return;
    }
    let Some(timer) = ShortTimer::begin(LINGER_MAX.min(took / LINGER_PART)) else { return };
    loop {
        tokio::select! {
            () = queue.queued.notified() => {
                if queue.state.lock().queue.len() >= expected {
                    return;
                }
            }
            () = timer.over() => return,
        }
    }
}

/// A wait far shorter than the runtime's timers can be.
struct ShortTimer(AsyncFd<rustix::fd::OwnedFd>);

impl ShortTimer {
    #[allow(
        deprecated,
        reason = "the replacement is unsafe; an OwnedFd inside never changes, which is all it asks for"
    )]
    fn begin(length: Duration) -> Option<ShortTimer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
        let nothing = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec { tv_sec: 0, tv_nsec: length.subsec_nanos().max(1).into() };
        let once = Itimerspec { it_interval: nothing, it_value: value };
        rustix::time::timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once).ok()?;
        AsyncFd::with_interest(timer, Interest::READABLE).ok().map(ShortTimer)
    }

    async fn over(&self) {
        // An error of the descriptor ends the wait as well.
        self.0.readable().await.ok();
    }
}
