//! PUT and GET of 1 MiB and 4 KiB rows with 8 in flight on a real file.
//!
//! `cargo bench -p isobar-store [-- DIRECTORY [MIB]]`: the file is made in DIRECTORY (default: a temporary
//! one), MIB are written per row size (default 1024).

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use isobar_base::{
    AlignedBuf, BufPool, ClusterId, FragmentHeader, FragmentKey, Geometry, SegmentId, SessionId, TargetId,
    unit_crcs,
};
use isobar_disk::FileDisk;
use isobar_store::{Label, Options, Store};
use rustix::time::{ClockId, clock_gettime};

const IN_FLIGHT: usize = 8;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let directory = arguments.first().map_or(temporary.path(), |a| a.as_ref());
    let mib: u64 = arguments.get(1).map_or(1024, |a| a.parse().expect("MiB"));
    let path = directory.join("isobar-bench-target");
    let disk = Arc::new(FileDisk::create(&path, (mib * 2) << 20).expect("a file for the target"));
    let label = Label { cluster: ClusterId(1), node: "bench".into(), target: TargetId(1), incarnation: 1 };
    Store::format(&*disk, &label).expect("format");
    let store = Store::open(disk, Options::default()).expect("open");
    for round in ["first", "recycled"] {
        println!("{round} extents");
        bench(&store, 1 << 20, mib);
        bench(&store, 4 << 10, mib / 16);
    }
    store.close().expect("close");
    std::fs::remove_file(&path).expect("remove the target");
}

fn bench(store: &Store, row: u32, mib: u64) {
    let count = (mib << 20) / u64::from(row);
    let key = |counter| FragmentKey { segment: SegmentId { session: SessionId(1), counter }, row: 0 };
    let bytes: Vec<u8> = (0..row).map(|at| (at * 31 % 251) as u8).collect();
    let template = FragmentHeader {
        key: key(0),
        geometry: Geometry { data: 1, parity: 2, len: row },
        unit_crcs: unit_crcs(&bytes),
        data_crcs: Vec::new(),
    };
    let pool = BufPool::new(64 << 20);
    measure("PUT", row, count, |at, done| {
        let mut payload: AlignedBuf = pool.get(row as usize);
        payload.copy_from_slice(&bytes);
        store.put(FragmentHeader { key: key(at), ..template.clone() }, payload, move |result| {
            result.expect("PUT");
            done();
        });
    });
    measure("GET", row, count, |at, done| {
        // A stride that visits every fragment once, in no order.
        store.get(key(at * 7919 % count), Store::WHOLE, move |result| {
            result.expect("GET");
            done();
        });
    });
    if row > 4096 {
        measure("GET 4 KiB of", row, count * 16, |at, done| {
            let unit = (at * 31) as u32 % (row / 4096);
            store.get(key(at * 7919 % count), unit..unit + 1, move |result| {
                result.expect("GET");
                done();
            });
        });
    }
    let (sent, received) = sync_channel(1);
    store.delete((0..count).map(key).collect(), move |result| sent.send(result).expect("send"));
    received.recv().expect("an answer").expect("DELETE");
    assert_eq!(store.usage().fragments, 0);
}

fn measure(what: &str, row: u32, count: u64, mut start: impl FnMut(u64, Box<dyn FnOnce() + Send>)) {
    let (token, tokens) = sync_channel::<()>(IN_FLIGHT);
    let (began, cpu_began) = (Instant::now(), cpu_seconds());
    for at in 0..count {
        if at >= IN_FLIGHT as u64 {
            tokens.recv().expect("a token");
        }
        let token = token.clone();
        start(at, Box::new(move || token.send(()).expect("the bench is waiting")));
    }
    for _ in 0..count.min(IN_FLIGHT as u64) {
        tokens.recv().expect("a token");
    }
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu_began);
    let moved = if what.contains("of") { 4096 } else { u64::from(row) };
    let gib = (count * moved) as f64 / f64::from(1 << 30);
    println!(
        "{what:>12} {:>5} KiB  {:>8.0} MiB/s  {:>9.0} /s  {:.3} CPU s/GiB",
        row >> 10,
        gib * 1024.0 / seconds,
        count as f64 / seconds,
        cpu / gib
    );
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
