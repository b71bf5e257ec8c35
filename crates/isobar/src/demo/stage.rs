//! Where the demonstration is played: a cluster of processes, and a mount or a client to write through.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_admin::Local;
use isobar_client::{Client, ClientOptions, Cluster};
use isobar_wire::Role;

use super::area::{Area, LibraryArea, MountArea};
use crate::progress::Progress;
use crate::{local, readiness};

/// How long a metadata leader is waited for.
pub const READY_WAIT: Duration = Duration::from_secs(60);

/// What every act works with.
pub struct Stage<'a> {
    pub local: &'a Local,
    pub progress: &'a Progress,
    pub area: Arc<dyn Area>,
    pub cluster: Cluster,
}

impl<'a> Stage<'a> {
    /// The first act: all nodes are started and form a cluster. It is mounted on `mount`; where that says why
    /// it cannot be, a client takes the place of the mount.
    pub async fn form(
        local: &'a Local,
        mount: Result<PathBuf, String>,
        progress: &'a Progress,
    ) -> Result<Stage<'a>, String> {
        form_cluster(local, progress).await?;
        let area = open_area(local, mount, progress).await?;
        let cluster =
            Cluster::from_spec(&local.spec, Role::Administrator, READY_WAIT).map_err(|e| e.to_string())?;
        Ok(Stage { local, progress, area, cluster })
    }

    /// Waits until the cluster takes data on all its nodes.
    pub async fn ready(&self) -> Result<(), String> {
        readiness::wait(self.local, |text| self.progress.now(text)).await
    }

    /// Shows what went wrong, the first of it.
    pub fn complain(&self, what: &str, wrong: &[String]) {
        wrong.iter().take(3).for_each(|e| self.progress.done(format!("{what}: {e}")));
    }
}

async fn form_cluster(local: &Local, progress: &Progress) -> Result<(), String> {
    for name in local.names() {
        local.start_node(name, true).map_err(local::words)?;
    }
    let begun = Instant::now();
    readiness::wait(local, |text| progress.now(text)).await?;
    let (n, k) = (local.spec.data_rows, local.spec.parity_rows);
    progress.done(format!(
        "cluster up in {:.1} s: {} nodes, {n} data + {k} parity rows, {} metadata voters",
        begun.elapsed().as_secs_f64(),
        local.spec.node.len(),
        2 * k + 1
    ));
    Ok(())
}

async fn open_area(
    local: &Local,
    mount: Result<PathBuf, String>,
    progress: &Progress,
) -> Result<Arc<dyn Area>, String> {
    match mount {
        Ok(point) => {
            local.start_mount(&point, true).map_err(local::words)?;
            local.await_mount(&point).map_err(local::words)?;
            progress.done(format!("mounted on {}", point.display()));
            Ok(Arc::new(MountArea(point)))
        }
        Err(why) => {
            progress.done(format!("no mount ({why}); the same proof through the client library"));
            let options = ClientOptions { name: "demo".to_owned(), ..ClientOptions::default() };
            let client = Client::connect(&local.spec, options).await.map_err(|e| e.to_string())?;
            Ok(Arc::new(LibraryArea::new(client, tokio::runtime::Handle::current())))
        }
    }
}
