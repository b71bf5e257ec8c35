//! Groups in one process, joined by an in-memory transport that can lose, cut and kill.
#![allow(dead_code)]

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use isobar_base::Kv;
use isobar_consensus::{
    ConsensusError, Group, GroupConfig, LogDevice, Member, ProposeError, Reply, Rpc, StateMachine, Transport,
    TransportError, blocking,
};
use isobar_disk::{Disk, FileDisk};

/// Entries are `key=value` or `-key`; the reply is the old value.
pub struct Words;

impl StateMachine for Words {
    fn apply(&self, kv: &mut dyn Kv, index: u64, entry: &[u8]) -> Vec<u8> {
        kv.put(b"last", index.to_le_bytes().to_vec());
        if let Some(key) = entry.strip_prefix(b"-") {
            let old = kv.get(key);
            kv.delete(key);
            return old.unwrap_or_default();
        }
        let at = entry.iter().position(|&b| b == b'=').expect("entries of the tests have a value");
        let old = kv.get(&entry[..at]);
        assert_ne!(&entry[..at], b"panic", "the tests' machine was asked to panic");
        if &entry[..at] == b"sleep" {
            blocking(|| std::thread::sleep(Duration::from_secs(2)));
        }
        kv.put(&entry[..at], entry[at + 1..].to_vec());
        old.unwrap_or_default()
    }
}

#[derive(Default)]
pub struct Net {
    /// Who answers at an address.
    pub at: Mutex<HashMap<String, Group>>,
    pub cut: Mutex<HashSet<String>>,
    /// Pairs of addresses between which nothing gets through.
    pub apart: Mutex<HashSet<(String, String)>>,
    pub refused: Mutex<Vec<String>>,
}

/// The device of a log, which can be made to hang.
struct HangingDisk {
    disk: FileDisk,
    hangs: Arc<AtomicBool>,
}

impl Disk for HangingDisk {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bufs: &[io::IoSlice<'_>]) -> io::Result<()> {
        self.disk.write_at(offset, bufs)
    }

    fn sync(&self) -> io::Result<()> {
        while self.hangs.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.disk.sync()
    }

    fn size(&self) -> u64 {
        self.disk.size()
    }
}

struct Link {
    net: Arc<Net>,
    from: String,
}

impl Transport for Link {
    fn call(&self, peer: &Member, rpc: Rpc, body: Vec<u8>, timeout: Duration) -> Reply {
        let (net, from, to) = (self.net.clone(), self.from.clone(), peer.addr.clone());
        Box::pin(async move {
            let reach = || {
                let cut = net.cut.lock().unwrap();
                let apart = net.apart.lock().unwrap();
                let between = [(from.clone(), to.clone()), (to.clone(), from.clone())];
                if cut.contains(&from) || cut.contains(&to) || between.iter().any(|p| apart.contains(p)) {
                    return None;
                }
                net.at.lock().unwrap().get(&to).cloned()
            };
            let Some(group) = reach() else { return Err(TransportError::Unreachable(to)) };
            let answer = tokio::time::timeout(timeout, group.handle(rpc, &body))
                .await
                .map_err(|_| TransportError::Timeout)?;
            if reach().is_none() {
                return Err(TransportError::Timeout);
            }
            answer.map_err(|e| {
                net.refused.lock().unwrap().push(e.to_string());
                TransportError::Refused(e.to_string())
            })
        })
    }
}

pub struct Cluster {
    pub net: Arc<Net>,
    pub dir: tempfile::TempDir,
    pub nodes: Vec<Option<Group>>,
    pub members: Vec<Member>,
    pub tune: fn(&mut GroupConfig),
    /// Whether the log device of a node hangs.
    pub hangs: Vec<Arc<AtomicBool>>,
}

impl Cluster {
    /// `n` voters, founded.
    pub async fn new(n: usize) -> Cluster {
        Cluster::tuned(n, |_| {}).await
    }

    pub async fn tuned(n: usize, tune: fn(&mut GroupConfig)) -> Cluster {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .try_init();
        let dir = tempfile::tempdir().unwrap();
        let mut cluster = Cluster {
            net: Arc::default(),
            dir,
            nodes: Vec::new(),
            members: Vec::new(),
            tune,
            hangs: Vec::new(),
        };
        for _ in 0..n {
            cluster.add().await;
        }
        cluster.node(0).initialize(cluster.members.clone()).await.unwrap();
        cluster.leader().await;
        cluster
    }

    /// Adds a blank node; returns its number.
    pub async fn add(&mut self) -> usize {
        let slot = self.members.len();
        self.members.push(Member {
            id: 1000 + slot as u64 * 7919 % 50,
            name: format!("n{slot}"),
            addr: format!("a{slot}"),
        });
        self.nodes.push(None);
        self.hangs.push(Arc::default());
        self.start(slot).await.unwrap();
        slot
    }

    pub fn path(&self, slot: usize) -> PathBuf {
        self.dir.path().join(format!("{:x}", self.members[slot].id))
    }

    pub fn config(&self, slot: usize) -> GroupConfig {
        let mut config = GroupConfig::new(self.path(slot), self.members[slot].clone(), 3);
        config.log_bytes = 4 << 20;
        config.log_prewrite = false;
        config.log_keep_bytes = 2 << 20;
        config.heartbeat_ms = 40;
        config.election_ms = 240;
        config.cache_bytes = 4 << 20;
        (self.tune)(&mut config);
        config
    }

    pub async fn start(&mut self, slot: usize) -> Result<(), ConsensusError> {
        let link = Link { net: self.net.clone(), from: self.members[slot].addr.clone() };
        let hangs = self.hangs[slot].clone();
        let device: LogDevice = Box::new(move |disk| Arc::new(HangingDisk { disk, hangs }));
        let group = Group::open_on(self.config(slot), Arc::new(Words), Arc::new(link), device).await?;
        self.net.at.lock().unwrap().insert(self.members[slot].addr.clone(), group.clone());
        self.nodes[slot] = Some(group);
        Ok(())
    }

    /// As by `kill -9`: nothing is flushed beyond what the log holds.
    pub async fn kill(&mut self, slot: usize) {
        self.net.at.lock().unwrap().remove(&self.members[slot].addr);
        self.nodes[slot].take().unwrap().shutdown().await;
    }

    pub fn cut(&self, slot: usize) {
        self.net.cut.lock().unwrap().insert(self.members[slot].addr.clone());
    }

    pub fn heal(&self, slot: usize) {
        self.net.cut.lock().unwrap().remove(&self.members[slot].addr);
    }

    pub fn node(&self, slot: usize) -> &Group {
        self.nodes[slot].as_ref().unwrap()
    }

    /// Nothing gets from one node to the other, nor back.
    pub fn part(&self, one: usize, other: usize) {
        let addr = |slot: usize| self.members[slot].addr.clone();
        self.net.apart.lock().unwrap().insert((addr(one), addr(other)));
    }

    fn reachable(&self) -> Vec<usize> {
        let cut = self.net.cut.lock().unwrap();
        (0..self.nodes.len())
            .filter(|&s| self.nodes[s].is_some() && !cut.contains(&self.members[s].addr))
            .collect()
    }

    /// Waits for a reachable node that can confirm reads.
    pub async fn leader(&self) -> usize {
        self.leader_within(Duration::from_secs(20)).await.expect("a leader is elected")
    }

    pub async fn leader_within(&self, time: Duration) -> Option<usize> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            for slot in self.reachable() {
                if self.node(slot).is_leader() && self.node(slot).read_index().await.is_ok() {
                    return Some(slot);
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// Proposes to whoever leads until it is acknowledged.
    pub async fn put(&self, key: &str, value: &str) -> u64 {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let leader = self.leader().await;
            let proposal = self.node(leader).propose(format!("{key}={value}").into_bytes());
            match tokio::time::timeout(Duration::from_secs(3), proposal).await {
                Ok(Ok((index, _))) => return index,
                Ok(Err(ProposeError::NotLeader { .. } | ProposeError::Uncertain)) | Err(_) => {}
                Ok(Err(e)) => panic!("{e}"),
            }
        }
        panic!("no proposal is acknowledged");
    }

    pub fn get(&self, slot: usize, key: &str) -> Option<String> {
        self.node(slot).read(|kv| kv.get(key.as_bytes())).map(|v| String::from_utf8(v).unwrap())
    }

    /// Waits until all running, reachable nodes have applied what the leader has, and compares them.
    pub async fn converged(&self) -> u64 {
        let leader = self.leader().await;
        let applied = self.node(leader).status().applied;
        for slot in self.reachable() {
            let caught_up = || self.node(slot).status().applied >= applied;
            let until = Instant::now() + Duration::from_secs(20);
            while !caught_up() {
                assert!(
                    Instant::now() < until,
                    "node {slot} stays behind: {:#?} of {:#?}",
                    self.node(slot).status(),
                    self.node(leader).status()
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let hash = self.node(leader).state_hash();
        for slot in self.reachable() {
            assert_eq!(self.node(slot).state_hash(), hash, "node {slot} has another state");
        }
        hash
    }

    pub async fn shutdown(mut self) {
        for node in self.nodes.iter_mut().filter_map(Option::take) {
            node.shutdown().await;
        }
    }
}

pub async fn eventually(mut holds: impl FnMut() -> bool, what: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else if let Err(e) = std::fs::copy(entry.path(), &target) {
            assert_eq!(e.kind(), std::io::ErrorKind::NotFound, "{e}");
        }
    }
}
