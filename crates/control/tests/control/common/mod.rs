//! What the tests share: a control plane on a port of its own, a clock that can be moved, and a client that
//! speaks HTTPS and trusts the server's own authority alone.

pub mod client;
pub mod people;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use client::{Answer, Client};
use isobar_control::{Control, ControlOptions, Running};
use isobar_records::Resource;
use isobar_records::testing::TestDatabase;
use isobar_workflow::{Clock, SystemClock};
use serde_json::json;
use tempfile::TempDir;

pub const GROUPS: &str = "2024-11-01";
pub const LOCKS: &str = "2016-09-01";
pub const ROLES: &str = "2022-04-01";
pub const OURS: &str = "2026-12-01";
const PATIENCE: Duration = Duration::from_secs(60);

/// The clock of this machine, and something more.
#[derive(Clone, Default)]
pub struct MovedClock(Arc<AtomicI64>);

impl MovedClock {
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.0.load(Ordering::SeqCst)
    }
}

/// A control plane, and its administrator.
pub struct World<'d> {
    pub running: Running,
    pub database: &'d TestDatabase,
    pub clock: MovedClock,
    pub folder: TempDir,
    /// The administrator's client id and secret.
    pub first: (String, String),
    pub subscription: String,
    /// The administrator.
    pub client: Client,
}

pub fn options_in(folder: &Path, database: &TestDatabase, clock: &MovedClock) -> ControlOptions {
    let mut options = ControlOptions::new("127.0.0.1:0".parse().expect("an address"), folder);
    options.database_url = Some(database.url().to_owned());
    options.locations = [("uksouth", "UK South"), ("local", "Local")]
        .map(|(name, words)| (name.to_owned(), words.to_owned()))
        .into();
    options.clock = Arc::new(clock.clone());
    options
}

pub async fn start_in(folder: &Path, database: &TestDatabase, clock: &MovedClock) -> Running {
    Control::start(options_in(folder, database, clock)).await.expect("it starts")
}

impl<'d> World<'d> {
    pub async fn start(database: &'d TestDatabase) -> World<'d> {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = MovedClock::default();
        let mut running = start_in(folder.path(), database, &clock).await;
        let first = running.first_secret.take().expect("a first start");
        let stranger = Client::of(&running);
        let client = stranger.login(&first.client_id, &first.secret).await;
        let subscription = first.subscription.clone();
        let first = (first.client_id, first.secret);
        World { running, database, clock, folder, first, subscription, client }
    }

    /// Dies, and starts again: as another process, later.
    pub async fn die_and_start_again(self) -> World<'d> {
        let World { running, database, clock, folder, first, subscription, .. } = self;
        drop(running);
        clock.advance(60_000);
        let running = start_in(folder.path(), database, &clock).await;
        assert!(running.first_secret.is_none(), "a secret is shown once");
        let client = Client::of(&running).login(&first.0, &first.1).await;
        World { running, database, clock, folder, first, subscription, client }
    }

    /// A path in the subscription, with a version.
    pub fn at(&self, rest: &str, version: &str) -> String {
        let between = if rest.contains('?') { '&' } else { '?' };
        format!("/subscriptions/{}{rest}{between}api-version={version}", self.subscription)
    }

    pub fn group(&self, name: &str) -> String {
        self.at(&format!("/resourceGroups/{name}"), GROUPS)
    }

    pub async fn make_group(&self, name: &str) -> Answer {
        let answer = self.client.put(&self.group(name), json!({"location": "uksouth"})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer
    }

    /// Asks for a group until it is gone.
    pub async fn gone(&self, name: &str) {
        let begun = std::time::Instant::now();
        while self.client.get(&self.group(name)).await.status != 404 {
            assert!(begun.elapsed() < PATIENCE, "the group stays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Puts a cluster among the records, as it will be once there are some; gives its id.
    pub async fn make_cluster(&self, group: &str, name: &str, tags: serde_json::Value) -> String {
        let of_group = format!("/subscriptions/{}/resourceGroups/{group}", self.subscription);
        let id = format!("{of_group}/providers/Isobar.Storage/clusters/{name}");
        let time = "2026-11-27T00:00:00.000Z";
        let body = json!({
            "location": "uksouth", "tags": tags, "state": "Succeeded", "properties": {"nodes": 4},
            "systemData": {
                "createdBy": "t", "createdByType": "Application", "createdAt": time,
                "lastModifiedBy": "t", "lastModifiedByType": "Application", "lastModifiedAt": time,
            },
        });
        let row = Resource {
            key: id.to_lowercase(),
            id: id.clone(),
            kind: "isobar.storage/clusters".to_owned(),
            parent: of_group.to_lowercase(),
            subscription: self.subscription.to_lowercase(),
            group_name: group.to_lowercase(),
            revision: 0,
            body,
            created_ms: 0,
            changed_ms: 0,
        };
        let mut tx = self.database.open().await.begin().await.expect("a transaction");
        tx.insert_resource(row).await.expect("a new cluster");
        tx.commit().await.expect("it is kept");
        id
    }
}
