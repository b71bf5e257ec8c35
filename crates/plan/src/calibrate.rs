//! Processor costs from a measurement: the JSON that `isobar bench suite --output json` prints, each row of
//! its table in the place of the built-in cost of the same work.
//!
//! What a suite measures on one system says nothing of its network and its devices as documented: efficiency,
//! headroom and reserve stay as they are.

use serde::Deserialize;

use crate::assumptions::{Assumptions, Basis};
use crate::error::PlanError;
use crate::explain::{Line, line};

/// Which row of the suite's table is which cost, and in which unit both are.
const COSTS: [(&str, &str, &str); 7] = [
    ("stream-write", "s/GiB", "write-core-seconds"),
    ("stream-read", "s/GiB", "read-core-seconds"),
    ("create", "ms/file", "create-core-ms"),
    ("stat", "ms/file", "stat-core-ms"),
    ("remove", "ms/file", "remove-core-ms"),
    ("medium-write", "ms/file", "small-write-core-ms"),
    ("medium-read", "ms/file", "small-read-core-ms"),
];

/// What a plan does not contain, however well it is calibrated.
const NOT_MODELLED: &str = "latencies (few clients do not reach the rates), sync times of devices, the clients' own \
     processors, daemons that share a machine, other loads; create and remove are taken as of five voters";

/// The part of a suite's report that is used.
#[derive(Deserialize)]
struct Suite {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    what: String,
    cost: f64,
    cost_unit: String,
    watched_servers: u32,
}

impl Assumptions {
    /// Takes over what a suite measured. `origin` names the file in errors and as the source.
    ///
    /// # Errors
    /// [`PlanError::Assumption`] for other text, and for a measurement that did not see what the nodes used;
    /// nothing is taken over then.
    pub fn calibrate(&mut self, text: &str, origin: &str) -> Result<(), PlanError> {
        let wrong = |why: String| PlanError::Assumption(format!("file {origin}: {why}"));
        let suite: Suite = serde_json::from_str(text).map_err(|e| {
            wrong(format!("{e}: --calibrate takes what `isobar bench suite DIR --output json` prints"))
        })?;
        if suite.rows.iter().any(|row| row.watched_servers == 0) {
            return Err(wrong(
                "the processor time of the nodes was not measured: run isobar bench suite on the machine of \
                 all nodes, or name their processes with --pids"
                    .to_owned(),
            ));
        }
        let mut changed = self.clone();
        for (what, unit, name) in COSTS {
            let row = suite.rows.iter().find(|row| row.what == what && row.cost_unit == unit);
            let Some(row) = row else { return Err(wrong(format!("there is no row {what} in {unit}"))) };
            if row.cost <= 0.0 {
                return Err(wrong(format!(
                    "{what} cost less than the clock shows: measure more with --files and --stream-mib"
                )));
            }
            let before = self.get(name).map_or(0.0, |a| a.value);
            let source = format!("{what} of {origin}, {before} without it");
            changed.put(name, row.cost, Basis::Calibrated, source)?;
        }
        *self = changed;
        Ok(())
    }
}

/// What was calibrated and what is not modelled; nothing where nothing was calibrated.
pub(crate) fn lines(assumptions: &Assumptions) -> Vec<Line> {
    let calibrated = assumptions.all().iter().filter(|a| a.basis == Basis::Calibrated);
    let costs: Vec<String> = calibrated.map(|a| format!("{} {:.2} {}", a.name, a.value, a.unit)).collect();
    if costs.is_empty() {
        return Vec::new();
    }
    vec![line("calibrated", costs.join(", ")), line("not modelled", NOT_MODELLED)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(change: impl Fn(&str) -> (f64, u32)) -> String {
        let rows: Vec<_> = COSTS
            .iter()
            .map(|(what, unit, _)| {
                let (cost, watched) = change(what);
                serde_json::json!({"what": what, "cost": cost, "cost_unit": unit, "watched_servers": watched,
                    "workload": "in words", "rate": 1.0, "unit": "x"})
            })
            .collect();
        serde_json::json!({ "rows": rows, "streams": {} }).to_string()
    }

    #[test]
    fn costs_of_a_measurement_take_the_place_of_the_built_in_ones() {
        let mut assumptions = Assumptions::built_in();
        assert!(lines(&assumptions).is_empty());
        assumptions
            .calibrate(&suite(|what| (if what == "stat" { 0.5 } else { 2.0 }, 8)), "b.json")
            .expect("taken");
        assert_eq!((assumptions.write_core_s_per_gib, assumptions.small_read_core_s), (2.0, 0.002));
        assert_eq!(assumptions.stat_core_s, 0.0005);
        assert_eq!(assumptions.efficiency, Assumptions::built_in().efficiency);
        let said = lines(&assumptions);
        assert!(said[0].how.contains("stat-core-ms 0.50 core ms"), "{said:?}");
        assert!(said[1].how.contains("latencies"), "{said:?}");
    }

    #[test]
    fn a_measurement_that_does_not_say_what_nodes_used_changes_nothing() {
        for (text, with) in [
            (suite(|_| (1.0, 0)), "--pids"),
            (suite(|what| (if what == "stat" { 0.0 } else { 1.0 }, 8)), "stat cost less"),
            (suite(|_| (1.0, 8)).replace("medium-read", "other"), "no row medium-read"),
            ("{}".to_owned(), "isobar bench suite DIR --output json"),
        ] {
            let mut assumptions = Assumptions::built_in();
            let said = assumptions.calibrate(&text, "b.json").expect_err("refused").to_string();
            assert!(said.contains(with) && said.contains("b.json") && !said.contains('\n'), "{said}");
            assert_eq!(assumptions, Assumptions::built_in());
        }
    }
}
