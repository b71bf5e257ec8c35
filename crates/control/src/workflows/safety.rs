//! Whether a node may be away: judged right before it is stopped or blanked, from how the cluster is then.

use serde_json::{Value, json};

use crate::watch::{HealthState, NodeState, Observation};

/// What is done to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// It stops and starts with what it has.
    Restart,
    /// It stops, and what it has is gone.
    Replace,
}

/// What comes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    /// Whether it is done.
    pub allowed: bool,
    /// Whether it is known: else it is refused for the moment only.
    pub known: bool,
    /// What happens, or why not: a sentence each.
    pub statements: Vec<String>,
    /// How many more nodes may be lost meanwhile, when that is known.
    pub spare: Option<u32>,
}

impl Verdict {
    fn refused(why: String) -> Verdict {
        Verdict { allowed: false, known: true, statements: vec![why], spare: None }
    }

    fn unknown(why: String) -> Verdict {
        Verdict { known: false, ..Verdict::refused(why) }
    }

    /// As it is answered.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({"allowed": self.allowed, "statements": self.statements});
        if let (Some(spare), Value::Object(map)) = (self.spare, &mut document) {
            map.insert("nodesMayBeLostMeanwhile".to_owned(), json!(spare));
        }
        document
    }
}

/// What would come of an action on a node.
pub(crate) fn judge(action: Action, node: &str, seen: &Observation) -> Verdict {
    let Some(of_node) = seen.node(node) else {
        return match seen.state {
            HealthState::Unknown => Verdict::unknown(seen.statement.clone()),
            _ => Verdict::refused(format!("The cluster file has no node {node}.")),
        };
    };
    let happens = match (action, of_node.state) {
        (Action::Restart, NodeState::Down | NodeState::Unknown) => {
            // What is away already cannot be lost by that.
            let statements = vec![format!("{node} does not answer: it is started again.")];
            let spare = of_node.spare_without.and_then(|spare| u32::try_from(spare).ok());
            return Verdict { allowed: true, known: true, statements, spare };
        }
        (Action::Restart, NodeState::Up) => format!("{node} stops for about a second."),
        (Action::Replace, _) => format!(
            "{node} stops, its disks are blanked, and what was on them is built again from the other nodes."
        ),
    };
    let meanwhile = match action {
        Action::Restart => "While it is away",
        Action::Replace => "Until that is done",
    };
    match of_node.spare_without.map(u32::try_from) {
        None => Verdict::unknown(format!(
            "How many nodes may be lost is not known at the moment, so nothing is done to {node}: look again."
        )),
        Some(Err(_)) => Verdict::refused(format!(
            "Without {node} some data could not be read, or no majority would be left: more is missing already than \
             may be. Wait until the other nodes have all their rows and their votes."
        )),
        Some(Ok(spare)) => {
            let lost = match spare {
                0 => format!("{meanwhile} no more node may be lost."),
                1 => format!("{meanwhile} 1 more node may be lost."),
                more => format!("{meanwhile} {more} more nodes may be lost."),
            };
            Verdict { allowed: true, known: true, statements: vec![happens, lost], spare: Some(spare) }
        }
    }
}
