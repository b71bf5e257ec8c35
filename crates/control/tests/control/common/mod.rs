//! What the tests share: a control plane on a port of its own, a clock that can be moved, and a client that
//! speaks HTTPS and trusts the server's own authority alone.

pub mod client;
pub mod log;
pub mod machines;
pub mod market;
pub mod microsoft;
pub mod people;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use client::{Answer, Client};
use isobar_control::{Control, ControlOptions, Running, Served};
use isobar_records::Resource;
use isobar_records::testing::TestDatabase;
use isobar_workflow::{Clock, SystemClock};
use machines::{Hands, Machines};
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
    /// What clusters are made of.
    pub machines: Machines,
    pub folder: TempDir,
    /// The administrator's client id and secret.
    pub first: (String, String),
    pub subscription: String,
    /// The administrator.
    pub client: Client,
}

pub fn options_in(
    folder: &Path,
    database: &TestDatabase,
    clock: &MovedClock,
    hands: Hands,
) -> ControlOptions {
    let mut options = ControlOptions::new("127.0.0.1:0".parse().expect("an address"), folder);
    options.database_url = Some(database.url().to_owned());
    options.locations = [("uksouth", "UK South"), ("local", "Local")]
        .map(|(name, words)| (name.to_owned(), words.to_owned()))
        .into();
    options.clock = Arc::new(clock.clone());
    options.asking = Arc::new(hands.clone());
    options.readiness = Arc::new(hands.clone());
    options.marketplace = Some(Arc::new(hands.clone()));
    // There are no machines in the other location.
    options.providers = vec![Served { provider: Arc::new(hands), locations: vec!["uksouth".to_owned()] }];
    options
}

pub async fn start_in(folder: &Path, database: &TestDatabase, clock: &MovedClock, hands: Hands) -> Running {
    Control::start(options_in(folder, database, clock, hands)).await.expect("it starts")
}

impl<'d> World<'d> {
    pub async fn start(database: &'d TestDatabase) -> World<'d> {
        World::start_with(database, Machines::default(), |_| {}).await
    }

    /// One of these machines, with other options.
    pub async fn start_with(
        database: &'d TestDatabase,
        machines: Machines,
        change: impl FnOnce(&mut ControlOptions),
    ) -> World<'d> {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = MovedClock::default();
        let mut options = options_in(folder.path(), database, &clock, machines.hands());
        change(&mut options);
        let mut running = Control::start(options).await.expect("it starts");
        let first = running.first_secret.take().expect("a first start");
        let stranger = Client::of(&running);
        let client = stranger.login(&first.client_id, &first.secret).await;
        let subscription = first.subscription.clone();
        let first = (first.client_id, first.secret);
        World { running, database, clock, machines, folder, first, subscription, client }
    }

    /// Dies, and starts again: as another process, later.
    pub async fn die_and_start_again(self) -> World<'d> {
        let hands = self.machines.hands();
        self.die_and_start_with(hands).await
    }

    /// The same, and the next one may have points at which it dies.
    pub async fn die_and_start_with(self, hands: Hands) -> World<'d> {
        let World { running, database, clock, machines, folder, first, subscription, .. } = self;
        drop(running);
        clock.advance(60_000);
        let running = start_in(folder.path(), database, &clock, hands).await;
        assert!(running.first_secret.is_none(), "a secret is shown once");
        let client = Client::of(&running).login(&first.0, &first.1).await;
        World { running, database, clock, machines, folder, first, subscription, client }
    }

    /// An hour ends, and so does the token's; whoever comes now has another.
    pub async fn hour_ends(&mut self) {
        let past_ms = self.clock.now_ms().rem_euclid(3_600_000);
        self.clock.advance(3_600_000 - past_ms + 1000);
        self.client = Client::of(&self.running).login(&self.first.0, &self.first.1).await;
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

    /// The path of a cluster, or of what is below it.
    pub fn cluster(&self, group: &str, rest: &str) -> String {
        self.at(&format!("/resourceGroups/{group}/providers/Isobar.Storage/clusters/{rest}"), OURS)
    }

    /// The path of a reservation, or of what is below it.
    pub fn reservation(&self, group: &str, rest: &str) -> String {
        self.at(&format!("/resourceGroups/{group}/providers/Isobar.Storage/reservations/{rest}"), OURS)
    }

    /// The id of a reservation.
    pub fn reservation_id(&self, group: &str, name: &str) -> String {
        self.reservation(group, name).split('?').next().expect("a path").to_owned()
    }

    /// Makes a reservation, and waits until it is made. What is sold is the purchase of this number.
    pub async fn make_reservation(&self, group: &str, name: &str, kind: &str, number: u32) {
        if market::is_sold(kind) {
            self.machines.market().sells(number, "silver", json!(1));
        }
        let body = json!({"location": "uksouth", "properties": market::properties(kind, number)});
        let made = self.client.put(&self.reservation(group, name), body).await.expect(201);
        if market::is_sold(kind) {
            assert_eq!(self.ended(&made).await["status"], "Succeeded");
        }
    }

    /// Asks until an answer is as it should be.
    pub async fn until(&self, path: &str, is: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let begun = std::time::Instant::now();
        loop {
            let body = self.client.get(path).await.expect(200).body;
            if is(&body) {
                return body;
            }
            assert!(begun.elapsed() < PATIENCE, "it stays like this: {body:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for the end of what an answer says is under way; gives its status.
    pub async fn ended(&self, answer: &Answer) -> serde_json::Value {
        let url = answer.header("azure-asyncoperation").to_owned();
        assert!(!url.is_empty(), "nothing is under way: {answer:#?}");
        let begun = std::time::Instant::now();
        loop {
            let status = self.client.follow(&url).await.expect(200).body;
            if ["Succeeded", "Failed", "Canceled"].contains(&status["status"].as_str().expect("a status")) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it stays like this: {status:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes a cluster of three nodes, and waits until it is made.
    pub async fn make_small_cluster(&self, group: &str, name: &str, protected: bool) {
        let body = json!({
            "location": "uksouth", "properties": {"nodeCount": 3, "deletionProtection": protected},
        });
        let answer = self.client.put(&self.cluster(group, name), body).await.expect(201);
        assert_eq!(self.ended(&answer).await["status"], "Succeeded");
    }

    /// Puts a cluster among the records, as one that has no machines; gives its id.
    pub async fn make_cluster(&self, group: &str, name: &str, tags: serde_json::Value) -> String {
        self.make_cluster_in(&self.subscription, group, name, tags).await
    }

    /// The same in this subscription.
    pub async fn make_cluster_in(
        &self,
        subscription: &str,
        group: &str,
        name: &str,
        tags: serde_json::Value,
    ) -> String {
        let of_group = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        let id = format!("{of_group}/providers/Isobar.Storage/clusters/{name}");
        let time = "2026-11-27T00:00:00.000Z";
        let body = json!({
            "location": "uksouth", "tags": tags, "state": "Succeeded",
            "properties": {"nodeCount": 4, "provider": machines::NAME, "deletionProtection": false},
            "internal": {"deployment": format!("never made: {name}")},
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
            subscription: subscription.to_lowercase(),
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
