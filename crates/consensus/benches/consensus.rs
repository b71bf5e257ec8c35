//! Durable proposals per second of five replicas in one process, over an in-memory transport and real files.
//!
//! `cargo bench -p isobar-consensus`; the directory is `ISOBAR_BENCH_DIR` or the system's temporary one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use isobar_base::Kv;
use isobar_consensus::{Group, GroupConfig, Member, Reply, Rpc, StateMachine, Transport, TransportError};

const VOTERS: usize = 5;
const ENTRY_BYTES: usize = 300;
const RUN: Duration = Duration::from_secs(4);

struct Put;

impl StateMachine for Put {
    fn apply(&self, kv: &mut dyn Kv, index: u64, entry: &[u8]) -> Vec<u8> {
        kv.put(&index.to_be_bytes(), entry.to_vec());
        Vec::new()
    }
}

#[derive(Clone, Default)]
struct Hub(Arc<Mutex<HashMap<u64, Group>>>);

impl Transport for Hub {
    fn call(&self, peer: &Member, rpc: Rpc, body: Vec<u8>, timeout: Duration) -> Reply {
        let group = self.0.lock().unwrap().get(&peer.id).cloned();
        Box::pin(async move {
            let group = group.ok_or_else(|| TransportError::Unreachable("not there".into()))?;
            // As a message would: answered by a task of the receiver's.
            let answer = tokio::spawn(async move { group.handle(rpc, &body).await });
            let answer = tokio::time::timeout(timeout, answer).await.map_err(|_| TransportError::Timeout)?;
            answer
                .map_err(|e| TransportError::Refused(e.to_string()))?
                .map_err(|e| TransportError::Refused(e.to_string()))
        })
    }
}

/// CPU time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let root = std::env::var_os("ISOBAR_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let dir = tempfile::tempdir_in(root).unwrap();
    let hub = Hub::default();
    let members: Vec<Member> =
        (1..=VOTERS as u64).map(|id| Member { id, name: format!("n{id}"), addr: String::new() }).collect();
    for member in &members {
        let config = GroupConfig::new(dir.path().join(&member.name), member.clone(), 0);
        let group = Group::open(config, Arc::new(Put), Arc::new(hub.clone())).await.unwrap();
        hub.0.lock().unwrap().insert(member.id, group);
    }
    let groups: Vec<Group> = members.iter().map(|m| hub.0.lock().unwrap()[&m.id].clone()).collect();
    groups[0].initialize(members).await.unwrap();
    let leader = loop {
        if let Some(group) = groups.iter().find(|g| g.is_leader())
            && group.read_index().await.is_ok()
        {
            break group.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    println!("{VOTERS} voters, entries of {ENTRY_BYTES} bytes, {} s per row", RUN.as_secs());
    println!("in flight | proposals/s |  p50 ms |  p99 ms | CPU us each");
    for in_flight in [1, 8, 64] {
        run(&leader, in_flight, Duration::from_millis(500)).await;
        let (before, start) = (cpu(), Instant::now());
        let mut latencies = run(&leader, in_flight, RUN).await;
        let (used, elapsed) = (cpu() - before, start.elapsed());
        latencies.sort_unstable();
        let ms = |q: f64| latencies[((latencies.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
        let count = latencies.len() as f64;
        println!(
            "{in_flight:9} | {:11.0} | {:7.3} | {:7.3} | {:8.1}",
            count / elapsed.as_secs_f64(),
            ms(0.5),
            ms(0.99),
            used.as_secs_f64() * 1e6 / count
        );
    }
    let start = Instant::now();
    let mut reads = 0u64;
    while start.elapsed() < Duration::from_secs(1) {
        leader.read_index().await.unwrap();
        reads += 1;
    }
    println!("read confirmations, one at a time: {reads}/s");
    for group in groups {
        group.shutdown().await;
    }
}

async fn run(leader: &Group, in_flight: usize, time: Duration) -> Vec<Duration> {
    let mut tasks = tokio::task::JoinSet::new();
    let until = Instant::now() + time;
    for _ in 0..in_flight {
        let leader = leader.clone();
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < until {
                let start = Instant::now();
                leader.propose(vec![7u8; ENTRY_BYTES]).await.unwrap();
                latencies.push(start.elapsed());
            }
            latencies
        });
    }
    tasks.join_all().await.concat()
}
