//! The second act: two nodes are killed while files are written, and all that was fsynced is read back.

use std::time::{Duration, Instant};

use super::report::Finding;
use super::stage::Stage;
use super::storm::{Blown, Storm};
use crate::local;

/// How long the storm blows at least before, between and after the kills.
const STORM_STEP: Duration = Duration::from_millis(1500);
/// Files that must have been fsynced in each of these steps before the next one.
const STORM_FILES: usize = 8;
/// How long a call waits for a metadata quorum: whoever writes for so long in vain has an error.
const STORM_WAIT: Duration = Duration::from_secs(60);

/// The two nodes that are killed.
pub struct Victims {
    /// The node that leads the metadata.
    pub leader: String,
    /// Any other node.
    pub other: String,
}

impl Victims {
    /// Chooses them.
    pub async fn choose(stage: &Stage<'_>) -> Result<Victims, String> {
        let leader = leader(stage).await?;
        let mut others = stage.local.spec.node.iter().rev().filter(|n| n.name != leader);
        let other = others.next().map(|n| n.name.clone()).ok_or("there is no second node")?;
        Ok(Victims { leader, other })
    }
}

/// Kills both while files are written. Promised: every write succeeds, also after both deaths.
pub async fn kill_two(stage: &Stage<'_>, victims: &Victims) -> Result<(Blown, Finding), String> {
    let Victims { leader, other } = victims;
    let storm = Storm::start(stage.area.clone());
    blow(&storm).await;
    local::kill(stage.local, leader)?;
    stage.progress.done(format!("kill -9 {leader} (the metadata leader) while files are being written"));
    blow(&storm).await;
    local::kill(stage.local, other)?;
    stage.progress.done(format!("kill -9 {other} while files are being written"));
    let before = storm.written();
    blow(&storm).await;
    let after = storm.written();
    let blown = storm.stop().await;
    let finding = Finding {
        promised: "writing goes on with two nodes dead",
        happened: format!(
            "{} files written and fsynced, {} of them after both deaths; longest pause {:.1} s; {} errors",
            blown.files.len(),
            after - before,
            blown.longest_pause.as_secs_f64(),
            blown.errors.len()
        ),
        kept: after > before && blown.errors.is_empty(),
    };
    stage.complain("error", &blown.errors);
    Ok((blown, finding))
}

/// Reads all of it back while both are dead. Promised: every file is there, with the bytes that were fsynced.
pub async fn read_back(stage: &Stage<'_>, blown: &Blown) -> Finding {
    let (checked, wrong) = blown.verify(&stage.area).await;
    let count = wrong.len();
    stage.progress.done(format!("{checked} fsynced files read back with two nodes dead, {count} wrong"));
    stage.complain("wrong", &wrong);
    Finding {
        promised: "nothing that was fsynced is lost",
        happened: format!(
            "{checked} files read back by SHA-256 with two nodes dead: {count} wrong or missing"
        ),
        kept: wrong.is_empty() && checked > 0,
    }
}

/// Waits while the storm blows: a step, and until files were fsynced in it.
async fn blow(storm: &Storm) {
    let (begun, before) = (Instant::now(), storm.written());
    loop {
        tokio::time::sleep(STORM_STEP).await;
        if storm.written() >= before + STORM_FILES || begun.elapsed() > STORM_WAIT {
            return;
        }
    }
}

async fn leader(stage: &Stage<'_>) -> Result<String, String> {
    let states = isobar_admin::node_states(&stage.local.spec, &stage.cluster).await;
    let mut metas = states.into_iter().flatten().filter_map(|s| s.meta);
    metas.find_map(|m| m.leader).ok_or("no node knows a metadata leader".to_owned())
}
