//! What workloads share in which some processes read while others write: how processes are split, and that
//! every byte that was written meanwhile is read and compared afterwards.

use serde::{Deserialize, Serialize};

use crate::error::{BenchError, Result};
use crate::options::{CommonOptions, refuse};
use crate::phase::Phase;
use crate::record::WrittenFile;
use crate::run::Run;
use crate::task::{Task, VerifyTask};

/// How many processes read and how many write.
#[derive(clap::Args, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadersWriters {
    /// Processes that read. Default: half of -np.
    #[arg(long, value_name = "N")]
    pub readers: Option<u32>,
    /// Processes that write. Default: the other half.
    #[arg(long, value_name = "N")]
    pub writers: Option<u32>,
}

impl ReadersWriters {
    /// Readers and writers.
    pub fn sides(&self, common: &CommonOptions) -> (u32, u32) {
        let np = common.processes();
        (self.readers.unwrap_or((np / 2).max(1)), self.writers.unwrap_or((np - np / 2).max(1)))
    }

    /// Refuses a side without a process, and numbers that contradict `-np`. `workload` is the one that asks,
    /// `alone` the one that measures a side alone.
    ///
    /// # Errors
    /// What to change.
    pub fn validate(&self, common: &CommonOptions, workload: &str, alone: &str) -> Result<()> {
        let (readers, writers) = self.sides(common);
        if readers == 0 || writers == 0 {
            return refuse(format!(
                "{workload} needs at least one reader and one writer: {alone} measures one of them alone"
            ));
        }
        if let Some(np) = common.np
            && (self.readers.is_some() || self.writers.is_some())
            && np != readers + writers
        {
            return refuse(format!("-np {np} is not --readers {readers} and --writers {writers}: drop -np"));
        }
        Ok(())
    }
}

/// Compares every byte of what each writer wrote. Process 0 takes the first writer's files, and so on:
/// readers come first, so whoever wrote does not check its own work when there is somebody else.
pub(crate) fn verify(
    run: &mut Run,
    written: &[Vec<WrittenFile>],
    seed: u64,
    transfer_bytes: u64,
) -> Result<Phase> {
    let tasks = (0u32..)
        .zip(written)
        .filter(|(_, files)| !files.is_empty())
        .map(|(rank, files)| (rank, Task::Verify(VerifyTask { files: files.clone(), seed, transfer_bytes })))
        .collect();
    let verified = run.phase("verify", tasks)?.phase;
    if verified.read.bytes == 0 {
        return Err(BenchError::Failed("nothing was written that could be verified".to_owned()));
    }
    Ok(verified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_split_between_the_sides() {
        let with = |np, readers, writers| {
            let common = CommonOptions { np, ..CommonOptions::default() };
            (ReadersWriters { readers, writers }, common)
        };
        let sides = |np, readers, writers| {
            let (sides, common) = with(np, readers, writers);
            sides.sides(&common)
        };
        assert_eq!(sides(None, None, None), (1, 1));
        assert_eq!(sides(Some(5), None, None), (2, 3));
        assert_eq!(sides(None, Some(3), Some(1)), (3, 1));
        let refused = |np, readers, writers| {
            let (sides, common) = with(np, readers, writers);
            sides.validate(&common, "mixed", "ior").err().map(|e| e.to_string())
        };
        assert!(refused(Some(5), Some(3), Some(1)).is_some_and(|said| said.contains("drop -np")));
        assert!(refused(None, Some(0), None).is_some_and(|said| said.contains("ior measures")));
        assert_eq!(refused(Some(4), Some(3), Some(1)), None);
    }
}
