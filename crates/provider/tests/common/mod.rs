//! Clusters whose nodes are stand-ins.
#![allow(dead_code, reason = "every test file uses its own part of this module")]

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use isobar_provider::{LocalProvider, Plan, Provider};
use tempfile::TempDir;

/// Stands for a node: it runs until it is told to stop.
const PROGRAM: &str = "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done\n";

pub fn provider(folder: &TempDir) -> LocalProvider {
    let program = folder.path().join("isobar");
    if !program.exists() {
        std::fs::write(&program, PROGRAM).expect("a program");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("it can be run");
    }
    LocalProvider::new(folder.path().join("clusters"), program).expect("a directory")
}

pub fn plan(cluster: &str) -> Plan {
    Plan {
        cluster: cluster.to_owned(),
        name: "weather".to_owned(),
        size: "Local_64MiB".to_owned(),
        nodes: 3,
        data_rows: 2,
        parity_rows: 1,
    }
}

/// Waits until these nodes run, and no others.
pub async fn is_running(provider: &LocalProvider, cluster: &str, nodes: &[&str]) {
    let begun = Instant::now();
    loop {
        let running = provider.running(cluster).await.expect("an answer");
        if running.iter().map(String::as_str).eq(nodes.iter().copied()) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{running:?} run, not {nodes:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
