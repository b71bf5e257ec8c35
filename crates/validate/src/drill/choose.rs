//! Which node is stopped, or why there is no drill.

use std::time::{Duration, Instant};

use isobar_client::ClusterSpec;

use super::control::NodeControl;
use crate::options::Options;
use crate::preflight::Preflight;
use crate::watcher::Watcher;

/// How long to wait for full redundancy before the drill.
const WHOLE_WAIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(250);

/// A node that can be stopped.
pub(crate) struct Chosen<'a> {
    /// Its name.
    pub node: String,
    /// Whether it leads the metadata group.
    pub led: bool,
    /// Who stops and starts it.
    pub control: &'a dyn NodeControl,
}

/// Why there is no drill.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoDrill {
    #[error("skipped (--skip drill)")]
    Skipped,
    #[error("{0}")]
    NoControl(String),
    #[error("as many nodes are away already as the cluster may lose")]
    TooManyAway,
    #[error("whether all data has its redundancy is not known: {0}")]
    RedundancyUnknown(String),
    #[error("not all data has its full redundancy: isobar status says more")]
    NotWhole,
    #[error("there is no node that could be stopped")]
    NoNode,
    /// Whoever asked called all of it off.
    #[error("called off")]
    CalledOff,
}

/// Chooses a node, once all data has its full redundancy: the one that was asked for, or the last that
/// answers and does not lead the metadata.
pub(crate) fn choose<'a>(
    options: &'a Options,
    preflight: &Preflight,
    watcher: &dyn Watcher,
) -> Result<Chosen<'a>, NoDrill> {
    if options.skip.drill {
        return Err(NoDrill::Skipped);
    }
    let control = *options.control.as_ref().map_err(|why| NoDrill::NoControl(why.clone()))?;
    let away = preflight.nodes.iter().filter(|n| n.facts.is_err()).count();
    if away >= usize::from(options.spec.parity_rows) {
        return Err(NoDrill::TooManyAway);
    }
    wait_until_whole(options, control, watcher)?;
    let leader = leader(preflight, &options.spec);
    let chosen = options.drill_node.clone().or_else(|| {
        let up = preflight.nodes.iter().filter(|n| n.facts.is_ok()).map(|n| n.name.clone());
        up.rev().find(|name| Some(name) != leader.as_ref())
    });
    let node = chosen.ok_or(NoDrill::NoNode)?;
    Ok(Chosen { led: leader.as_ref() == Some(&node), node, control })
}

fn wait_until_whole(
    options: &Options,
    control: &dyn NodeControl,
    watcher: &dyn Watcher,
) -> Result<(), NoDrill> {
    match control.is_whole() {
        Ok(true) => {}
        Ok(false) => watcher.now("drill: until all data has its full redundancy"),
        Err(why) => return Err(NoDrill::RedundancyUnknown(why)),
    }
    let begun = Instant::now();
    while control.is_whole() != Ok(true) {
        if options.cancel.is_called_off() {
            return Err(NoDrill::CalledOff);
        }
        if begun.elapsed() > WHOLE_WAIT {
            return Err(NoDrill::NotWhole);
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// The node that leads the metadata group, when it is known.
fn leader(preflight: &Preflight, spec: &ClusterSpec) -> Option<String> {
    let addr = preflight.leader_addr.as_ref()?;
    spec.node.iter().find(|n| n.addr == *addr).map(|n| n.name.clone())
}
