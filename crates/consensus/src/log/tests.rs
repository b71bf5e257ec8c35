use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use isobar_disk::{PowerLoss, RecordedDisk};
use openraft::EntryPayload;
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::command::Done;
use super::format::{self, BLOCK, Kind, get_record};
use super::{LogStore, WriterHandle};
use crate::ids::{Vote, index_of, log_id, next_index};
use crate::types::{Entry, Payload};
use crate::{ConsensusError, GroupConfig, Member};

fn config() -> GroupConfig {
    let me = Member { id: 9, ..Member::default() };
    GroupConfig { log_prewrite: false, log_cache_bytes: 3000, ..GroupConfig::new("unused", me, 5) }
}

fn blank(bytes: u64) -> RecordedDisk {
    let disk = RecordedDisk::new(bytes);
    LogStore::format(&disk, 9, 5).unwrap();
    RecordedDisk::from_image(disk.image_after(disk.events(), PowerLoss::KeepsAll))
}

fn open(disk: &RecordedDisk) -> Result<(LogStore, WriterHandle), ConsensusError> {
    LogStore::open(Arc::new(disk.clone()), Path::new("log"), &config(), Arc::new(AtomicU64::new(u64::MAX)))
}

fn entry(index: u64, term: u64, bytes: usize) -> Entry {
    Entry {
        log_id: log_id(index, term, 1),
        payload: EntryPayload::Normal(Payload(vec![index as u8; bytes].into())),
    }
}

/// Appends and waits for the callback.
fn append(log: &LogStore, entries: Vec<Entry>) {
    let (sender, receiver) = oneshot::channel();
    log.append_entries(entries, Done::Channel(sender)).unwrap();
    receiver.blocking_recv().unwrap().unwrap();
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn check(log: &LogStore, first: u64, last: u64) {
    let entries = log.read(first, last + 1, u64::MAX).unwrap();
    assert_eq!(entries.len() as u64, last + 1 - first);
    for (at, found) in entries.iter().enumerate() {
        let EntryPayload::Normal(payload) = &found.payload else { panic!("entry {at} has no payload") };
        assert_eq!(found.log_id.index, first + at as u64);
        assert!(payload.0.iter().all(|&b| b == found.log_id.index as u8));
    }
}

/// What was promised after so many events of the device.
#[derive(Clone, Debug, Default)]
struct Promise {
    events: usize,
    last: u64,
    term: u64,
    vote: u64,
    purged: u64,
}

fn vote(term: u64) -> Vote {
    Vote::new(term, 1)
}

/// Runs a history with appends, votes, conflicts and purges over several generations of segments.
fn history() -> (RecordedDisk, Vec<Promise>) {
    let disk = blank(1 << 20);
    let (log, writer) = open(&disk).unwrap();
    let mut promise = Promise::default();
    let mut promises = vec![promise.clone()];
    block(log.write_vote(vote(1))).unwrap();
    (promise.vote, promise.term) = (1, 1);
    append(&log, vec![entry(0, 1, 0)]);
    for step in 1..120u64 {
        let before = disk.events();
        match step % 10 {
            4 => {
                promise.vote += 1;
                block(log.write_vote(vote(promise.vote))).unwrap();
            }
            7 if promise.last > promise.purged + 3 => {
                // A conflict: the last two entries are replaced by one of a higher term.
                promise.term = promise.vote;
                log.truncate_from(promise.last - 1).unwrap();
                promise.last -= 1;
                append(&log, vec![entry(promise.last, promise.term, 100)]);
            }
            9 if promise.last > 20 => {
                promise.purged = promise.last - 10;
                let id = log.read(promise.purged, promise.purged + 1, u64::MAX).unwrap()[0].log_id;
                log.purge_upto(id).unwrap();
                block(log.write_vote(vote(promise.vote))).unwrap();
            }
            n => {
                let count = if n == 5 { 5 } else { 1 };
                let entries = (1..=count)
                    .map(|k| entry(promise.last + k, promise.term, 200 + (step as usize * 977) % 30_000))
                    .collect();
                append(&log, entries);
                promise.last += count;
            }
        }
        assert!(disk.events() > before);
        promise.events = disk.events();
        promises.push(promise.clone());
    }
    check(&log, promise.purged + 1, promise.last);
    log.stop(writer);
    (disk, promises)
}

#[test]
fn every_acknowledged_entry_and_vote_survives_a_power_loss_at_any_moment() {
    let (disk, promises) = history();
    for cut in 0..=disk.events() {
        let kept = promises.iter().rev().find(|p| p.events <= cut).unwrap();
        let next = promises.iter().find(|p| p.events > cut).unwrap_or(kept);
        for loss in [
            PowerLoss::LosesUnsynced,
            PowerLoss::KeepsAll,
            PowerLoss::KeepsSome(cut as u64 * 7 + 1),
            PowerLoss::KeepsSome(cut as u64 * 31 + 5),
        ] {
            let image = RecordedDisk::from_image(disk.image_after(cut, loss));
            let (log, writer) = open(&image).unwrap_or_else(|e| panic!("cut {cut} {loss:?}: {e}"));
            let (last, voted) = (index_of(&log.last()), log.vote().map_or(0, |v| v.leader_id.term));
            assert!(voted >= kept.vote, "cut {cut} {loss:?}: vote {voted} < {}", kept.vote);
            // The step under way may or may not have happened, a conflict in it included.
            assert!(
                last >= kept.last.min(next.last.saturating_sub(1)),
                "cut {cut} {loss:?}: last {last}, promised {}",
                kept.last
            );
            assert!(index_of(&log.purged()) >= kept.purged);
            if last > index_of(&log.purged()) {
                check(&log, index_of(&log.purged()) + 1, last);
            }
            // It goes on, and comes back once more.
            let next = next_index(&log.last());
            append(&log, vec![entry(next, 99, 5000)]);
            log.stop(writer);
            let (log, writer) = open(&image).unwrap();
            assert_eq!(index_of(&log.last()), next);
            log.stop(writer);
        }
    }
}

#[test]
fn damage_before_an_intact_later_record_is_loud_and_a_torn_tail_is_cut() {
    let (disk, promises) = history();
    let image = disk.image_after(disk.events(), PowerLoss::KeepsAll);
    let last = promises.last().unwrap().last;
    let (mut loud, mut cut) = (0, 0);
    let mut blocks = Vec::new();
    for at in (0..image.len()).step_by(BLOCK as usize) {
        // Only blocks that hold something of the live log matter; damage in the others is no damage.
        let mut damaged = image.clone();
        damaged[at + 20] ^= 0x40;
        match open(&RecordedDisk::from_image(damaged)) {
            Err(ConsensusError::Corrupt { .. }) => loud += 1,
            Err(e) => panic!("block {at}: {e}"),
            Ok((log, writer)) => {
                if index_of(&log.last()) < last {
                    cut += 1;
                    blocks.push(at);
                }
                log.stop(writer);
            }
        }
    }
    assert!(loud > 10, "{loud}");
    // Only the very last batch can go unnoticed: it looks like one that was never synced.
    assert!(cut <= 8 && blocks.windows(2).all(|w| w[1] == w[0] + BLOCK as usize), "{blocks:?}");
}

#[test]
fn a_log_that_cannot_make_room_fails_loudly() {
    let disk = blank(512 << 10);
    let (log, writer) = open(&disk).unwrap();
    let mut failed = false;
    for index in 0..60 {
        let (sender, receiver) = oneshot::channel();
        if log.append_entries(vec![entry(index, 1, 15_000)], Done::Channel(sender)).is_err()
            || receiver.blocking_recv().unwrap().is_err()
        {
            failed = true;
            break;
        }
    }
    assert!(failed);
    assert!(block(log.write_vote(vote(5))).is_err(), "nothing is acknowledged any more");
    log.stop(writer);
    let (log, writer) = open(&disk).unwrap();
    assert!(index_of(&log.last()) > 10);
    log.stop(writer);
}

#[test]
fn a_purge_waits_for_the_checkpoint() {
    let disk = blank(1 << 20);
    let synced = Arc::new(AtomicU64::new(3));
    let (log, writer) =
        LogStore::open(Arc::new(disk.clone()), Path::new("log"), &config(), synced.clone()).unwrap();
    append(&log, (0..10).map(|n| entry(n, 1, 10)).collect());
    log.purge_upto(log_id(2, 1, 1)).unwrap();
    block(log.write_vote(vote(1))).unwrap();
    let before = disk.events();
    log.purge_upto(log_id(3, 1, 1)).unwrap();
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(disk.events(), before, "nothing is written beyond the checkpoint");
    synced.store(4, Ordering::Release);
    block(log.write_vote(vote(2))).unwrap();
    assert!(disk.events() > before);
    // One that never is checkpointed is not purged.
    log.purge_upto(log_id(7, 1, 1)).unwrap();
    log.stop(writer);
    let (log, writer) = open(&disk).unwrap();
    assert_eq!(index_of(&log.purged()), 3);
    check(&log, 4, 9);
    log.stop(writer);
}

#[test]
fn a_leader_comes_back_as_a_candidate() {
    let disk = blank(1 << 20);
    let (log, writer) = open(&disk).unwrap();
    let mut vote = Vote::new(4, 9);
    vote.committed = true;
    block(log.write_vote(vote)).unwrap();
    log.stop(writer);
    let (mut log, writer) = open(&disk).unwrap();
    let read = block(openraft::storage::RaftLogStorage::read_vote(&mut log)).unwrap().unwrap();
    assert_eq!((read.leader_id.term, read.committed), (4, false));
    log.stop(writer);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn records_of_any_bytes_are_refused_or_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..200), index: u64) {
        prop_assert!(get_record(&bytes).is_none());
        let header = format::RecordHeader { kind: Kind::Normal, flag: 0, group: 5, index, term: 1, node: 2 };
        let mut out = Vec::new();
        format::put_record(&mut out, header, &bytes);
        prop_assert_eq!(get_record(&out), Some((header, bytes.as_slice())));
        out[5 % bytes.len().max(1)] ^= 1;
        prop_assert!(get_record(&out).is_none());
    }
}
