//! What a client does unasked: keep its session, answer for open files, write back what is old.

use std::sync::Weak;
use std::time::Duration;

use isobar_base::limits;
use isobar_wire::message::cluster::RenewReply;
use isobar_wire::message::ops::FileOp;

use super::core::{Client, Inner};

/// So many nameless inodes in one renewal: the next is asked for at once.
const MANY_ORPHANS: usize = 256;
/// How long files that are being made are waited for before it is said what is open here.
const CREATIONS_WAIT: Duration = Duration::from_secs(1);

/// Renews the session, learns of the cluster and answers for inodes that lost their last name.
pub(super) async fn renew(client: Weak<Inner>) {
    let mut session = None;
    loop {
        let Some(client) = client.upgrade().map(Client) else { return };
        let more = client.renew_once().await;
        // Whoever met the end of the session first may have opened the new one.
        let now = client.0.session.id();
        if session.replace(now).is_some_and(|before| before != now) {
            client.session_lost();
        }
        drop(client);
        if more {
            continue;
        }
        tokio::time::sleep(Duration::from_millis(limits::SESSION_RENEW_MS)).await;
    }
}

/// Commits dirty bytes that have waited long enough.
pub(super) async fn write_back(client: Weak<Inner>) {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let Some(client) = client.upgrade().map(Client) else { return };
        client.0.files.write_back_old();
    }
}

impl Client {
    /// Gives whether there was so much to answer that more may be waiting.
    async fn renew_once(&self) -> bool {
        let session = self.0.session.id();
        let epoch = self.0.cluster.view().known().map.epoch;
        let wait = Duration::from_millis(limits::SESSION_TIMEOUT_MS);
        match self.0.cluster.renew(session, epoch, wait).await {
            Ok(RenewReply::Renewed { map, live, orphans }) => {
                self.0.cluster.view().update(map, live);
                // One of them may have been made here a moment ago, and whoever made it not have it open yet.
                let creations = self.0.namespace.creations_ended();
                if !orphans.is_empty() && tokio::time::timeout(CREATIONS_WAIT, creations).await.is_err() {
                    return false;
                }
                let closed: Vec<_> = orphans.into_iter().filter(|&ino| !self.is_in_use(ino)).collect();
                if !closed.is_empty() {
                    // Asked again with the next renewal if it fails.
                    let many = closed.len() >= MANY_ORPHANS;
                    return self.mutate(FileOp::ReleaseOrphans { inos: closed }).await.is_ok() && many;
                }
            }
            Ok(RenewReply::Gone) => {
                self.0.session.reopen(session).await.ok();
            }
            Ok(RenewReply::NotLeader(_)) => {}
            Err(error) => tracing::warn!(%error, "the session cannot be renewed"),
        }
        false
    }
}
