//! The third act: the dead return, one of them with a blank disk, and what was rebuilt is put to the proof.

use isobar_admin::Depth;

use super::deaths::Victims;
use super::report::Finding;
use super::stage::{READY_WAIT, Stage};
use super::storm::Blown;
use crate::{fsck, local, node, status};

/// Starts one with its disk and one with a blank disk. Promised: every segment has all its rows again.
pub async fn bring_back(stage: &Stage<'_>, victims: &Victims) -> Result<Finding, String> {
    let Stage { local, progress, cluster, .. } = stage;
    let Victims { leader, other } = victims;
    local.start_node(other, true).map_err(local::words)?;
    local.blank_disks(leader).map_err(local::words)?;
    local.start_node(leader, true).map_err(local::words)?;
    progress.done(format!("{other} restarted with its disk, {leader} with a blank disk"));
    progress.now("rebuilding");
    let rebuilt = node::replace_and_wait(&local.spec, leader, false, progress).await?;
    progress.done(&rebuilt);
    stage.ready().await?;
    let view = cluster.refresh(READY_WAIT).await.map_err(|e| e.to_string())?;
    let segments = isobar_admin::segments(cluster).await.map_err(|e| e.to_string())?;
    let redundancy = isobar_admin::redundancy(&segments, &view);
    let report = fsck::check(cluster, Depth::Keys, progress).await?;
    Ok(Finding {
        promised: "full redundancy returns",
        happened: format!(
            "{rebuilt}; {}; fsck {}",
            status::redundancy_text(&redundancy),
            fsck::summary(&report)
        ),
        kept: redundancy.worst() == 0 && report.is_clean(),
    })
}

/// Kills two nodes that held everything until now, reads all of it back and starts them again.
/// Promised: every file is there, so what was rebuilt is right.
pub async fn prove_the_rebuild(
    stage: &Stage<'_>,
    spared: &Victims,
    blown: &Blown,
) -> Result<Finding, String> {
    let Stage { local, progress, area, .. } = stage;
    let were_dead = [&spared.leader, &spared.other];
    let victims: Vec<String> =
        local.names().filter(|n| !were_dead.iter().any(|d| d == n)).take(2).map(str::to_owned).collect();
    for victim in &victims {
        local::kill(local, victim)?;
    }
    let (checked, wrong) = blown.verify(area).await;
    let names = victims.join(" and ");
    progress.done(format!("kill -9 {names}; {checked} files read back, {} wrong", wrong.len()));
    stage.complain("wrong", &wrong);
    for victim in &victims {
        local.start_node(victim, true).map_err(local::words)?;
    }
    stage.ready().await?;
    Ok(Finding {
        promised: "what was rebuilt is as good as before",
        happened: format!(
            "two other nodes killed: {checked} files read back, {} wrong or missing",
            wrong.len()
        ),
        kept: wrong.is_empty() && checked > 0,
    })
}
