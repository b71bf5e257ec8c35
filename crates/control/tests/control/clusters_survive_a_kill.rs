//! A control plane dies before and after every call of a provider, another one goes on, and the end is the
//! same.

use crate::common::World;
use crate::common::client::Answer;
use isobar_provider::ProviderError;
use isobar_records::testing::TestDatabase;
use serde_json::{Value, json};

/// What is asked for, of a cluster of the given name, and how it ends.
struct Story {
    /// Whether there is a cluster before.
    begins_with_a_cluster: bool,
    asks: AsksFor,
    ends: &'static str,
    /// Nodes that run in the end; `None` when there is no cluster any more.
    nodes: Option<usize>,
    /// A call that fails.
    fault: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum AsksFor {
    Create,
    Delete,
    Restart,
    Replace,
    Validate,
}

impl Story {
    async fn ask(&self, world: &World<'_>, name: &str) -> Answer {
        let client = &world.client;
        let path = world.cluster("rg1", name);
        let on_node = |action: &str| world.cluster("rg1", &format!("{name}/nodes/n2/{action}"));
        match self.asks {
            AsksFor::Create => {
                let properties = json!({"nodeCount": 3, "deletionProtection": false});
                client.put(&path, json!({"location": "uksouth", "properties": properties})).await.expect(201)
            }
            AsksFor::Delete => client.delete(&path).await.expect(202),
            AsksFor::Restart => client.json("POST", &on_node("restart"), json!({})).await.expect(202),
            AsksFor::Replace => client.json("POST", &on_node("replace"), json!({})).await.expect(202),
            AsksFor::Validate => {
                let path = world.cluster("rg1", &format!("{name}/validations/run-1"));
                client.put(&path, json!({"properties": {}})).await.expect(201)
            }
        }
    }

    /// Whether all is as it should be, and nothing else is there.
    async fn check(&self, world: &World<'_>, name: &str, status: &Value, died: &str) {
        assert_eq!(status["status"], self.ends, "died {died}: {status:#}");
        let mine: Vec<_> = world.machines.there_is().into_iter().filter(|(of, _)| of == name).collect();
        let list = world.client.get(&world.cluster("rg1", &format!("{name}/nodes"))).await;
        match self.nodes {
            Some(count) => {
                assert_eq!(mine.len(), 1, "died {died}: {mine:?}");
                assert_eq!(mine[0].1.len(), count, "died {died}: {mine:?}");
                assert_eq!(list.expect(200).names(), ["n1", "n2", "n3"], "died {died}");
            }
            None => {
                assert!(mine.is_empty(), "died {died}, and this is left: {mine:?}");
                assert!(list.status == 404 || list.names().is_empty(), "died {died}: {list:?}");
            }
        }
        if let AsksFor::Replace = self.asks {
            assert_eq!(world.machines.blanked(name, "n2"), 1, "died {died}");
        }
    }

    async fn begin(&self, world: &World<'_>, name: &str) {
        if self.begins_with_a_cluster {
            world.make_small_cluster("rg1", name, false).await;
        }
        if let Some(call) = self.fault {
            world.machines.breaks(call, ProviderError::cannot("out of order"));
        }
    }

    /// Dies at each point in turn.
    async fn told(self, database: &TestDatabase) {
        let mut world = World::start(database).await;
        world.make_group("rg1").await;
        for number in 0.. {
            let name = format!("c-{number}");
            // Nobody dies while the stage is set, and watching passes no points.
            self.begin(&world, &name).await;
            let hands = world.machines.dying_at(number);
            world = world.die_and_start_with(hands.clone()).await;
            let asked = self.ask(&world, &name).await;
            let died = tokio::select! {
                () = hands.death() => true,
                status = world.ended(&asked) => {
                    self.check(&world, &name, &status, "nowhere").await;
                    false
                }
            };
            if !died {
                assert!(number >= self.points_at_least(), "only {number} points: {:?}", hands.passed());
                return;
            }
            let died = format!("after {:?}", hands.passed());
            let url = asked.header("azure-asyncoperation").to_owned();
            world = world.die_and_start_again().await;
            let status = ended(&world, &url).await;
            self.check(&world, &name, &status, &died).await;
            world.machines.is_mended();
        }
    }

    fn points_at_least(&self) -> usize {
        match (self.asks, self.fault) {
            // check, make, three starts.
            (AsksFor::Create, None) => 10,
            (AsksFor::Create, Some(_)) => 8,
            (AsksFor::Delete, _) => 2,
            (AsksFor::Restart, _) => 4,
            (AsksFor::Replace, _) => 8,
            // what runs, what runs, measure, cut power, start.
            (AsksFor::Validate, None) => 10,
            (AsksFor::Validate, Some(_)) => 4,
        }
    }
}

/// Waits for the end of an operation that another control plane has begun.
async fn ended(world: &World<'_>, url: &str) -> Value {
    // The port is another one.
    let path = &url[url.find("/subscriptions").expect("a path")..];
    let begun = std::time::Instant::now();
    loop {
        let status = world.client.get(path).await.expect(200).body;
        if status.get("endTime").is_some() {
            return status;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it stays like this: {status:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn making_a_cluster(database: TestDatabase) {
    let story = Story {
        begins_with_a_cluster: false,
        asks: AsksFor::Create,
        ends: "Succeeded",
        nodes: Some(3),
        fault: None,
    };
    story.told(&database).await;
}

async fn failing_to_make_a_cluster(database: TestDatabase) {
    let story = Story {
        begins_with_a_cluster: false,
        asks: AsksFor::Create,
        ends: "Failed",
        nodes: None,
        fault: Some("start"),
    };
    story.told(&database).await;
}

async fn deleting_a_cluster(database: TestDatabase) {
    let story = Story {
        begins_with_a_cluster: true,
        asks: AsksFor::Delete,
        ends: "Succeeded",
        nodes: None,
        fault: None,
    };
    story.told(&database).await;
}

async fn restarting_a_node(database: TestDatabase) {
    let story = Story {
        begins_with_a_cluster: true,
        asks: AsksFor::Restart,
        ends: "Succeeded",
        nodes: Some(3),
        fault: None,
    };
    story.told(&database).await;
}

async fn replacing_a_node(database: TestDatabase) {
    let story = Story {
        begins_with_a_cluster: true,
        asks: AsksFor::Replace,
        ends: "Succeeded",
        nodes: Some(3),
        fault: None,
    };
    story.told(&database).await;
}

async fn measuring_a_cluster(database: TestDatabase) {
    let story = Story {
        begins_with_a_cluster: true,
        asks: AsksFor::Validate,
        ends: "Succeeded",
        nodes: Some(3),
        fault: None,
    };
    story.told(&database).await;
}

async fn failing_to_measure_a_cluster(database: TestDatabase) {
    let story = Story {
        begins_with_a_cluster: true,
        asks: AsksFor::Validate,
        ends: "Failed",
        nodes: Some(3),
        fault: Some("measure"),
    };
    story.told(&database).await;
}

/// Between judging and stopping it dies, and another node is lost.
async fn a_node_is_not_stopped_on_an_old_verdict(database: TestDatabase) {
    let mut world = World::start(&database).await;
    world.make_group("rg1").await;
    for action in ["restart", "replace"] {
        world.make_small_cluster("rg1", action, false).await;
        let hands = world.machines.dying_at(0);
        world = world.die_and_start_with(hands.clone()).await;
        let path = world.cluster("rg1", &format!("{action}/nodes/n2/{action}"));
        let asked = world.client.json("POST", &path, json!({})).await.expect(202);
        hands.death().await;
        world.machines.kill(action, "n3");
        let before = world.machines.calls().len();
        world = world.die_and_start_again().await;
        let status = ended(&world, asked.header("azure-asyncoperation")).await;
        assert_eq!(status["error"]["code"], "UnsafeOperation", "{status:#}");
        let calls = world.machines.calls()[before..].to_vec();
        assert!(!calls.contains(&"stop".to_owned()), "{action}: {calls:?}");
    }
}

isobar_records::on_both_databases!(
    making_a_cluster,
    failing_to_make_a_cluster,
    deleting_a_cluster,
    restarting_a_node,
    replacing_a_node,
    measuring_a_cluster,
    failing_to_measure_a_cluster,
    a_node_is_not_stopped_on_an_old_verdict,
);
