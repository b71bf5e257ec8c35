//! The calls, on a thread that may wait.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use isobar_admin::{Local, LocalError, LocalOptions, Waits};
use isobar_config::ClusterSpec;
use isobar_wire::Role;

use super::boot::Boot;
use super::room::misfits;
use super::turn::{Caller, Turn};
use super::wake::wake;
use crate::error::ProviderError;
use crate::plan::{Misfit, Plan, Size};
use crate::provider::{Secrets, Woken};

/// How long a killed process may take to be gone.
const GONE_MAX: Duration = Duration::from_secs(10);
/// How often that is looked at.
const GONE_EVERY: Duration = Duration::from_millis(5);

/// Where clusters are, what starts their nodes, and since when the machine runs.
pub(super) struct Calls {
    pub root: PathBuf,
    pub program: PathBuf,
    pub boot: Boot,
}

/// What failed, and whether it may go better.
fn failed(error: LocalError) -> ProviderError {
    let may_go_better = matches!(
        error,
        LocalError::System { .. }
            | LocalError::StillRuns { .. }
            | LocalError::NodeRuns { .. }
            | LocalError::Ended { .. }
            | LocalError::NotMounted { .. }
            | LocalError::OthersMount { .. }
    );
    match may_go_better {
        true => ProviderError::retry(error),
        false => ProviderError::cannot(error),
    }
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> ProviderError + '_ {
    move |error| ProviderError::retry(format!("cannot read {}: {error}", path.display()))
}

impl Calls {
    /// The directory of a cluster.
    fn dir(&self, cluster: &str) -> Result<PathBuf, ProviderError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        match !cluster.is_empty() && cluster.bytes().all(plain) {
            true => Ok(self.root.join(cluster)),
            false => Err(ProviderError::cannot("that is no id of a cluster")),
        }
    }

    /// The cluster, if it is made.
    fn find(&self, cluster: &str) -> Result<Option<Local>, ProviderError> {
        let dir = self.dir(cluster)?;
        match Local::is_in(&dir) {
            true => Local::load(&dir, &self.program).map(Some).map_err(failed),
            false => Ok(None),
        }
    }

    fn get(&self, cluster: &str) -> Result<Local, ProviderError> {
        let found = self.find(cluster)?;
        found.ok_or_else(|| ProviderError::cannot(format!("the cluster {cluster} is not on this machine")))
    }

    pub(super) fn check(&self, plan: &Plan, sizes: &[Size]) -> Result<Vec<Misfit>, ProviderError> {
        if self.find(&plan.cluster)?.is_some() {
            return Ok(Vec::new());
        }
        let room = rustix::fs::statvfs(&self.root);
        let room = room.map_err(|error| unreadable(&self.root)(error.into()))?;
        let mut misfits = misfits(plan, sizes, room.f_bavail.saturating_mul(room.f_frsize));
        if !self.program.is_file() {
            let why = format!("The program of the nodes is missing: {}.", self.program.display());
            misfits.push(Misfit { of: String::new(), why });
        }
        Ok(misfits)
    }

    pub(super) fn make(
        &self,
        caller: &Caller,
        plan: &Plan,
        size: &Size,
    ) -> Result<ClusterSpec, ProviderError> {
        let dir = self.dir(&plan.cluster)?;
        let _turn = Turn::wait(&self.root, &plan.cluster, caller)?;
        let options = LocalOptions {
            nodes: usize::try_from(plan.nodes).unwrap_or(usize::MAX),
            target_bytes: size.target_bytes,
            name: plan.name.clone(),
            data_rows: Some(plan.data_rows),
            parity_rows: Some(plan.parity_rows),
        };
        Local::create(&dir, &options, &self.program).map(|local| local.spec).map_err(failed)
    }

    pub(super) fn access(&self, cluster: &str) -> Result<ClusterSpec, ProviderError> {
        Ok(self.get(cluster)?.spec)
    }

    pub(super) fn start(&self, caller: &Caller, cluster: &str, node: &str) -> Result<(), ProviderError> {
        let _turn = Turn::wait(&self.root, cluster, caller)?;
        let local = self.get(cluster)?;
        local.node(node).map_err(failed)?;
        // Before it is started: where that is cut off, whoever asked for it asks again.
        self.boot.note(&local, node)?;
        // Its nodes outlive whoever starts them.
        local.start_node(node, false).map(drop).map_err(failed)
    }

    pub(super) fn stop(&self, caller: &Caller, cluster: &str, node: &str) -> Result<(), ProviderError> {
        let _turn = Turn::wait(&self.root, cluster, caller)?;
        let Some(local) = self.find(cluster)? else { return Ok(()) };
        local.node(node).map_err(failed)?;
        Boot::forget(&local, node)?;
        local.stop(node).map_err(failed)
    }

    pub(super) fn cut_power(&self, caller: &Caller, cluster: &str, node: &str) -> Result<(), ProviderError> {
        let _turn = Turn::wait(&self.root, cluster, caller)?;
        let Some(local) = self.find(cluster)? else { return Ok(()) };
        local.kill_node(node).map_err(failed)?;
        let begun = Instant::now();
        while local.is_running(node) {
            if begun.elapsed() > GONE_MAX {
                return Err(ProviderError::retry(format!("{node} still runs after it was killed")));
            }
            std::thread::sleep(GONE_EVERY);
        }
        Ok(())
    }

    pub(super) fn running(&self, cluster: &str) -> Result<BTreeSet<String>, ProviderError> {
        let Some(local) = self.find(cluster)? else { return Ok(BTreeSet::new()) };
        Ok(local.names().filter(|name| local.is_running(name)).map(str::to_owned).collect())
    }

    pub(super) fn wake(&self, caller: &Caller, cluster: &str) -> Result<Woken, ProviderError> {
        let _turn = Turn::wait(&self.root, cluster, caller)?;
        self.find(cluster)?.map_or_else(|| Ok(Woken::default()), |local| wake(&local, &self.boot))
    }

    pub(super) fn blank(
        &self,
        caller: &Caller,
        cluster: &str,
        node: &str,
        mark: &str,
    ) -> Result<(), ProviderError> {
        let _turn = Turn::wait(&self.root, cluster, caller)?;
        let local = self.get(cluster)?;
        local.node(node).map_err(failed)?;
        // It goes with the cluster.
        let marks = local.dir.join("run").join(format!("{node}.blanked"));
        let mut before = match std::fs::read_to_string(&marks) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(unreadable(&marks))?,
        };
        if before.lines().any(|line| line == mark) {
            return Ok(());
        }
        local.blank_disks(node).map_err(failed)?;
        before.push_str(mark);
        before.push('\n');
        let new = marks.with_extension("blanked.new");
        let written = std::fs::write(&new, before).and_then(|()| std::fs::rename(&new, &marks));
        written.map_err(|error| ProviderError::retry(format!("cannot write {}: {error}", marks.display())))
    }

    pub(super) fn remove(&self, caller: &Caller, cluster: &str) -> Result<(), ProviderError> {
        let dir = self.dir(cluster)?;
        let _turn = Turn::wait(&self.root, cluster, caller)?;
        let removed = Local::remove(&dir, Waits::default()).map_err(failed)?;
        if let Some(left) = removed.left.first() {
            let why = format!("{} is not the cluster's: move it elsewhere", left.display());
            return Err(ProviderError::cannot(why));
        }
        Ok(())
    }

    pub(super) fn secrets(&self, cluster: &str) -> Result<Secrets, ProviderError> {
        let local = self.get(cluster)?;
        let read = |file: &str| {
            let path = local.dir.join(file);
            std::fs::read_to_string(&path).map_err(unreadable(&path))
        };
        Ok(Secrets {
            cluster_file: read("cluster.toml")?,
            client_credential: read(&Role::Client.file_name())?,
        })
    }
}
