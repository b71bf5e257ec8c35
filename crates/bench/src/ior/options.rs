//! IOR's option letters.

use std::path::PathBuf;

use clap::ArgAction;
use isobar_base::quantity::binary_bytes;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{CommonOptions, refuse};
use crate::units::parse_bytes;

/// Options of IOR, by its letters.
#[derive(clap::Args, Clone, Debug, Serialize, Deserialize)]
pub struct IorOptions {
    /// Contiguous bytes each process writes in a segment (4k, 1m, 2g).
    #[arg(short = 'b', long = "block", default_value = "1m", value_parser = parse_bytes, value_name = "BYTES")]
    pub block_bytes: u64,
    /// Bytes of one transfer.
    #[arg(short = 't', long = "transfer", default_value = "256k", value_parser = parse_bytes, value_name = "BYTES")]
    pub transfer_bytes: u64,
    /// Segments: how often all processes' blocks repeat in the file.
    #[arg(short = 's', long, default_value_t = 1, value_name = "N")]
    pub segments: u64,
    /// A file per process instead of a shared one.
    #[arg(short = 'F', long)]
    pub file_per_process: bool,
    /// Write (with neither -w, -r, -W nor -R: write and read).
    #[arg(short = 'w', long)]
    pub write: bool,
    /// Read; the stamp of every 4 KiB is checked.
    #[arg(short = 'r', long)]
    pub read: bool,
    /// After writing read back and compare every byte; not timed.
    #[arg(short = 'W', long)]
    pub check_write: bool,
    /// Compare every byte that is read.
    #[arg(short = 'R', long)]
    pub check_read: bool,
    /// Transfers in random order.
    #[arg(short = 'z', long)]
    pub random: bool,
    /// fsync after writing, before close.
    #[arg(short = 'e', long)]
    pub fsync: bool,
    /// fsync after every write.
    #[arg(short = 'Y', long)]
    pub fsync_per_write: bool,
    /// Every process reads what another one wrote.
    #[arg(short = 'C', long)]
    pub reorder: bool,
    /// With -C: how many processes further.
    #[arg(short = 'Q', long, default_value_t = 1, value_name = "N")]
    pub task_offset: u32,
    /// Every process reads what a random one wrote.
    #[arg(short = 'Z', long)]
    pub reorder_random: bool,
    /// With -Z: seed of the order.
    #[arg(short = 'X', long, default_value_t = 0, value_name = "N")]
    pub reorder_seed: u64,
    /// Iterations.
    #[arg(short = 'i', long, default_value_t = 1, value_name = "N")]
    pub iterations: u32,
    /// Seconds between iterations.
    #[arg(short = 'd', long, default_value_t = 0, value_name = "SECONDS")]
    pub delay_seconds: u64,
    /// Keep the file.
    #[arg(short = 'k', long)]
    pub keep: bool,
    /// The file (FILE.00000000 and so on with -F).
    #[arg(short = 'o', long, value_name = "FILE")]
    pub test_file: Option<PathBuf>,
    /// Do not remove a file that exists before writing to it.
    #[arg(short = 'E', long)]
    pub existing: bool,
    /// Barriers between open, transfers and close. Phases always begin together; within one no process
    /// waits for another, so this is accepted and changes nothing.
    #[arg(short = 'g', long)]
    pub barriers: bool,
    /// Past the page cache (O_DIRECT).
    #[arg(short = 'B', long, alias = "posix.odirect")]
    pub direct: bool,
    /// Processes (also -np).
    #[arg(short = 'N', long = "tasks", value_name = "N")]
    pub tasks: Option<u32>,
    /// Stop writing and reading after so many seconds (stonewalling, without wear-out).
    #[arg(short = 'D', long, default_value_t = 0, value_name = "SECONDS")]
    pub deadline_seconds: u64,
    /// IOR's name of --seed.
    #[arg(short = 'G', long, value_name = "N")]
    pub stamp: Option<u64>,
    /// More words; latencies and CPU time are always printed.
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonOptions,
}

impl Default for IorOptions {
    /// IOR's own defaults: 1 MiB blocks in 256 KiB transfers of one shared file, written and read.
    fn default() -> Self {
        IorOptions {
            block_bytes: 1 << 20,
            transfer_bytes: 256 << 10,
            segments: 1,
            file_per_process: false,
            write: false,
            read: false,
            check_write: false,
            check_read: false,
            random: false,
            fsync: false,
            fsync_per_write: false,
            reorder: false,
            task_offset: 1,
            reorder_random: false,
            reorder_seed: 0,
            iterations: 1,
            delay_seconds: 0,
            keep: false,
            test_file: None,
            existing: false,
            barriers: false,
            direct: false,
            tasks: None,
            deadline_seconds: 0,
            stamp: None,
            verbose: 0,
            common: CommonOptions::default(),
        }
    }
}

impl IorOptions {
    /// Whether anything is written.
    pub fn writes(&self) -> bool {
        self.write || !(self.read || self.check_read || self.check_write)
    }

    /// Whether anything is read.
    pub fn reads(&self) -> bool {
        self.read || self.check_read || !(self.write || self.check_write)
    }

    /// Processes.
    pub fn tasks(&self) -> u32 {
        self.tasks.unwrap_or_else(|| self.common.processes())
    }

    /// Bytes of all processes together.
    pub fn aggregate_bytes(&self) -> u64 {
        self.block_bytes.saturating_mul(self.segments).saturating_mul(u64::from(self.tasks()))
    }

    /// `-G` is another name of `--seed`.
    pub(crate) fn with_stamp(mut self) -> IorOptions {
        if let Some(seed) = self.stamp {
            self.common.seed = seed;
        }
        self
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// What to change.
    pub fn validate(&self) -> Result<()> {
        let (b, t) = (self.block_bytes, self.transfer_bytes);
        if t == 0 || b == 0 || self.segments == 0 || self.iterations == 0 || self.tasks() == 0 {
            return refuse("-t, -b, -s, -i and -N must not be 0");
        }
        if !b.is_multiple_of(t) {
            return refuse(format!("-b {b} is not a multiple of -t {t}: try -b {}", b.next_multiple_of(t)));
        }
        if t > 1 << 30 {
            return refuse(format!("-t {}: transfers of more than 1 GiB are not supported", binary_bytes(t)));
        }
        if self.tasks.is_some() && self.common.np.is_some() && self.tasks != self.common.np {
            return refuse("-N and -np say different numbers of processes: give one of them");
        }
        if self.reorder && self.reorder_random {
            return refuse("-C and -Z both say who reads what: give one of them");
        }
        if (self.reorder || self.reorder_random) && self.tasks() == 1 {
            return refuse("-C and -Z need at least two processes: add -np 2");
        }
        if self.check_write && !self.writes() {
            return refuse("-W checks what was written: add -w, or use -R to check what is read");
        }
        if (self.fsync || self.fsync_per_write) && !self.writes() {
            return refuse("-e and -Y flush what is written: add -w");
        }
        if self.direct && !t.is_multiple_of(4096) {
            return refuse(format!("-B needs transfers of whole 4 KiB: -t {t} is not"));
        }
        if self.existing && !self.writes() {
            return refuse("-E is about writing: add -w");
        }
        if self.keep && self.test_file.is_none() {
            return refuse("-k keeps a file: name it with -o FILE");
        }
        if !self.writes() && self.test_file.is_none() {
            return refuse("-r without -w reads a file that exists: name it with -o FILE");
        }
        if self.existing && self.deadline_seconds > 0 {
            return refuse("-E and -D: how much of an existing file is new would not be known; drop one");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line;

    fn parse(text: &str) -> IorOptions {
        command_line::parse::<IorOptions>(text).with_stamp()
    }

    fn refusal(text: &str) -> String {
        command_line::refusal(text, parse(text).validate())
    }

    #[test]
    fn letters_mean_what_they_mean_to_ior() {
        let hard =
            parse("-w -s 130 -i 3 -C -Q 1 -g -G 27 -k -e -t 47008 -b 47008 -o /x/IOR_file -D 300 -N 4");
        assert_eq!((hard.transfer_bytes, hard.block_bytes, hard.segments), (47_008, 47_008, 130));
        assert_eq!((hard.tasks(), hard.iterations, hard.deadline_seconds), (4, 3, 300));
        assert!(hard.reorder && hard.keep && hard.fsync && hard.writes() && !hard.reads());
        assert_eq!(hard.common.seed, 27);
        hard.validate().expect("it is a run");
        let easy = parse("-wrRF -zt1m -b16m -a POSIX /x");
        assert!(easy.writes() && easy.reads() && easy.check_read && easy.file_per_process && easy.random);
        assert_eq!((easy.transfer_bytes, easy.block_bytes), (1 << 20, 16 << 20));
        assert_eq!(easy.aggregate_bytes(), 32 << 20);
    }

    #[test]
    fn without_a_verb_ior_writes_and_reads() {
        let plain = parse("/x");
        assert!(plain.writes() && plain.reads());
        assert_eq!((plain.block_bytes, plain.transfer_bytes), (1 << 20, 256 << 10));
        let checked = parse("-W -w /x");
        assert!(checked.writes() && !checked.reads() && checked.check_write);
    }

    #[test]
    fn contradictions_are_refused_in_one_line_that_says_what_to_change() {
        assert!(refusal("-b 10m -t 3m /x").contains("-b 12582912"));
        assert!(refusal("-C -Z /x").contains("give one of them"));
        assert!(refusal("-C -N 1 /x").contains("-np 2"));
        assert!(refusal("-r -W -o /x").contains("-w"));
        assert!(refusal("-k /x").contains("-o FILE"));
        assert!(refusal("-r /x").contains("-o FILE"));
        assert!(refusal("-B -t 47008 -b 47008 /x").contains("4 KiB"));
        assert!(refusal("-N 2 --np 3 /x").contains("-np"));
        assert!(refusal("-t 0 /x").contains("must not be 0"));
    }
}
