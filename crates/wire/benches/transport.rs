//! Requests per second and bytes per second between two runtimes of one process: empty messages and 1 MiB
//! payloads, echoed, many in flight.
//!
//! `cargo bench -p isobar-wire`

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use isobar_base::{BufPool, ClusterId};
use isobar_wire::transport::{Tcp, Transport};
use isobar_wire::{Channel, CredentialSet, Handler, Opcode, Protection, Request, Responder, Role, serve};
use tokio::runtime::Runtime;

const RUN: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;
const POOL_BYTES: usize = 256 << 20;

/// Answers at once with what it got.
struct Echo;

impl Handler for Echo {
    fn handle(&self, request: Request, responder: Responder) {
        responder.reply_raw(&request.body, vec![Bytes::from_owner(request.payload)]);
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Replies per second with `in_flight` requests at a time, each with `payload`.
async fn rate(channel: Channel, in_flight: usize, payload: Bytes) -> f64 {
    let begun = Instant::now();
    let asking = (0..in_flight).map(|_| {
        let (channel, payload) = (channel.clone(), payload.clone());
        tokio::spawn(async move {
            let mut replies = 0u64;
            while begun.elapsed() < RUN {
                let payload = if payload.is_empty() { Vec::new() } else { vec![payload.clone()] };
                let (_, echoed) =
                    channel.call_raw(Opcode::Get, b"", payload.clone(), 10 * RUN).await.unwrap();
                assert_eq!(echoed.len(), payload.iter().map(Bytes::len).sum::<usize>());
                replies += 1;
            }
            replies
        })
    });
    let asking: Vec<_> = asking.collect();
    let mut replies = 0;
    for task in asking {
        replies += task.await.unwrap();
    }
    replies as f64 / begun.elapsed().as_secs_f64()
}

fn main() {
    let set = CredentialSet::generate(ClusterId(1)).unwrap();
    for protection in [Protection::Clear, Protection::Encrypted] {
        let (asking, answering) = (runtime(), runtime());
        let credential = set.get(Role::Node, protection);
        let listener = answering.block_on(Tcp.listen(&"127.0.0.1:0".parse().unwrap())).unwrap();
        let addr = listener.addr();
        answering.spawn(serve(listener, credential.clone(), BufPool::new(POOL_BYTES), Arc::new(Echo)));
        let channel = Channel::new(&addr, Arc::new(Tcp), credential, BufPool::new(POOL_BYTES));
        for round in 1..=ROUNDS {
            let one = asking.block_on(asking.spawn(rate(channel.clone(), 1, Bytes::new()))).unwrap();
            let many = asking.block_on(asking.spawn(rate(channel.clone(), 64, Bytes::new()))).unwrap();
            let payload = Bytes::from(vec![7; 1 << 20]);
            let before = cpu_seconds();
            let begun = Instant::now();
            let bulk = asking.block_on(asking.spawn(rate(channel.clone(), 8, payload))).unwrap();
            let carried = 2.0 * bulk * begun.elapsed().as_secs_f64() / 1024.0;
            let cpu = (cpu_seconds() - before) / carried;
            println!(
                "{protection:?} {round}: empty, 1 at a time {one:.0}/s, 64 at a time {many:.0}/s; \
                 1 MiB echoed, 8 at a time {bulk:.0} MiB/s each way, {cpu:.2} CPU s/GiB"
            );
        }
    }
}

/// CPU time of this process, both sides, in seconds.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
