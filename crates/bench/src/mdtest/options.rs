//! mdtest's option letters.

use std::path::PathBuf;

use clap::ArgAction;
use serde::{Deserialize, Serialize};

use super::step::MdtestStep;
use super::tree::Tree;
use crate::error::Result;
use crate::options::{CommonOptions, refuse};
use crate::units::parse_bytes;

/// Options of mdtest, by its letters.
#[derive(clap::Args, Clone, Debug, Default, Serialize, Deserialize)]
pub struct MdtestOptions {
    /// Items (files and directories) of every process.
    #[arg(short = 'n', long = "items", value_name = "N")]
    pub item_count: Option<u64>,
    /// Items of every process in each directory of the tree.
    #[arg(short = 'I', long, value_name = "N")]
    pub items_per_dir: Option<u64>,
    /// Depth of the tree.
    #[arg(short = 'z', long, default_value_t = 0, value_name = "N")]
    pub depth: u32,
    /// Branching factor of the tree.
    #[arg(short = 'b', long, default_value_t = 1, value_name = "N")]
    pub branch: u64,
    /// Items in the leaves of the tree only.
    #[arg(short = 'L', long)]
    pub leaf_only: bool,
    /// The directory to work in; it is made when it is not there.
    #[arg(short = 'd', long = "dir", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Iterations.
    #[arg(short = 'i', long, default_value_t = 1, value_name = "N")]
    pub iterations: u32,
    /// Seconds before each iteration.
    #[arg(short = 'p', long, default_value_t = 0, value_name = "SECONDS")]
    pub delay_seconds: u64,
    /// A directory of its own for every process.
    #[arg(short = 'u', long)]
    pub unique_dir: bool,
    /// Files only.
    #[arg(short = 'F', long)]
    pub files_only: bool,
    /// Directories only.
    #[arg(short = 'D', long)]
    pub dirs_only: bool,
    /// Only create (with none of -C, -T, -E, -r: all).
    #[arg(short = 'C', long)]
    pub create_only: bool,
    /// Only stat.
    #[arg(short = 'T', long)]
    pub stat_only: bool,
    /// Only read.
    #[arg(short = 'E', long)]
    pub read_only: bool,
    /// Only remove.
    #[arg(short = 'r', long)]
    pub remove_only: bool,
    /// Also rename the directories (to be given to a later -r, too).
    #[arg(long)]
    pub rename_dirs: bool,
    /// Bytes written to each file.
    #[arg(short = 'w', long = "write", default_value = "0", value_parser = parse_bytes, value_name = "BYTES")]
    pub write_bytes: u64,
    /// Bytes read from each file; every byte is compared.
    #[arg(short = 'e', long = "read-bytes", default_value = "0", value_parser = parse_bytes, value_name = "BYTES")]
    pub read_bytes: u64,
    /// Stat, read and remove what another process made, this many further.
    #[arg(short = 'N', long, default_value_t = 0, value_name = "N")]
    pub stride: u32,
    /// Stat in random order.
    #[arg(short = 'R', long)]
    pub random_stat: bool,
    /// Seed of that order.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub random_seed: u64,
    /// fsync each file after writing.
    #[arg(short = 'y', long)]
    pub sync_file: bool,
    /// sync after each phase, as part of its time.
    #[arg(short = 'Y', long)]
    pub sync_all: bool,
    /// Stop creating after so many seconds; the other phases go as far as creating came.
    #[arg(short = 'W', long, default_value_t = 0, value_name = "SECONDS")]
    pub stonewall_seconds: u64,
    /// Print times instead of rates.
    #[arg(short = 'Z', long)]
    pub print_time: bool,
    /// Print rates and times.
    #[arg(short = 'P', long)]
    pub print_both: bool,
    /// Compare what is read. Always done; accepted for mdtest's sake.
    #[arg(short = 'X', long)]
    pub verify_read: bool,
    /// More words; latencies and CPU time are always printed.
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonOptions,
}

impl MdtestOptions {
    /// The tree of a process.
    pub fn tree(&self, rank: u32) -> Tree {
        let base = if self.unique_dir { format!("mdtest_tree.{rank}") } else { "mdtest_tree".to_owned() };
        let mut tree = Tree {
            base,
            branch: self.branch,
            depth: self.depth,
            items_per_dir: 0,
            leaf_only: self.leaf_only,
        };
        tree.items_per_dir = match (self.items_per_dir, self.item_count) {
            (Some(each), _) => each,
            (None, Some(all)) => all / tree.len_with_items().max(1),
            (None, None) => 0,
        };
        tree
    }

    /// Items of each process: what `-n` leaves when it is spread evenly over the tree.
    pub fn items(&self) -> u64 {
        let tree = self.tree(0);
        tree.items_per_dir.saturating_mul(tree.len_with_items())
    }

    fn all_steps(&self) -> bool {
        !(self.create_only || self.stat_only || self.read_only || self.remove_only)
    }

    /// Whether anything is made.
    pub fn creates(&self) -> bool {
        self.create_only || self.all_steps()
    }

    /// Whether all is removed.
    pub fn removes(&self) -> bool {
        self.remove_only || self.all_steps()
    }

    /// The phases, in order.
    pub fn steps(&self) -> Vec<MdtestStep> {
        let all = self.all_steps();
        let both = self.files_only == self.dirs_only;
        let (files, dirs) = (self.files_only || both, self.dirs_only || both);
        [
            (self.creates(), MdtestStep::TreeCreation),
            (dirs && self.creates(), MdtestStep::DirectoryCreation),
            (dirs && (all || self.stat_only), MdtestStep::DirectoryStat),
            (dirs && self.rename_dirs && (all || self.stat_only), MdtestStep::DirectoryRename),
            (dirs && self.removes(), MdtestStep::DirectoryRemoval),
            (files && self.creates(), MdtestStep::FileCreation),
            (files && (all || self.stat_only), MdtestStep::FileStat),
            (files && (all || self.read_only), MdtestStep::FileRead),
            (files && self.removes(), MdtestStep::FileRemoval),
            (self.removes(), MdtestStep::TreeRemoval),
        ]
        .into_iter()
        .filter_map(|(wanted, step)| wanted.then_some(step))
        .collect()
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// What to change.
    pub fn validate(&self) -> Result<()> {
        if self.item_count.is_none() && self.items_per_dir.is_none() {
            return refuse("say how many items: -n for each process, or -I for each directory");
        }
        if self.item_count.is_some() && self.items_per_dir.is_some() {
            return refuse("-n and -I both say how many items: give one of them");
        }
        if self.branch == 0 || self.iterations == 0 {
            return refuse("-b and -i must not be 0");
        }
        let dirs = self.tree(0).len();
        if dirs > 1_000_000 {
            return refuse(format!(
                "-b {} -z {} make {dirs} directories: take less",
                self.branch, self.depth
            ));
        }
        if self.items() == 0 {
            return refuse(format!("-n is less than the {dirs} directories of -b and -z: raise it"));
        }
        if self.creates() && self.read_bytes > self.write_bytes {
            return refuse(format!(
                "-e {} reads more than -w {} writes: raise -w",
                self.read_bytes, self.write_bytes
            ));
        }
        if self.stride > 0 && self.common.processes() == 1 {
            return refuse("-N needs at least two processes: add -np 2");
        }
        if self.stonewall_seconds > 0 && self.depth > 0 {
            return refuse("-W works without a tree only: drop -z");
        }
        if self.write_bytes.max(self.read_bytes) > 1 << 30 {
            return refuse("-w and -e are limited to 1g: large files are what ior measures");
        }
        let only = [self.create_only, self.stat_only, self.read_only, self.remove_only];
        if !self.all_steps() && only.contains(&true) && self.dir.is_none() {
            return refuse(
                "-C, -T, -E and -r work on what an earlier run left: name its directory with -d DIR",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line;

    fn parse(text: &str) -> MdtestOptions {
        command_line::parse::<MdtestOptions>(text)
    }

    fn refusal(text: &str) -> String {
        command_line::refusal(text, parse(text).validate())
    }

    #[test]
    fn letters_mean_what_they_mean_to_mdtest() {
        let hard = parse("-n 1000 -F -C -N 1 -w 3901 -e 3901 -d /x/mdt_hard -W 300 -i 2 -y");
        assert_eq!((hard.items(), hard.write_bytes, hard.stride, hard.iterations), (1000, 3901, 1, 2));
        assert_eq!(hard.steps(), [MdtestStep::TreeCreation, MdtestStep::FileCreation]);
        assert!(hard.sync_file);
        hard.validate().expect("it is a run");
        let stat = parse("-n 10 -TF -d /x");
        assert_eq!(stat.steps(), [MdtestStep::FileStat]);
    }

    #[test]
    fn without_a_verb_all_phases_run() {
        let all = parse("-n 10 /x").steps();
        assert_eq!(all.len(), 9);
        assert_eq!(all.first(), Some(&MdtestStep::TreeCreation));
        assert_eq!(all.last(), Some(&MdtestStep::TreeRemoval));
        assert_eq!(parse("-n 10 -D /x").steps().len(), 5);
        assert_eq!(parse("-n 10 -FD /x").steps(), all);
    }

    #[test]
    fn items_spread_over_the_tree() {
        assert_eq!(parse("-n 10 -b 2 -z 1").items(), 9);
        assert_eq!(parse("-I 4 -b 2 -z 2").items(), 28);
        assert_eq!(parse("-I 4 -b 2 -z 2 -L").items(), 16);
        assert_eq!(parse("-n 10 -u").tree(3).base, "mdtest_tree.3");
    }

    #[test]
    fn contradictions_are_refused_in_one_line_that_says_what_to_change() {
        assert!(refusal("/x").contains("-n"));
        assert!(refusal("-n 1 -I 1 /x").contains("give one of them"));
        assert!(refusal("-n 5 -b 10 -z 3 /x").contains("raise it"));
        assert!(refusal("-n 5 -e 10 /x").contains("-w"));
        assert!(refusal("-n 5 -N 1 --np 1 /x").contains("-np 2"));
        assert!(refusal("-n 5 -C /x").contains("-d DIR"));
        assert!(refusal("-n 5 -b 100 -z 9 /x").contains("take less"));
    }
}
