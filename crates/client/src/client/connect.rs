//! The life of a client: connecting and closing.

use std::sync::Arc;

use isobar_cluster::{Cluster, ClusterError, Session};
use isobar_config::ClusterSpec;
use isobar_segments::Segments;
use isobar_wire::Role;
use isobar_wire::message::ops::SessionOp;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::background;
use super::core::{Client, Inner, Result};
use super::delegations;
use crate::file::{Files, Rows};
use crate::lock_owners::LockOwners;
use crate::namespace::Namespace;
use crate::options::ClientOptions;

impl Client {
    /// Opens a session.
    ///
    /// # Errors
    /// When the cluster file cannot be used or no quorum answers.
    pub async fn connect(
        spec: &ClusterSpec,
        options: ClientOptions,
    ) -> std::result::Result<Client, ClusterError> {
        let cluster = Cluster::from_spec(spec, Role::Client, options.metadata_wait)?;
        Client::with_cluster(cluster, options).await
    }

    /// Opens a session with a cluster already found.
    ///
    /// # Errors
    /// When no quorum answers.
    pub async fn with_cluster(
        cluster: Cluster,
        options: ClientOptions,
    ) -> std::result::Result<Client, ClusterError> {
        cluster.refresh(options.metadata_wait).await.map_err(ClusterError::NoQuorum)?;
        let session = Session::open(cluster.clone(), &options.name).await.map_err(ClusterError::Refused)?;
        let segments = Segments::new(cluster.clone());
        let rows = Rows::new(segments.clone(), options.cache_bytes_max);
        let namespace = Arc::new(Namespace::default());
        let files = Files::new(
            session.clone(),
            segments,
            namespace.clone(),
            rows,
            Handle::current(),
            options.dirty_bytes_max,
            options.read_ahead_bytes,
        );
        let (answered, to_settle) = mpsc::unbounded_channel();
        let client = Client(Arc::new(Inner {
            cluster,
            session,
            namespace,
            files,
            locks: LockOwners::default(),
            answered,
            background: Mutex::default(),
        }));
        let background = vec![
            tokio::spawn(background::renew(Arc::downgrade(&client.0))),
            tokio::spawn(background::write_back(Arc::downgrade(&client.0))),
            tokio::spawn(delegations::settle_all(Arc::downgrade(&client.0), to_settle)),
            tokio::spawn(delegations::give_up(Arc::downgrade(&client.0))),
        ];
        *client.0.background.lock() = background;
        Ok(client)
    }

    /// Refuses further writes, writes everything back and closes the session.
    ///
    /// # Errors
    /// Why bytes were lost of which no write, fsync or close has told; `EIO` when no quorum answered in time.
    pub async fn close(&self) -> Result<()> {
        let (files, cluster) = (&self.0.files, &self.0.cluster);
        files.refuse_writes();
        let written = files.write_back_all().await;
        let settled = cluster.unconfirmed().settled_within(None, cluster.patience()).await;
        for task in self.0.background.lock().drain(..) {
            task.abort();
        }
        let lost = files.untold_loss();
        let closed = self.mutate(SessionOp::Close).await.map(drop);
        lost.and(written).and(settled).and(closed)
    }
}
