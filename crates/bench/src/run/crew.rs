//! The worker processes and the barrier between phases.

use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::launch::{Launcher, Started};
use super::message::{Order, Reply};
use super::watch::{Watched, used};
use super::{Cancel, Observer, Outcome, Rates};
use crate::backend::Target;
use crate::clock;
use crate::error::{BenchError, Result};
use crate::phase::{Cpu, Phase};
use crate::record::RankReport;
use crate::task::Task;
use crate::window::Counts;

/// Time between the word to go and the moment to begin: long enough for the word to reach everyone.
const START_DELAY_NS: u64 = 5_000_000;
/// How often the coordinator looks whether it was called off.
const LOOK_AROUND: Duration = Duration::from_millis(100);
/// How long a worker may take to close its session.
const END_WAIT: Duration = Duration::from_secs(10);
const RATES_EVERY_NS: u64 = 1_000_000_000;

/// Something a worker said, or its end.
type Heard = (u32, Option<Reply>);

pub struct Crew {
    workers: Vec<Worker>,
    /// A phase runs, or ended with an error: workers do not listen.
    busy: bool,
    inbox: Receiver<Heard>,
    cancel: Cancel,
}

struct Worker {
    child: Option<Child>,
    orders: Option<Box<dyn Write + Send>>,
}

impl Crew {
    pub fn start(launcher: &Launcher, target: &Target, processes: u32, cancel: &Cancel) -> Result<Crew> {
        let (outbox, inbox) = channel();
        let mut crew = Crew { workers: Vec::new(), busy: false, inbox, cancel: cancel.clone() };
        for rank in 0..processes {
            let Started { child, orders, replies } = launcher.start()?;
            crew.workers.push(Worker { child, orders: Some(orders) });
            let outbox = outbox.clone();
            std::thread::spawn(move || listen(rank, BufReader::new(replies), &outbox));
        }
        for rank in 0..processes {
            crew.say(rank, &Order::Connect { rank, target: target.clone() })?;
        }
        crew.await_ready(processes)?;
        Ok(crew)
    }

    pub fn len(&self) -> u32 {
        self.workers.len() as u32
    }

    /// New sessions for all.
    pub fn reconnect(&mut self) -> Result<()> {
        for rank in 0..self.len() {
            self.say(rank, &Order::Reconnect)?;
        }
        self.await_ready(self.len())
    }

    pub fn phase(
        &mut self,
        name: &str,
        tasks: Vec<(u32, Task)>,
        watched: &[Watched],
        observer: &mut dyn Observer,
    ) -> Result<Outcome> {
        let ranks: Vec<u32> = tasks.iter().map(|(rank, _)| *rank).collect();
        for (rank, task) in tasks {
            self.say(rank, &Order::Prepare(Box::new(task)))?;
        }
        self.await_ready(ranks.len() as u32)?;
        observer.begins(name);
        let before = used(watched);
        let at_ns = clock::now_ns() + START_DELAY_NS;
        for rank in &ranks {
            self.say(*rank, &Order::Go { at_ns })?;
        }
        self.busy = true;
        let reports = self.gather(name, ranks.len(), at_ns, observer)?;
        self.busy = false;
        let after = used(watched);
        let cpu = Cpu {
            mounts_seconds: after.mounts_seconds - before.mounts_seconds,
            servers_seconds: after.servers_seconds - before.servers_seconds,
            watched: after.watched,
            ..Cpu::default()
        };
        Ok(Outcome { phase: Phase::of(name, &reports, cpu), reports })
    }

    fn gather(
        &mut self,
        name: &str,
        count: usize,
        at_ns: u64,
        observer: &mut dyn Observer,
    ) -> Result<Vec<RankReport>> {
        let mut reports: Vec<RankReport> = Vec::new();
        let mut live = Live::new(self.workers.len(), at_ns);
        while reports.len() < count {
            match self.next()? {
                Some((rank, Reply::Tick { read, write })) => live.heard(rank, read, write),
                Some((rank, Reply::Done(report))) => {
                    live.heard(rank, report.read.total(), report.write.total());
                    reports.push(*report);
                }
                Some((_, Reply::Ready)) | None => {}
                Some((_, Reply::Failed { text, no_space })) => return Err(told(text, no_space)),
            }
            if let Some(rates) = live.rates(clock::now_ns()) {
                observer.rates(name, &rates);
            }
        }
        reports.sort_by_key(|report| report.rank);
        Ok(reports)
    }

    fn await_ready(&mut self, count: u32) -> Result<()> {
        let mut ready = 0;
        while ready < count {
            match self.next()? {
                Some((_, Reply::Ready)) => ready += 1,
                Some((_, Reply::Failed { text, no_space })) => return Err(told(text, no_space)),
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// What is heard next, or nothing for a while.
    fn next(&mut self) -> Result<Option<(u32, Reply)>> {
        if self.cancel.is_called_off() {
            return Err(BenchError::CalledOff);
        }
        match self.inbox.recv_timeout(LOOK_AROUND) {
            Ok((rank, Some(reply))) => Ok(Some((rank, reply))),
            Ok((rank, None)) => Err(BenchError::Failed(format!("worker process {rank} ended unexpectedly"))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(BenchError::Failed("all worker processes ended unexpectedly".to_owned()))
            }
        }
    }

    fn say(&mut self, rank: u32, order: &Order) -> Result<()> {
        let gone =
            |e: std::io::Error| BenchError::Failed(format!("worker process {rank} does not listen: {e}"));
        let mut line = serde_json::to_vec(order).map_err(|e| gone(e.into()))?;
        line.push(b'\n');
        let Some(orders) = self.workers.get_mut(rank as usize).and_then(|w| w.orders.as_mut()) else {
            return Err(BenchError::Failed(format!("there is no worker process {rank}")));
        };
        orders.write_all(&line).and_then(|()| orders.flush()).map_err(gone)
    }

    /// Ends all workers: those that have nothing to do in order, those that still work by force.
    pub fn stop(&mut self) {
        for rank in 0..self.len() {
            self.say(rank, &Order::End).ok();
        }
        for worker in &mut self.workers {
            worker.orders = None;
        }
        let begun = Instant::now();
        for worker in &mut self.workers {
            let Some(mut child) = worker.child.take() else { continue };
            let patience = if self.busy { Duration::ZERO } else { END_WAIT };
            while !matches!(child.try_wait(), Ok(Some(_))) && begun.elapsed() < patience {
                std::thread::sleep(Duration::from_millis(5));
            }
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.stop();
    }
}

fn told(text: String, no_space: bool) -> BenchError {
    if no_space { BenchError::NoSpace(text) } else { BenchError::Failed(text) }
}

fn listen(rank: u32, replies: impl BufRead, outbox: &Sender<Heard>) {
    for line in replies.lines() {
        let Some(reply) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
        if outbox.send((rank, Some(reply))).is_err() {
            return;
        }
    }
    outbox.send((rank, None)).ok();
}

/// Rates from what workers say now and then.
struct Live {
    begin_ns: u64,
    last_ns: u64,
    last: (Counts, Counts),
    now: Vec<(Counts, Counts)>,
}

impl Live {
    fn new(workers: usize, begin_ns: u64) -> Live {
        Live { begin_ns, last_ns: begin_ns, last: Default::default(), now: vec![Default::default(); workers] }
    }

    fn heard(&mut self, rank: u32, read: Counts, write: Counts) {
        if let Some(of) = self.now.get_mut(rank as usize) {
            *of = (read, write);
        }
    }

    fn rates(&mut self, now_ns: u64) -> Option<Rates> {
        let passed = now_ns.saturating_sub(self.last_ns);
        if passed < RATES_EVERY_NS {
            return None;
        }
        let sum = |of: fn(&(Counts, Counts)) -> Counts| {
            self.now.iter().map(of).fold(Counts::default(), |a, b| Counts {
                bytes: a.bytes + b.bytes,
                operations: a.operations + b.operations,
            })
        };
        let (read, written) = (sum(|w| w.0), sum(|w| w.1));
        let seconds = passed as f64 / 1e9;
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let rates = Rates {
            at_seconds: clock::seconds(self.begin_ns, now_ns),
            interval_seconds: seconds,
            read_bytes_per_second: rate(read.bytes, self.last.0.bytes),
            written_bytes_per_second: rate(written.bytes, self.last.1.bytes),
            reads_per_second: rate(read.operations, self.last.0.operations),
            writes_per_second: rate(written.operations, self.last.1.operations),
        };
        (self.last_ns, self.last) = (now_ns, (read, written));
        Some(rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_rates_are_differences_over_the_time_that_passed() {
        let mut live = Live::new(2, 0);
        let counts = |bytes| Counts { bytes, operations: bytes / 10 };
        live.heard(0, counts(100), counts(0));
        live.heard(1, counts(300), counts(500));
        assert_eq!(live.rates(999_999_999), None);
        let rates = live.rates(2_000_000_000).expect("two seconds");
        assert_eq!((rates.read_bytes_per_second, rates.written_bytes_per_second), (200.0, 250.0));
        assert_eq!(rates.writes_per_second, 25.0);
        live.heard(0, counts(1_100), counts(0));
        let rates = live.rates(3_000_000_000).expect("one more");
        assert_eq!((rates.read_bytes_per_second, rates.written_bytes_per_second), (1_000.0, 0.0));
        assert_eq!(rates.at_seconds, 3.0);
    }
}
