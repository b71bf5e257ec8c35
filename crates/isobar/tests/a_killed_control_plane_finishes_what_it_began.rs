//! A real `isobar control` gets SIGKILL at every step of everything that it does with real clusters, as soon
//! as the step has begun and again when it is done but not written down. Another one on the same data
//! finishes it: nothing is there twice, nothing is left, and what was written is read.

mod control;
#[path = "control/held.rs"]
mod held;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use control::{Control, Home, WithClusters, refused};
use held::{HELD, Kept, Records};
use isobar_client::{Client, ClientOptions, ClusterSpec};
use isobar_vfs::{Checks, Credentials, Vfs};

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(2);
const NODES: [&str; 3] = ["n1", "n2", "n3"];
/// Which cluster, for commands about it.
const CLUSTER: [&str; 4] = ["-g", "weather", "-n", "forecast"];

/// A control plane that is killed over and over, on the data of one home.
struct World<'h> {
    home: &'h Home,
    /// It ends before its nodes do: it would start them again.
    control: Option<Control>,
    clusters: WithClusters<'h>,
    records: Records,
    listen: String,
}

impl<'h> World<'h> {
    async fn start(home: &'h Home) -> World<'h> {
        let clusters = WithClusters::begin(home);
        let control = Control::start_with_log(home, &[], &log(home));
        let listen = control.url().trim_start_matches("https://").to_owned();
        home.ok(&["group", "create", "-n", "weather"]);
        let records = Records::open(&home.control().join("control.db")).await;
        World { home, clusters, records, control: Some(control), listen }
    }

    /// Kills it: nothing of it runs on but the nodes.
    async fn kill(&mut self) {
        self.control.take().expect("it runs").kill();
        self.records.lapse().await;
    }

    fn start_again(&mut self) {
        let control = Control::start_with_log(self.home, &["--listen", &self.listen], &log(self.home));
        self.control = Some(control);
    }

    /// Kills whoever does it at each step of the operation that the command begins, twice. Gives the steps.
    async fn killed_at_every_step(&mut self, kind: &str, command: &[&str]) -> Vec<i64> {
        self.records.hold_at(0).await;
        self.home.ok(&[command, &["--no-wait"]].concat());
        let (mut steps, mut claims) = (Vec::new(), 0);
        loop {
            let step = i64::try_from(steps.len()).expect("a few steps");
            let begun = self.until(kind, "its next step", |of, _| of.step == step && of.fence > claims).await;
            claims = self.kill_and_start_again(kind).await;
            // Its effect is there, and nobody can know it.
            let is_done = |of: &Kept, log: &str| of.message.contains(HELD) || log.contains(HELD);
            self.until(kind, "that step is done", |of, log| of.fence > claims && is_done(of, log)).await;
            if !begun.is_ending() {
                self.records.hold_at(step + 1).await;
            } else {
                self.records.let_go().await;
            }
            claims = self.kill_and_start_again(kind).await;
            steps.push(step);
            if begun.is_ending() {
                break;
            }
        }
        let ended = self.until(kind, "it ends", |of, _| of.has_ended()).await;
        assert_eq!(ended.status, "Succeeded", "{kind}: {}", ended.message);
        assert_eq!(steps.last(), Some(&ended.step), "{kind}: it was killed at every step");
        println!("{kind}: killed twice at each of the steps {steps:?}");
        steps
    }

    async fn kill_and_start_again(&mut self, kind: &str) -> i64 {
        self.kill().await;
        std::fs::write(log(self.home), "").expect("a log");
        let claims = self.records.newest(kind).await.expect("an operation").fence;
        self.start_again();
        claims
    }

    /// Waits until something is true of an operation, and of what the control plane has said since it
    /// started.
    async fn until(&mut self, kind: &str, what: &str, is: impl Fn(&Kept, &str) -> bool) -> Kept {
        let begun = Instant::now();
        loop {
            let operation = self.records.newest(kind).await.expect("an operation");
            let said = std::fs::read_to_string(log(self.home)).unwrap_or_default();
            if is(&operation, &said) {
                return operation;
            }
            let Kept { step, fence, status, message } = operation;
            let now = format!("step {step}, claim {fence}, {status}: {message}\n{said}");
            assert!(begun.elapsed() < PATIENCE, "{kind}: {what}? {now}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// The one directory of the one cluster.
    fn directory(&self) -> PathBuf {
        let there: BTreeSet<String> = self.left().into_iter().collect();
        let id = there.iter().find(|name| !name.ends_with(".lock")).expect("a cluster");
        let expected = BTreeSet::from([id.clone(), format!("{id}.lock")]);
        assert_eq!(there, expected, "one cluster and its lock");
        self.home.control().join("clusters").join(id)
    }

    /// What is among the clusters.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.home.control().join("clusters")).expect("a directory");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// There is one cluster, it has its nodes, each of them is one process, and all is well.
    fn is_whole(&self) {
        let shown = self.home.json(&[&["cluster", "show"], &CLUSTER[..]].concat());
        assert_eq!(shown["properties"]["provisioningState"], "Succeeded", "{shown:#}");
        let list = self.home.json(&["cluster", "node", "list", "-g", "weather", "--cluster", "forecast"]);
        let nodes = list["value"].as_array().expect("nodes");
        let names: Vec<&str> = nodes.iter().filter_map(|node| node["name"].as_str()).collect();
        assert_eq!(names, NODES, "{list:#}");
        for node in nodes {
            assert_eq!(node["properties"]["provisioningState"], "Succeeded", "{node:#}");
        }
        let begun = Instant::now();
        loop {
            let health = self.home.json(&[&["cluster", "check-health"], &CLUSTER[..]].concat());
            if health["state"] == "Healthy" {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{health:#}");
        }
        let directory = self.directory();
        for name in NODES {
            let config = directory.join(format!("{name}.toml")).display().to_string();
            assert_eq!(self.clusters.found(&config).len(), 1, "{name} runs once");
        }
        assert_eq!(self.clusters.processes().len(), NODES.len(), "nothing else runs");
    }
}

fn log(home: &Home) -> PathBuf {
    home.path("control.log").into()
}

/// A client of the cluster in a directory.
async fn client(directory: &Path) -> Vfs {
    let spec = ClusterSpec::load(directory).expect("a cluster file");
    let client = Client::connect(&spec, ClientOptions::default()).await.expect("a client");
    Vfs::new(client, Checks::Here)
}

async fn write(directory: &Path, name: &str, content: &[u8]) {
    let vfs = client(directory).await;
    vfs.put_atomic(&Credentials::root(), Path::new(name), content, 0o644).await.expect("it is written");
    vfs.client().close().await.expect("nothing is lost");
}

async fn read(directory: &Path, name: &str) -> Vec<u8> {
    let vfs = client(directory).await;
    let content = vfs.get(&Credentials::root(), Path::new(name)).await.expect("it is read");
    vfs.client().close().await.expect("nothing is lost");
    content
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clusters_are_made_replaced_restarted_and_deleted_through_a_kill_at_every_step() {
    let home = Home::new();
    let mut world = World::start(&home).await;
    let make = ["--node-count", "3", "--sku", "Local_64MiB", "--deletion-protection", "false"];
    let create = [&["cluster", "create"], &CLUSTER[..], &make[..]].concat();
    let steps = world.killed_at_every_step("clusters/create", &create).await;
    // Check, make, start, found, and the end.
    assert_eq!(steps.len(), 5);
    world.is_whole();
    let directory = world.directory();
    let content: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
    write(&directory, "/field", &content).await;

    for (action, steps_and_end) in [("replace", 6), ("restart", 4)] {
        let command = ["cluster", "node", action, "-g", "weather", "--cluster", "forecast", "-n", "n2"];
        let steps = world.killed_at_every_step(&format!("nodes/{action}"), &command).await;
        assert_eq!(steps.len(), steps_and_end, "{action}");
        world.is_whole();
        assert_eq!(world.directory(), directory, "it is the same cluster");
        assert!(read(&directory, "/field").await == content, "{action}: other bytes are read");
    }

    let delete = [&["cluster", "delete"], &CLUSTER[..], &["--yes"]].concat();
    let steps = world.killed_at_every_step("clusters/delete", &delete).await;
    assert_eq!(steps.len(), 2);
    refused(&home.run(&[&["cluster", "show"], &CLUSTER[..]].concat()), 3, "ResourceNotFound");
    assert_eq!(world.clusters.processes(), [], "processes are left");
    assert_eq!(world.left(), [""; 0], "files are left");
    world.control.take().expect("it runs").stop();
}
