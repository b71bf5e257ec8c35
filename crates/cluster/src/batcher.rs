//! Gathers single requests of many callers into few messages.
//!
//! A lone caller's request is sent at once. While several callers are at work, each of whom waits for
//! its reply before it asks again, the message after a reply waits a moment for all of them: one round
//! of the metadata quorum then serves them together instead of one after the other.
//!
//! What nobody has answered may be sent again, in the same order and before everything later. Only callers
//! give up: what no caller waits for any more is not sent again.

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

/// What came of a batch.
pub(crate) type Exchanged<T, R> = Result<Answered<T, R>, Unanswered<T>>;

/// Somebody has answered.
#[derive(Debug)]
pub(crate) struct Answered<T, R> {
    /// Results of the first requests of the batch, in their order.
    pub(crate) results: Vec<R>,
    /// The others, whose answers did not fit the reply: they are sent again.
    pub(crate) rest: Vec<T>,
}

/// Nobody has answered a batch.
#[derive(Debug)]
pub(crate) enum Unanswered<T> {
    /// Its callers hear of it.
    Failed(Errno),
    /// It is to be sent again as long as somebody waits for it.
    Again(Vec<T>),
}

#[derive(Debug)]
pub(crate) struct Batcher<T, R>(Arc<Queue<T, R>>);

/// Who waits for the result of a request.
type Waiter<R> = oneshot::Sender<Result<R, Errno>>;

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
    queue: VecDeque<(T, Waiter<R>)>,
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
        F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Exchanged<T, R>> + Send,
    {
        self.enqueue(item, exchange).await.unwrap_or(Err(Errno::EIO))
    }

    /// Sends one request in some batch after all that were enqueued before. Within the runtime.
    pub(crate) fn enqueue<F, Fut>(&self, item: T, exchange: F) -> oneshot::Receiver<Result<R, Errno>>
    where
        F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Exchanged<T, R>> + Send,
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
    Fut: Future<Output = Exchanged<T, R>>,
{
    loop {
        if queue.linger {
            linger(queue).await;
        }
        let batch: Vec<(T, Waiter<R>)> = {
            let mut state = queue.state.lock();
            let count = state.queue.len().min(queue.items_max);
            if count == 0 {
                state.running -= 1;
                return;
            }
            state.queue.drain(..count).collect()
        };
        let (count, begun) = (batch.len(), Instant::now());
        exchange_all(batch, &exchange).await;
        let mut state = queue.state.lock();
        let seen = (count + state.queue.len()).min(EXPECTED_MAX);
        state.expected = seen.max((state.expected + seen) / 2);
        state.took = begun.elapsed();
    }
}

/// Exchanges a batch, again and again if need be, and tells its callers.
async fn exchange_all<T, R, F, Fut>(batch: Vec<(T, Waiter<R>)>, exchange: &F)
where
    F: Fn(Vec<T>) -> Fut,
    Fut: Future<Output = Exchanged<T, R>>,
{
    let (mut items, mut waiters): (Vec<T>, Vec<_>) = batch.into_iter().unzip();
    while !items.is_empty() {
        let errno = match exchange(items).await {
            Ok(Answered { results, rest })
                if !results.is_empty() && results.len() + rest.len() == waiters.len() =>
            {
                let later = waiters.split_off(results.len());
                // A caller that gave up does not take its result.
                waiters.into_iter().zip(results).for_each(|(w, r)| drop(w.send(Ok(r))));
                (items, waiters) = (rest, later);
                continue;
            }
            Ok(_) => Errno::EPROTO,
            Err(Unanswered::Failed(errno)) => errno,
            Err(Unanswered::Again(again)) => {
                let waited_for = again.into_iter().zip(waiters).filter(|(_, waiter)| !waiter.is_closed());
                (items, waiters) = waited_for.unzip();
                continue;
            }
        };
        waiters.into_iter().for_each(|w| drop(w.send(Err(errno))));
        return;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_nobody_answers_is_sent_again_in_order_as_long_as_somebody_waits_for_it() {
        let batcher = Batcher::<u32, u32>::new(1, 8, false);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let exchange = |answers: bool| {
            let sent = sent.clone();
            move |items: Vec<u32>| {
                let (sent, rounds) = (sent.clone(), sent.lock().len());
                async move {
                    sent.lock().push(items.clone());
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let answered = answers && rounds >= 3;
                    if answered { Ok(all(items)) } else { Err(Unanswered::Again(items)) }
                }
            }
        };
        let patient = batcher.enqueue(1, exchange(true));
        let impatient = batcher.enqueue(2, exchange(true));
        let later = batcher.enqueue(3, exchange(true));
        tokio::time::sleep(Duration::from_millis(15)).await;
        drop(impatient);
        assert_eq!((patient.await.unwrap(), later.await.unwrap()), (Ok(1), Ok(3)));
        let sent = sent.lock();
        assert_eq!((&sent[0][..], &sent[sent.len() - 1][..]), (&[1, 2, 3][..], &[1, 3][..]));
    }

    fn all(results: Vec<u32>) -> Answered<u32, u32> {
        Answered { results, rest: Vec::new() }
    }

    #[tokio::test]
    async fn requests_whose_answers_did_not_fit_the_reply_are_sent_again() {
        let batcher = Batcher::<u32, u32>::new(1, 8, false);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let exchange = || {
            let sent = sent.clone();
            move |mut items: Vec<u32>| {
                sent.lock().push(items.clone());
                async move {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let rest = items.split_off(items.len().min(2));
                    Ok(Answered { results: items, rest })
                }
            }
        };
        let asked: Vec<_> = (1..=5).map(|item| batcher.enqueue(item, exchange())).collect();
        for (item, answer) in (1..).zip(asked) {
            assert_eq!(answer.await.unwrap(), Ok(item));
        }
        assert_eq!(*sent.lock(), [vec![1, 2, 3, 4, 5], vec![3, 4, 5], vec![5]]);
    }

    #[tokio::test]
    async fn nothing_is_sent_once_nobody_waits() {
        let batcher = Batcher::<u32, u32>::new(1, 8, false);
        let (gone, mut noticed) = tokio::sync::mpsc::unbounded_channel();
        let exchange = move |items: Vec<u32>| {
            let gone = gone.clone();
            async move {
                gone.send(()).ok();
                tokio::task::yield_now().await;
                Err(Unanswered::Again(items))
            }
        };
        drop(batcher.enqueue(1, exchange));
        // The task ends with the exchange it holds.
        while noticed.recv().await.is_some() {}
    }
}
