//! What requests take when there are many clusters: 1,000 of them in five subscriptions, 100 requests a
//! second for half a minute, whether the answers before have come or not. Every request is a connection of
//! its own, as of a command line.
//!
//! `cargo bench -p isobar-control`; PostgreSQL where its server is installed. Client, server and the watching
//! of the clusters share this machine.

#[path = "../tests/control/common/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{GROUPS, LOCKS, OURS, World};
use hdrhistogram::Histogram;
use isobar_records::testing::{TestDatabase, on_postgres, on_sqlite};
use parking_lot::Mutex;
use serde_json::json;

const SUBSCRIPTIONS: usize = 5;
const CLUSTERS_OF_EACH: usize = 200;
const REQUESTS_PER_SECOND: u32 = 100;
const SECONDS: u32 = 30;

/// What is asked for, in turn: nine that read, one that writes.
const KINDS: [&str; 10] = [
    "one cluster",
    "clusters of a group",
    "one cluster",
    "clusters of a subscription",
    "one cluster",
    "resources of a group",
    "locks of a cluster",
    "one cluster",
    "activity of a group",
    "tags of a cluster, written",
];

fn main() {
    for (name, run) in [("SQLite", on_sqlite as fn(_)), ("PostgreSQL", on_postgres as fn(_))] {
        println!(
            "{name}: {} clusters, {REQUESTS_PER_SECOND} requests a second",
            SUBSCRIPTIONS * CLUSTERS_OF_EACH
        );
        run(measure);
    }
}

async fn measure(database: TestDatabase) {
    let world = World::start(&database).await;
    let subscriptions = fill(&world).await;
    let cpu_before = cpu_seconds();
    let begun = Instant::now();
    let times: Arc<Mutex<Vec<(usize, u16, Duration)>>> = Arc::default();
    let count = REQUESTS_PER_SECOND * SECONDS;
    let mut asking = Vec::new();
    for number in 0..count as usize {
        let due = begun + Duration::from_secs(1) * number as u32 / REQUESTS_PER_SECOND;
        tokio::time::sleep_until(due.into()).await;
        let (client, times) = (world.client.clone(), times.clone());
        let subscription = subscriptions[number % SUBSCRIPTIONS].clone();
        asking.push(tokio::spawn(async move {
            let kind = number % KINDS.len();
            let status = ask(&client, &subscription, kind, number).await;
            // From when it was due, so that a server that falls behind is seen to.
            times.lock().push((kind, status, due.elapsed()));
        }));
    }
    for one in asking {
        one.await.expect("an answer");
    }
    tell(&times.lock(), cpu_seconds() - cpu_before, begun.elapsed());
}

/// Makes subscriptions, groups and the records of clusters.
async fn fill(world: &World<'_>) -> Vec<String> {
    let mut subscriptions = vec![world.subscription.clone()];
    for number in 1..SUBSCRIPTIONS {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let path = format!("/subscriptions/{id}?api-version=2.0");
        let body = json!({"state": "Registered", "registrationDate": "2026-01-01", "properties": {}});
        world.client.put(&path, body).await.expect(200);
        subscriptions.push(id);
    }
    for subscription in &subscriptions {
        let group = format!("/subscriptions/{subscription}/resourceGroups/rg?api-version={GROUPS}");
        world.client.put(&group, json!({"location": "uksouth"})).await.expect(201);
        for number in 0..CLUSTERS_OF_EACH {
            world.make_cluster_in(subscription, "rg", &format!("c{number:03}"), json!({"env": "prod"})).await;
        }
    }
    subscriptions
}

async fn ask(client: &common::client::Client, subscription: &str, kind: usize, number: usize) -> u16 {
    let group = format!("/subscriptions/{subscription}/resourceGroups/rg");
    let of_cluster = format!("{group}/providers/Isobar.Storage/clusters");
    let cluster = format!("{of_cluster}/c{:03}", number / KINDS.len() % CLUSTERS_OF_EACH);
    let path = match kind {
        1 => format!("{of_cluster}?api-version={OURS}"),
        3 => format!("/subscriptions/{subscription}/providers/Isobar.Storage/clusters?api-version={OURS}"),
        5 => format!("{group}/resources?api-version={GROUPS}"),
        6 => format!("{cluster}/providers/Microsoft.Authorization/locks?api-version={LOCKS}"),
        8 => format!(
            "/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values\
             ?api-version=2015-04-01&$top=50&$filter=resourceGroupName%20eq%20'rg'"
        ),
        9 => {
            let path = format!("{cluster}/providers/Microsoft.Resources/tags/default?api-version={GROUPS}");
            let body = json!({"properties": {"tags": {"number": number.to_string()}}});
            return client.put(&path, body).await.status;
        }
        _ => format!("{cluster}?api-version={OURS}"),
    };
    client.get(&path).await.status
}

fn tell(times: &[(usize, u16, Duration)], cpu_seconds: f64, took: Duration) {
    let wrong = times.iter().filter(|(_, status, _)| *status != 200).count();
    let mut names: Vec<&str> = KINDS.to_vec();
    names.sort_unstable();
    names.dedup();
    println!("{:<28}{:>8}{:>10}{:>10}{:>10}", "", "count", "p50 ms", "p99 ms", "max ms");
    for name in names.into_iter().map(Some).chain([None]) {
        let mut all = Histogram::<u64>::new(3).expect("a histogram");
        for (_, _, time) in times.iter().filter(|(kind, ..)| name.is_none_or(|name| KINDS[*kind] == name)) {
            all.record(time.as_micros() as u64).expect("it fits");
        }
        let ms = |micros: u64| micros as f64 / 1000.0;
        let (half, most) = (ms(all.value_at_quantile(0.5)), ms(all.value_at_quantile(0.99)));
        let name = name.unwrap_or("all");
        println!("{name:<28}{:>8}{half:>10.1}{most:>10.1}{:>10.1}", all.len(), ms(all.max()));
    }
    println!(
        "{wrong} not 200; {cpu_seconds:.1} s of CPU in {:.1} s, client and server\n",
        took.as_secs_f64()
    );
}

/// Of this process, so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    // In hundredths of a second, on every Linux.
    (ticks(11) + ticks(12)) / 100.0
}
