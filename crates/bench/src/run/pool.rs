//! The worker processes and the barrier between phases.

use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::launch::{Launcher, Started};
use super::live::Live;
use super::message::{Order, Reply};
use super::observer::Observer;
use super::setup::Cancel;
use super::watch::{Used, Watched};
use crate::backend::Target;
use crate::clock;
use crate::error::{BenchError, Result};
use crate::phase::Phase;
use crate::record::RankReport;
use crate::task::Task;

/// Time between the word to go and the moment to begin: long enough for the word to reach everyone.
const START_DELAY_NS: u64 = 5_000_000;
/// How often the coordinator looks whether it was called off.
const LOOK_AROUND: Duration = Duration::from_millis(100);
/// How long a worker may take to close its session.
const END_WAIT: Duration = Duration::from_secs(10);

/// Something a worker said, or its end.
type Event = (u32, Option<Reply>);

/// A phase and what single workers said that is not in it.
pub(crate) struct Outcome {
    pub phase: Phase,
    pub reports: Vec<RankReport>,
}

/// All worker processes of a measurement.
pub struct WorkerPool {
    workers: Vec<Worker>,
    /// A phase runs, or ended with an error: workers do not listen.
    busy: bool,
    inbox: Receiver<Event>,
    cancel: Cancel,
}

struct Worker {
    child: Option<Child>,
    orders: Option<Box<dyn Write + Send>>,
}

impl WorkerPool {
    pub fn start(
        launcher: &Launcher,
        target: &Target,
        processes: u32,
        cancel: &Cancel,
    ) -> Result<WorkerPool> {
        let (outbox, inbox) = channel();
        let mut pool = WorkerPool { workers: Vec::new(), busy: false, inbox, cancel: cancel.clone() };
        for rank in 0..processes {
            let Started { child, orders, replies } = launcher.start()?;
            pool.workers.push(Worker { child, orders: Some(orders) });
            let outbox = outbox.clone();
            std::thread::spawn(move || listen(rank, BufReader::new(replies), &outbox));
        }
        for rank in 0..processes {
            pool.send(rank, &Order::Connect { rank, target: target.clone() })?;
        }
        pool.await_ready(processes)?;
        Ok(pool)
    }

    pub fn len(&self) -> u32 {
        self.workers.len() as u32
    }

    /// New sessions for all.
    pub fn reconnect(&mut self) -> Result<()> {
        for rank in 0..self.len() {
            self.send(rank, &Order::Reconnect)?;
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
            self.send(rank, &Order::Prepare(Box::new(task)))?;
        }
        self.await_ready(ranks.len() as u32)?;
        observer.begins(name);
        let before = Used::now(watched);
        let at_ns = clock::now_ns() + START_DELAY_NS;
        for rank in &ranks {
            self.send(*rank, &Order::Go { at_ns })?;
        }
        self.busy = true;
        let reports = self.gather(name, ranks.len(), at_ns, observer)?;
        self.busy = false;
        let cpu = Used::now(watched).since(&before);
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
                Some((rank, Reply::Tick { read, write })) => live.update(rank, read, write),
                Some((rank, Reply::Done(report))) => {
                    live.update(rank, report.read.total(), report.write.total());
                    reports.push(*report);
                }
                Some((_, Reply::Ready)) | None => {}
                Some((_, Reply::Failed { text, no_space })) => return Err(failure(text, no_space)),
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
                Some((_, Reply::Failed { text, no_space })) => return Err(failure(text, no_space)),
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

    fn send(&mut self, rank: u32, order: &Order) -> Result<()> {
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
            self.send(rank, &Order::End).ok();
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

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.stop();
    }
}

fn failure(text: String, no_space: bool) -> BenchError {
    if no_space { BenchError::NoSpace(text) } else { BenchError::Failed(text) }
}

fn listen(rank: u32, replies: impl BufRead, outbox: &Sender<Event>) {
    for line in replies.lines() {
        let Some(reply) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
        if outbox.send((rank, Some(reply))).is_err() {
            return;
        }
    }
    outbox.send((rank, None)).ok();
}
