//! A control plane makes a cluster of real processes, watches it, repairs it and takes it away; it dies in
//! the middle and goes on.

#[path = "../../control/tests/control/common/client.rs"]
#[allow(dead_code, reason = "it is shared with the tests of the control plane")]
mod client;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use client::{Answer, Client};
use isobar_client::{Client as Mount, ClientOptions, ClusterSpec};
use isobar_control::{Control, ControlOptions, Running, Served};
use isobar_provider::LocalProvider;
use isobar_vfs::{Checks, Credentials, Vfs};
use isobar_workflow::{Clock, SystemClock};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// The clock of this machine, and something more.
#[derive(Clone, Default)]
struct MovedClock(Arc<AtomicI64>);

impl Clock for MovedClock {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.0.load(Ordering::SeqCst)
    }
}

/// A control plane whose clusters are processes of this machine.
struct World {
    folder: tempfile::TempDir,
    clock: MovedClock,
    running: Option<Running>,
    client: Client,
    login: (String, String),
    subscription: String,
    /// Clusters of tests come one after the other on a machine.
    _only_one: File,
}

async fn start(folder: &Path, clock: &MovedClock, boot: &str) -> Running {
    let provider = LocalProvider::new(folder.join("clusters"), env!("CARGO_BIN_EXE_isobar"));
    let provider = provider.map(|provider| provider.at_boot(boot));
    let mut options = ControlOptions::new("127.0.0.1:0".parse().expect("an address"), folder.join("data"));
    let provider = Arc::new(provider.expect("a directory for clusters"));
    options.providers = vec![Served { provider, locations: vec!["local".to_owned()] }];
    options.clock = Arc::new(clock.clone());
    Control::start(options).await.expect("it starts")
}

impl World {
    async fn start() -> World {
        let lock = std::env::temp_dir().join("isobar-tests.lock");
        let only_one = File::options().create(true).truncate(false).write(true).open(lock);
        let only_one = only_one.expect("the lock file opens");
        only_one.lock().expect("the lock is granted");
        let folder = tempfile::tempdir().expect("a folder");
        let clock = MovedClock::default();
        let mut running = start(folder.path(), &clock, "first").await;
        let first = running.first_secret.take().expect("a first start");
        let client = Client::of(&running).login(&first.client_id, &first.secret).await;
        let (login, subscription) = ((first.client_id, first.secret), first.subscription);
        World { folder, clock, running: Some(running), client, login, subscription, _only_one: only_one }
    }

    /// Dies, and starts again: as another process, later.
    async fn die_and_start_again(&mut self) {
        self.die_and_start_at("first").await;
    }

    /// The same at some boot of the machine.
    async fn die_and_start_at(&mut self, boot: &str) {
        drop(self.running.take());
        self.clock.0.fetch_add(60_000, Ordering::SeqCst);
        let running = start(self.folder.path(), &self.clock, boot).await;
        self.client = Client::of(&running).login(&self.login.0, &self.login.1).await;
        self.running = Some(running);
    }

    fn path(&self, rest: &str, version: &str) -> String {
        format!("/subscriptions/{}/resourceGroups/rg1{rest}?api-version={version}", self.subscription)
    }

    fn cluster(&self, rest: &str) -> String {
        self.path(&format!("/providers/Isobar.Storage/clusters/weather{rest}"), "2026-12-01")
    }

    async fn post(&self, rest: &str, body: Value) -> Answer {
        self.client.json("POST", &self.cluster(rest), body).await
    }

    /// Waits for the end of an operation, whichever control plane has begun it.
    async fn ended(&self, url: &str) -> Value {
        let path = &url[url.find("/subscriptions").expect("a path")..];
        self.until(path, |status| status.get("endTime").is_some()).await
    }

    async fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let body = self.client.get(path).await.expect(200).body;
            if is(&body) {
                return body;
            }
            assert!(begun.elapsed() < PATIENCE, "it stays like this: {body:#}");
            tokio::time::sleep(POLL).await;
        }
    }

    async fn until_it_is(&self, state: &str) -> Value {
        let is = |cluster: &Value| cluster["properties"]["health"]["state"] == state;
        self.until(&self.cluster(""), is).await["properties"].clone()
    }

    /// Makes a group and a cluster of three nodes in it; gives the address of the operation.
    async fn make(&self) -> String {
        let group = self.path("", "2024-11-01");
        self.client.put(&group, json!({"location": "local"})).await.expect(201);
        let body = json!({
            "location": "local", "sku": {"name": "Local_64MiB"},
            "properties": {"nodeCount": 3, "deletionProtection": false},
        });
        let made = self.client.put(&self.cluster(""), body).await.expect(201);
        made.header("azure-asyncoperation").to_owned()
    }

    async fn delete(&self) {
        let deleted = self.client.delete(&self.cluster("")).await.expect(202);
        let status = self.ended(deleted.header("azure-asyncoperation")).await;
        assert_eq!(status["status"], "Succeeded", "{status:#}");
    }

    /// The processes of the clusters, by their command lines.
    fn processes(&self) -> Vec<(i32, String)> {
        let root = self.folder.path().display().to_string();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(&root) {
                found.push((pid, line));
            }
        }
        found
    }

    fn signal(&self, node: &str) {
        for (pid, line) in self.processes() {
            if line.contains(node) {
                let pid = Pid::from_raw(pid).expect("a process");
                rustix::process::kill_process(pid, Signal::KILL).ok();
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Whatever way the test ends, nothing of it runs on.
        drop(self.running.take());
        self.signal("");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_made_watched_repaired_and_deleted() {
    let mut world = World::start().await;
    let made = world.make().await;

    // It dies as soon as a node runs, and another one goes on.
    let begun = Instant::now();
    while world.processes().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "no node starts");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.die_and_start_again().await;
    let status = world.ended(&made).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");
    assert_eq!(world.processes().len(), 3, "{:#?}", world.processes());

    let healthy = world.until_it_is("Healthy").await;
    let health = &healthy["health"];
    assert_eq!((&health["nodesUp"], &health["nodesMayBeLost"]), (&json!(3), &json!(1)), "{health:#}");
    let total = healthy["capacity"]["totalBytes"].as_u64().expect("a size");
    assert!((3 * (60 << 20)..=3 * (64 << 20)).contains(&total), "{total}");
    let command = healthy["clientInfo"]["mountCommand"].as_str().expect("a command");
    assert!(Path::new(command.split(' ').nth(2).expect("a path")).join("cluster.toml").exists(), "{command}");
    let secrets = world.post("/listSecrets", json!({})).await.expect(200).body;
    assert!(
        secrets["clusterFile"]
            .as_str()
            .expect("a file")
            .contains(healthy["clusterId"].as_str().expect("an id"))
    );

    world.signal("n2.toml");
    let degraded = world.until_it_is("Degraded").await;
    let attention = degraded["health"]["attention"].to_string();
    assert!(attention.contains("n2 does not answer"), "{attention}");
    assert_eq!(degraded["health"]["nodesMayBeLost"], 0, "{degraded:#}");
    // Another one must not be away now.
    let unsafe_plan = world.post("/nodes/n1/restart", json!({"dryRun": true})).await.expect(200).body;
    assert_eq!(unsafe_plan["allowed"], false, "{unsafe_plan:#}");
    world.post("/nodes/n1/replace", json!({})).await.refused(409, "UnsafeOperation");

    let replaced = world.post("/nodes/n2/replace", json!({})).await.expect(202);
    let status = world.ended(replaced.header("azure-asyncoperation")).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");
    // The one that leads: another one is elected in the middle of it.
    let healthy = world.until_it_is("Healthy").await;
    let leader = healthy["health"]["leader"].as_str().expect("a leader");
    let replaced = world.post(&format!("/nodes/{leader}/replace"), json!({})).await.expect(202);
    let status = world.ended(replaced.header("azure-asyncoperation")).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");
    world.until_it_is("Healthy").await;
    let restarted = world.post("/nodes/n3/restart", json!({})).await.expect(202);
    let status = world.ended(restarted.header("azure-asyncoperation")).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");

    world.delete().await;
    world.client.get(&world.cluster("")).await.refused(404, "ResourceNotFound");
    world.client.get(&world.cluster("/nodes/n1")).await.refused(404, "ResourceNotFound");
    assert_eq!(world.processes(), [], "processes are left");
    let left: Vec<_> = std::fs::read_dir(world.folder.path().join("clusters")).expect("a folder").collect();
    assert!(left.is_empty(), "{left:#?}");
}

/// A client of a cluster that has just been healthy.
async fn mount(cluster: &Value) -> Vfs {
    let command = cluster["clientInfo"]["mountCommand"].as_str().expect("a command");
    let spec = ClusterSpec::load(Path::new(command.split(' ').nth(2).expect("a path")));
    let mount = Mount::connect(&spec.expect("a cluster file"), ClientOptions::default()).await;
    Vfs::new(mount.expect("a client"), Checks::Here)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reboot_the_nodes_are_started_again_with_their_data() {
    let mut world = World::start().await;
    let made = world.make().await;
    let status = world.ended(&made).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");
    let (who, file, content) = (Credentials::root(), Path::new("/field"), vec![7; 1_000_000]);
    let vfs = mount(&world.until_it_is("Healthy").await).await;
    vfs.put_atomic(&who, file, &content, 0o644).await.expect("it is written");
    vfs.client().close().await.expect("nothing is lost");

    // Nobody starts nodes that died while the machine ran.
    world.signal(".toml");
    world.die_and_start_again().await;
    world.until_it_is("Unhealthy").await;
    assert_eq!(world.processes(), []);

    world.die_and_start_at("second").await;
    let healthy = world.until_it_is("Healthy").await;
    assert_eq!(healthy["health"]["nodesUp"], 3, "{healthy:#}");
    let vfs = mount(&healthy).await;
    assert!(vfs.get(&who, file).await.expect("it is read") == content, "other bytes");
    vfs.client().close().await.expect("nothing is lost");
    assert_eq!(world.processes().len(), 3, "{:#?}", world.processes());

    // One whose port another program has stays down, is shown so, and is repaired by whoever operates it.
    world.signal(".toml");
    let node = world.client.get(&world.cluster("/nodes/n2")).await.expect(200).body;
    let address = node["properties"]["address"].as_str().expect("an address").to_owned();
    let begun = Instant::now();
    let other = loop {
        match std::net::TcpListener::bind(&address) {
            Ok(other) => break other,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{address}: {error}"),
        }
        tokio::time::sleep(POLL).await;
    };
    world.die_and_start_at("third").await;
    let degraded = world.until_it_is("Degraded").await;
    let attention = degraded["health"]["attention"].to_string();
    assert!(attention.contains("n2 does not answer"), "{attention}");
    drop(other);
    let restarted = world.post("/nodes/n2/restart", json!({})).await.expect(202);
    let status = world.ended(restarted.header("azure-asyncoperation")).await;
    assert_eq!(status["status"], "Succeeded", "{status:#}");
    world.until_it_is("Healthy").await;
    world.delete().await;
    assert_eq!(world.processes(), [], "processes are left");
}
