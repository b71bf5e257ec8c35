//! What the model rests on beside the catalogue: each number with its unit, whether it was measured, and
//! where it comes from. The built-in ones are `data/assumptions.json`; any can be given instead.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{PlanError, nearest};

const BUILT_IN: &str = include_str!("../data/assumptions.json");

/// Voters of the cluster on which the costs of metadata operations were measured.
pub(crate) const VOTERS_MEASURED: f64 = 5.0;

/// Where a number comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Chosen; nobody measured it.
    Assumed,
    /// Measured; the source says how to do it again.
    Measured,
    /// Given by whoever asked.
    Given,
    /// Taken from a measurement of this very system.
    Calibrated,
}

impl Basis {
    /// One word.
    pub fn describe(self) -> &'static str {
        match self {
            Basis::Assumed => "assumed",
            Basis::Measured => "measured",
            Basis::Given => "given",
            Basis::Calibrated => "calibrated",
        }
    }
}

/// One number the model uses.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// Its name, as in `--assume NAME=VALUE`.
    pub name: String,
    /// Its value, in `unit`.
    pub value: f64,
    /// "fraction" (of 1), "core s/GiB", "core ms", "core us" or "cores".
    pub unit: String,
    /// Whether it was measured.
    pub basis: Basis,
    /// What it means and where it comes from.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    assumptions: Vec<Given>,
}

/// As written in a file, where all but name and value may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    value: f64,
    unit: Option<String>,
    basis: Option<Basis>,
    source: Option<String>,
}

/// All numbers of the model, by name and as fields.
#[derive(Clone, PartialEq, Debug)]
pub struct Assumptions {
    /// Share of documented network and NVMe rates that file data gets.
    pub efficiency: f64,
    /// Share of what nodes can do that a plan leaves free.
    pub headroom: f64,
    /// Share of the raw capacity that is kept free.
    pub reserve: f64,
    /// Share of a node's rates that a rebuild takes.
    pub rebuild_share: f64,
    /// Processor seconds of nodes and client for each GiB written.
    pub write_core_s_per_gib: f64,
    /// Processor seconds of nodes and client for each GiB read.
    pub read_core_s_per_gib: f64,
    /// Share of those that falls on the nodes when clients do the coding.
    pub node_share: f64,
    /// Processor seconds of all voters for one create.
    pub create_core_s: f64,
    /// Processor seconds of the leader for one stat.
    pub stat_core_s: f64,
    /// Processor seconds of all voters for one remove.
    pub remove_core_s: f64,
    /// Processor seconds of nodes and client for one file of 32 KiB, its create included.
    pub small_write_core_s: f64,
    /// Processor seconds of nodes and client to open and read one small file, beside its bytes.
    pub small_read_core_s: f64,
    /// Processor seconds of each voter for one extent of a COMMIT.
    pub extent_core_s: f64,
    /// Processors that one voter of one metadata group can use.
    pub metadata_cores: f64,
    all: Arc<Vec<Assumption>>,
}

impl Assumptions {
    /// The built-in ones.
    pub fn built_in() -> Self {
        let file: File = serde_json::from_str(BUILT_IN).expect("a test reads the built-in assumptions");
        let all = file
            .assumptions
            .into_iter()
            .map(|a| Assumption {
                name: a.name,
                value: a.value,
                unit: a.unit.unwrap_or_default(),
                basis: a.basis.unwrap_or(Basis::Assumed),
                source: a.source.unwrap_or_default(),
            })
            .collect();
        let mut assumptions = Assumptions {
            efficiency: 0.0,
            headroom: 0.0,
            reserve: 0.0,
            rebuild_share: 0.0,
            write_core_s_per_gib: 0.0,
            read_core_s_per_gib: 0.0,
            node_share: 0.0,
            create_core_s: 0.0,
            stat_core_s: 0.0,
            remove_core_s: 0.0,
            small_write_core_s: 0.0,
            small_read_core_s: 0.0,
            extent_core_s: 0.0,
            metadata_cores: 0.0,
            all: Arc::new(all),
        };
        assumptions.refresh();
        assumptions
    }

    /// The hardware alone: everything of the documented rates, and none of it left free.
    pub fn at_line_rate(&self) -> Self {
        let mut ideal = self.without_headroom();
        ideal.efficiency = 1.0;
        ideal
    }

    /// The same with nothing left free: what is reached, not what is planned with.
    pub fn without_headroom(&self) -> Self {
        let mut free = self.clone();
        free.headroom = 0.0;
        free
    }

    /// Every number with its source, in the order of the file.
    pub fn all(&self) -> &[Assumption] {
        &self.all
    }

    /// The number of this name.
    pub fn get(&self, name: &str) -> Option<&Assumption> {
        self.all.iter().find(|a| a.name == name)
    }

    /// Takes over what a file says: `{"schema": 1, "assumptions": [{"name": "efficiency", "value": 0.9,
    /// "basis": "measured", "source": "…"}]}`. `origin` names the file in errors.
    ///
    /// # Errors
    /// [`PlanError::Assumption`] for text that is not such JSON, unknown names and values out of range;
    /// nothing is taken over then.
    pub fn extend(&mut self, text: &str, origin: &str) -> Result<(), PlanError> {
        let wrong = |why: String| PlanError::Assumption(format!("file {origin}: {why}"));
        let file: File = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if file.schema != 1 {
            return Err(wrong(format!("schema {} is not known: write \"schema\": 1", file.schema)));
        }
        let mut changed = self.clone();
        for given in file.assumptions {
            let source = given.source.unwrap_or_else(|| origin.to_owned());
            let basis = given.basis.unwrap_or(Basis::Given);
            if let (Some(unit), Some(known)) = (&given.unit, self.get(&given.name))
                && *unit != known.unit
            {
                return Err(wrong(format!("{} is in {:?}, not {unit:?}", given.name, known.unit)));
            }
            changed.put(&given.name, given.value, basis, source)?;
        }
        *self = changed;
        Ok(())
    }

    /// Takes over `NAME=VALUE`; fractions may be written as percents.
    ///
    /// # Errors
    /// [`PlanError::Assumption`] for an unknown name and a value that is not a number in its range.
    pub fn set(&mut self, text: &str) -> Result<(), PlanError> {
        let wrong = || {
            PlanError::Assumption(format!("{text:?}: write NAME=NUMBER, as efficiency=0.9 or headroom=5%"))
        };
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (number, scale) = match value.trim().strip_suffix('%') {
            Some(percents) => (percents.trim(), 0.01),
            None => (value.trim(), 1.0),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        self.put(name.trim(), number * scale, Basis::Given, "given with --assume".to_owned())
    }

    pub(crate) fn put(
        &mut self,
        name: &str,
        value: f64,
        basis: Basis,
        source: String,
    ) -> Result<(), PlanError> {
        let Some(at) = self.all.iter().position(|a| a.name == name) else {
            let names: Vec<&str> = self.all.iter().map(|a| a.name.as_str()).collect();
            let near = nearest(name, names.iter().copied());
            let which = if near.is_empty() { names.join(", ") } else { near.join(" or ") };
            return Err(PlanError::Assumption(format!("{name:?} is not known: use {which}")));
        };
        let (low, high, range) = match (self.all[at].unit.as_str(), name) {
            ("fraction", "headroom" | "reserve") => (0.0, 0.9, "0 to 0.9"),
            ("fraction", _) => (0.01, 1.0, "0.01 to 1"),
            _ => (1e-6, 1e6, "above 0"),
        };
        if !(low..=high).contains(&value) {
            return Err(PlanError::Assumption(format!(
                "{name}={value} makes no sense: its range is {range}"
            )));
        }
        let changed = Assumption { value, basis, source, ..self.all[at].clone() };
        Arc::make_mut(&mut self.all)[at] = changed;
        self.refresh();
        Ok(())
    }

    /// Sets the fields from the list.
    fn refresh(&mut self) {
        let value = |name: &str| -> f64 {
            let found = self.all.iter().find(|a| a.name == name);
            found.expect("a test names every built-in assumption").value
        };
        let ms = |name: &str| value(name) / 1e3;
        *self = Assumptions {
            efficiency: value("efficiency"),
            headroom: value("headroom"),
            reserve: value("reserve"),
            rebuild_share: value("rebuild-share"),
            write_core_s_per_gib: value("write-core-seconds"),
            read_core_s_per_gib: value("read-core-seconds"),
            node_share: value("node-share"),
            create_core_s: ms("create-core-ms"),
            stat_core_s: ms("stat-core-ms"),
            remove_core_s: ms("remove-core-ms"),
            small_write_core_s: ms("small-write-core-ms"),
            small_read_core_s: ms("small-read-core-ms"),
            extent_core_s: value("extent-core-us") / 1e6,
            metadata_cores: value("metadata-cores"),
            all: self.all.clone(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_number_says_where_it_comes_from() {
        let assumptions = Assumptions::built_in();
        for a in assumptions.all() {
            assert!(a.source.len() > 20 && !a.unit.is_empty(), "{}", a.name);
            assert!(a.basis != Basis::Given, "{}", a.name);
            let measured = a.basis == Basis::Measured;
            assert_eq!(
                measured,
                a.source.starts_with("docs/performance.md") && a.source.contains("command")
                    || a.source.contains("isobar bench"),
                "{}",
                a.name
            );
        }
    }

    #[test]
    fn numbers_are_given_by_flag_and_by_file_and_marked_as_given() {
        let mut assumptions = Assumptions::built_in();
        assumptions.set("efficiency=90%").expect("a percentage");
        assert_eq!(assumptions.efficiency, 0.9);
        assert_eq!(assumptions.get("efficiency").map(|a| a.basis), Some(Basis::Given));
        let file = r#"{"schema": 1, "assumptions": [
            {"name": "create-core-ms", "value": 0.5, "basis": "measured", "source": "isobar bench on the test cluster"}]}"#;
        assumptions.extend(file, "site.json").expect("a file");
        assert_eq!(assumptions.create_core_s, 0.0005);
        assert_eq!(assumptions.get("create-core-ms").map(|a| a.basis), Some(Basis::Measured));
    }

    #[test]
    fn a_typo_or_a_senseless_value_changes_nothing_and_says_what_to_write() {
        let mut assumptions = Assumptions::built_in();
        for (text, with) in [
            ("eficiency=0.9", "use efficiency"),
            ("efficiency=1.5", "0.01 to 1"),
            ("headroom=-1", "0 to 0.9"),
            ("efficiency=NaN", "0.01 to 1"),
            ("efficiency", "NAME=NUMBER"),
            ("efficiency=fast", "NAME=NUMBER"),
        ] {
            let said = assumptions.set(text).expect_err(text).to_string();
            assert!(said.contains(with) && !said.contains('\n'), "{said}");
        }
        let bad_second =
            r#"{"schema": 1, "assumptions": [{"name": "reserve", "value": 0.2}, {"name": "x", "value": 1}]}"#;
        assert!(assumptions.extend(bad_second, "f").is_err());
        assert!(assumptions.extend("{", "f").is_err());
        assert!(assumptions.extend(r#"{"schema": 2, "assumptions": []}"#, "f").is_err());
        assert_eq!(assumptions, Assumptions::built_in());
    }
}
