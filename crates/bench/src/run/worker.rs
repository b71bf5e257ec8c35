//! One of the processes that make the calls.

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::message::{Order, Reply};
use crate::backend::{Backend, Target};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::record::{Recorder, Side, Totals};
use crate::task::{Job, Task};

const TICK: Duration = Duration::from_millis(250);

/// Is a worker until told to end, or until the coordinator is gone. The hidden subcommand of the binary
/// ends up here, with its standard input and output.
///
/// # Errors
/// When nobody listens any more.
pub fn serve(orders: impl BufRead, replies: impl Write + Send + 'static) -> std::io::Result<()> {
    let replies = Arc::new(Mutex::new(replies));
    let mut worker = Worker { rank: 0, target: Target::Posix, backend: None, task: None };
    for line in orders.lines() {
        let order = serde_json::from_str(&line?)?;
        if matches!(order, Order::End) {
            break;
        }
        let reply = match worker.obey(order, &replies) {
            Ok(None) => continue,
            Ok(Some(reply)) => reply,
            Err(error) => {
                let no_space = matches!(error, BenchError::NoSpace(_));
                Reply::Failed { text: error.to_string(), no_space }
            }
        };
        say(&replies, &reply)?;
    }
    if let Some(backend) = worker.backend {
        backend.close();
    }
    Ok(())
}

struct Worker {
    rank: u32,
    target: Target,
    backend: Option<Box<dyn Backend>>,
    task: Option<Task>,
}

impl Worker {
    fn obey<W: Write + Send + 'static>(
        &mut self,
        order: Order,
        replies: &Arc<Mutex<W>>,
    ) -> Result<Option<Reply>> {
        match order {
            Order::Connect { rank, target } => {
                (self.rank, self.target) = (rank, target);
                self.connect()?;
                Ok(Some(Reply::Ready))
            }
            Order::Reconnect => {
                self.connect()?;
                Ok(Some(Reply::Ready))
            }
            Order::Prepare(task) => {
                self.task = Some(*task);
                Ok(Some(Reply::Ready))
            }
            Order::Go { at_ns } => self.work(at_ns, replies).map(Some),
            Order::End => Ok(None),
        }
    }

    fn connect(&mut self) -> Result<()> {
        if let Some(old) = self.backend.take() {
            old.close();
        }
        self.backend = Some(self.target.connect(&format!("bench:{}", self.rank))?);
        Ok(())
    }

    fn work<W: Write + Send + 'static>(&mut self, at_ns: u64, replies: &Arc<Mutex<W>>) -> Result<Reply> {
        let out_of_order = || BenchError::Failed("a worker was told to go before it was prepared".to_owned());
        let backend = self.backend.as_deref().ok_or_else(out_of_order)?;
        let task = self.task.take().ok_or_else(out_of_order)?;
        let totals = Arc::new(Totals::default());
        let done = Arc::new(AtomicBool::new(false));
        let ticker = {
            let (totals, done, replies) = (totals.clone(), done.clone(), replies.clone());
            std::thread::spawn(move || tick(&totals, &done, &replies))
        };
        clock::sleep_until(at_ns);
        let recorder = Recorder::begin(self.rank, at_ns, totals);
        let mut job = Job { backend, recorder };
        let outcome = task.run(&mut job);
        let report = job.recorder.end();
        done.store(true, Ordering::Release);
        ticker.thread().unpark();
        ticker.join().ok();
        outcome.map(|()| Reply::Done(Box::new(report)))
    }
}

fn tick<W: Write>(totals: &Totals, done: &AtomicBool, replies: &Mutex<W>) {
    loop {
        std::thread::park_timeout(TICK);
        if done.load(Ordering::Acquire) {
            return;
        }
        let reply = Reply::Tick { read: totals.of(Side::Read), write: totals.of(Side::Write) };
        if say(replies, &reply).is_err() {
            // The coordinator is gone: nobody wants the rest.
            std::process::exit(1);
        }
    }
}

fn say<W: Write>(replies: &Mutex<W>, reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    let mut out = replies.lock().map_err(|_| std::io::Error::other("a reply was cut off"))?;
    out.write_all(&line)?;
    out.flush()
}
