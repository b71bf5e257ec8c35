//! What one process counts during a phase, and how a phase is made of what all of them counted.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::content::{Check, Content, Difference};
use crate::latency::Latency;
use crate::window::{Counts, Series, Span};

/// Wrong places that are described; all are counted.
const EXAMPLES_MAX: usize = 5;
/// Shorter buffers are timed now and then only: the clock would cost more than the bytes.
const TIMED_BYTES_MIN: usize = 64 << 10;
const TIMED_EVERY: u64 = 16;

/// A kind of call whose latency is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// open of a file that exists.
    Open,
    /// open that makes a file.
    Create,
    /// One write.
    Write,
    /// One read.
    Read,
    /// fsync.
    Sync,
    /// close.
    Close,
    /// stat.
    Stat,
    /// unlink.
    Remove,
    /// mkdir.
    MakeDir,
    /// rmdir.
    RemoveDir,
    /// rename.
    Rename,
    /// A whole small file: create, write, close.
    WriteFile,
    /// A whole small file: open, read, close.
    ReadFile,
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Reading, or asking.
    Read,
    /// Writing, or changing.
    Write,
}

/// What came of checking contents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// Bytes whose every byte was compared.
    pub bytes: u64,
    /// Bytes of which the stamps (32 bytes of each 4 KiB) were compared.
    pub stamped_bytes: u64,
    /// Reads that gave wrong bytes, or fewer than were written.
    pub wrong: u64,
    /// The first of them, in words.
    pub examples: Vec<String>,
}

/// A file that was written and closed without an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Where.
    pub path: PathBuf,
    /// Name its contents are derived from.
    pub content: String,
    /// Its length.
    pub bytes: u64,
}

/// Counters another thread may look at while they rise.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    read_bytes: AtomicU64,
    read_operations: AtomicU64,
    written_bytes: AtomicU64,
    write_operations: AtomicU64,
}

impl Totals {
    pub fn of(&self, side: Side) -> Counts {
        let (bytes, operations) = match side {
            Side::Read => (&self.read_bytes, &self.read_operations),
            Side::Write => (&self.written_bytes, &self.write_operations),
        };
        Counts { bytes: bytes.load(Ordering::Relaxed), operations: operations.load(Ordering::Relaxed) }
    }
}

/// What one process has to say about a phase. Times are since the phase began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RankReport {
    pub rank: u32,
    pub begin_ns: u64,
    pub end_ns: u64,
    /// CPU time of the process, and what of it went into making and checking contents.
    pub cpu_ns: u64,
    pub content_ns: u64,
    pub latency: BTreeMap<Call, Latency>,
    pub read: Series,
    pub write: Series,
    /// IOR's three parts of an access.
    pub open: Option<Span>,
    pub transfer: Option<Span>,
    pub close: Option<Span>,
    pub verified: Verified,
    /// Items or transfers that were completed.
    pub done: u64,
    pub written: Vec<WrittenFile>,
    /// How often a reader went through all its data.
    pub passes: f64,
}

/// Counts and times the calls of one process in one phase.
pub(crate) struct Recorder {
    origin_ns: u64,
    totals: Arc<Totals>,
    cpu_before_ns: u64,
    buffers: u64,
    pub report: RankReport,
}

impl Recorder {
    /// Begins now; `origin_ns` is when the phase began for all.
    pub fn begin(rank: u32, origin_ns: u64, totals: Arc<Totals>) -> Recorder {
        let mut report = RankReport { rank, ..RankReport::default() };
        report.begin_ns = clock::now_ns().saturating_sub(origin_ns);
        Recorder { origin_ns, totals, cpu_before_ns: clock::process_cpu_ns(), buffers: 0, report }
    }

    /// Nanoseconds since the phase began.
    pub fn now_ns(&self) -> u64 {
        clock::now_ns().saturating_sub(self.origin_ns)
    }

    /// Makes a call and keeps its latency. A call that fails does not count.
    pub fn timed<T>(&mut self, call: Call, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let before = clock::now_ns();
        let made = make()?;
        let took = clock::now_ns() - before;
        self.report.latency.entry(call).or_default().record_ns(took);
        Ok(made)
    }

    /// Counts an operation that ends now.
    pub fn count(&mut self, side: Side, bytes: u64) {
        let now = self.now_ns();
        let (series, all_bytes, operations) = match side {
            Side::Read => (&mut self.report.read, &self.totals.read_bytes, &self.totals.read_operations),
            Side::Write => {
                (&mut self.report.write, &self.totals.written_bytes, &self.totals.write_operations)
            }
        };
        series.add(now, bytes);
        all_bytes.fetch_add(bytes, Ordering::Relaxed);
        operations.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes the bytes at an offset.
    pub fn fill(&mut self, content: Content, offset: u64, out: &mut [u8]) {
        self.content_timed(out.len(), || content.fill(offset, out));
    }

    /// Checks bytes that were read; what is wrong is counted and the first few are described. `wanted` is
    /// how many there should have been.
    pub fn check(
        &mut self,
        path: &Path,
        content: Content,
        offset: u64,
        data: &[u8],
        wanted: usize,
        how: Check,
    ) {
        let found = self.content_timed(data.len(), || content.check(offset, data, how));
        let verified = &mut self.report.verified;
        match how {
            Check::Bytes => verified.bytes += data.len() as u64,
            Check::Stamps => verified.stamped_bytes += data.len() as u64,
        }
        let end = offset + data.len() as u64;
        let said = match found {
            Err(Difference { offset, found }) => format!("{} at {offset}: {found}", path.display()),
            Ok(()) if data.len() < wanted => {
                format!("{} ends at {end}: {} bytes are missing", path.display(), wanted - data.len())
            }
            Ok(()) => return,
        };
        verified.wrong += 1;
        if verified.examples.len() < EXAMPLES_MAX {
            verified.examples.push(said);
        }
    }

    fn content_timed<T>(&mut self, len: usize, work: impl FnOnce() -> T) -> T {
        self.buffers += 1;
        let weight = if len >= TIMED_BYTES_MIN { 1 } else { TIMED_EVERY };
        if !self.buffers.is_multiple_of(weight) {
            return work();
        }
        let before = clock::thread_cpu_ns();
        let done = work();
        self.report.content_ns += (clock::thread_cpu_ns() - before) * weight;
        done
    }

    /// Ends now.
    pub fn end(mut self) -> RankReport {
        self.report.end_ns = self.now_ns();
        self.report.cpu_ns = clock::process_cpu_ns() - self.cpu_before_ns;
        self.report
    }
}

impl Verified {
    /// Adds what another process found.
    pub fn merge(&mut self, other: &Verified) {
        self.bytes += other.bytes;
        self.stamped_bytes += other.stamped_bytes;
        self.wrong += other.wrong;
        let room = EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.iter().take(room).cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> Recorder {
        Recorder::begin(0, clock::now_ns(), Arc::default())
    }

    #[test]
    fn a_short_file_is_wrong_even_when_all_its_bytes_are_right() {
        let content = Content::of("f", 1);
        let mut data = vec![0; 8192];
        content.fill(0, &mut data);
        let mut recorder = recorder();
        recorder.check(Path::new("f"), content, 0, &data, 8192, Check::Bytes);
        assert_eq!(recorder.report.verified.wrong, 0);
        recorder.check(Path::new("f"), content, 0, &data[..5000], 8192, Check::Bytes);
        assert_eq!(recorder.report.verified.wrong, 1);
        assert_eq!(recorder.report.verified.examples, ["f ends at 5000: 3192 bytes are missing"]);
        recorder.check(Path::new("f"), content, 8192, &[], 1, Check::Stamps);
        assert_eq!(recorder.report.verified.wrong, 2);
    }

    #[test]
    fn all_wrong_reads_are_counted_and_the_first_are_described() {
        let content = Content::of("f", 1);
        let mut recorder = recorder();
        for _ in 0..100 {
            recorder.check(Path::new("f"), content, 0, &[0; 4096], 4096, Check::Stamps);
        }
        assert_eq!(recorder.report.verified.wrong, 100);
        assert_eq!(recorder.report.verified.examples.len(), EXAMPLES_MAX);
    }

    #[test]
    fn calls_that_fail_have_no_latency() {
        let mut recorder = recorder();
        recorder.timed(Call::Open, || Err::<(), _>(io::Error::other("no"))).expect_err("it fails");
        recorder.timed(Call::Open, || Ok(())).expect("it works");
        assert_eq!(recorder.end().latency[&Call::Open].count(), 1);
    }
}
