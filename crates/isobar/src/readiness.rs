//! Waiting until a local cluster takes data on all its nodes: as long as it gets nearer to that. What it
//! waits for has a name at every moment, and a node that ended is not waited for.

use std::time::{Duration, Instant};

use isobar_admin::{Local, WaitsFor};
use isobar_client::Cluster;
use isobar_wire::Role;

use crate::{local, status};

/// How long nothing may get nearer before it is given up: eight nodes on a busy machine take their time.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until the cluster takes data on all its nodes; `progress` hears what it waits for.
pub async fn wait(local: &Local, mut progress: impl FnMut(String)) -> Result<(), String> {
    let cluster =
        Cluster::from_spec(&local.spec, Role::Administrator, STANDSTILL_MAX).map_err(|e| e.to_string())?;
    let (mut best, mut since) = (0, Instant::now());
    loop {
        let found = local.ready(&cluster).await.map_err(local::words)?;
        let Some(waits_for) = found.waits_for.as_ref().map(text) else { return Ok(()) };
        if found.reached > best {
            (best, since) = (found.reached, Instant::now());
        }
        if since.elapsed() > STANDSTILL_MAX {
            return Err(format!(
                "the cluster is not ready and has not got nearer to it for {} s: {waits_for}; see {}",
                STANDSTILL_MAX.as_secs(),
                local.dir.join("log").display()
            ));
        }
        progress(waits_for);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn text(waits_for: &WaitsFor) -> String {
    match waits_for {
        WaitsFor::Founding(founding) => status::founding_text(founding),
        WaitsFor::Leader { silent } if silent.is_empty() => "the voters elect a leader".to_owned(),
        WaitsFor::Leader { silent } => {
            format!("the voters elect a leader; {} not among them yet", are(silent))
        }
        WaitsFor::Targets { missing } => format!("{} not known to have a target up", are(missing)),
        WaitsFor::Groups => "the leader builds placement groups".to_owned(),
    }
}

/// Names, with the verb that belongs to them.
fn are(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_admin::Founding;

    #[test]
    fn every_wait_names_whom_it_is_for() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let all = [
            WaitsFor::Founding(Founding { silent: names(&["n3"]), waiting: None }),
            WaitsFor::Leader { silent: names(&["n3"]) },
            WaitsFor::Targets { missing: names(&["n2", "n3"]) },
            WaitsFor::Targets { missing: names(&["n3"]) },
            WaitsFor::Groups,
        ];
        assert_eq!(
            all.each_ref().map(text),
            [
                "not founded yet: n3 does not answer",
                "the voters elect a leader; n3 is not among them yet",
                "n2, n3 are not known to have a target up",
                "n3 is not known to have a target up",
                "the leader builds placement groups",
            ]
        );
    }
}
