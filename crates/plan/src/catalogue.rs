//! Machine sizes as data: built in, and extendable by files of the same form.
//!
//! A file is `{"schema": 1, "sizes": [{"name": …, "series": …, "status": …, "source": …, …}]}`. A size whose
//! name is known replaces the known one. Figures that are left out or null are not known.

use serde::{Deserialize, Serialize};

use crate::error::{PlanError, nearest};
use crate::machine::{Machine, MachineFacts, Status};
use crate::units::{Bytes, BytesPerSecond};

const BUILT_IN: &str = include_str!("../data/azure-l-series.json");
const SIZES_MAX: usize = 10_000;

/// One size as a file has it. MB/s and Mbit/s are decimal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Full name.
    pub name: String,
    /// Family, which quota is counted in.
    pub series: String,
    /// Processors.
    pub vcpus: Option<u32>,
    /// Memory in GiB.
    pub memory_gib: Option<f64>,
    /// NVMe devices.
    pub nvme_count: Option<u32>,
    /// Size of each in GB.
    pub nvme_gb_each: Option<u64>,
    /// Size of all in GB, where the number of devices is not known.
    pub nvme_total_gb: Option<u64>,
    /// All devices together, reading only, in MB/s.
    pub nvme_read_mb_s: Option<f64>,
    /// All devices together, writing only, in MB/s.
    pub nvme_write_mb_s: Option<f64>,
    /// All devices together, reads per second.
    pub nvme_read_iops: Option<u64>,
    /// All devices together, writes per second.
    pub nvme_write_iops: Option<u64>,
    /// Most network interfaces.
    pub max_nics: Option<u32>,
    /// Network in Mbit/s, all interfaces together.
    pub network_mbit_s: Option<f64>,
    /// The size this is another name of.
    pub alias_of: Option<String>,
    /// How far the facts can be relied on.
    pub status: Status,
    /// Where they come from.
    pub source: String,
}

impl Entry {
    /// The entry as the model sees it; an alias has hardly any facts of its own.
    pub(crate) fn machine(&self) -> Machine {
        machine(self, None)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    #[serde(default)]
    note: String,
    #[serde(default)]
    retrieved: String,
    sizes: Vec<Entry>,
}

/// All sizes that can be planned with.
#[derive(Clone, PartialEq, Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
    retrieved: String,
}

impl Catalogue {
    /// The built-in one: Azure's storage-optimised sizes, and the names of the customer's note.
    pub fn built_in() -> Self {
        let mut catalogue = Catalogue { entries: Vec::new(), retrieved: String::new() };
        catalogue.extend(BUILT_IN, "built in").expect("a test reads the built-in catalogue");
        catalogue
    }

    /// When the built-in facts were gathered, as YYYY-MM-DD.
    pub fn retrieved(&self) -> &str {
        &self.retrieved
    }

    /// All entries, aliases included, in the order of the files.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds the sizes of a file; `origin` names it in errors.
    ///
    /// # Errors
    /// [`PlanError::Catalogue`] with line and column where the text is not such JSON, or with the size
    /// whose facts make no sense; nothing is added then.
    pub fn extend(&mut self, text: &str, origin: &str) -> Result<(), PlanError> {
        let wrong = |why: String| PlanError::Catalogue { origin: origin.to_owned(), why };
        let file: File = serde_json::from_str(text).map_err(|e| wrong(describe_json_error(&e)))?;
        if file.schema != 1 {
            return Err(wrong(format!("schema {} is not known: write \"schema\": 1", file.schema)));
        }
        if file.sizes.len() + self.entries.len() > SIZES_MAX {
            return Err(wrong(format!("more than {SIZES_MAX} sizes")));
        }
        let mut entries = self.entries.clone();
        for (at, entry) in file.sizes.iter().enumerate() {
            check(entry).map_err(&wrong)?;
            if file.sizes[..at].iter().any(|e| same(&e.name, &entry.name)) {
                return Err(wrong(format!("size {} is there twice: remove one", entry.name)));
            }
            match entries.iter_mut().find(|e| same(&e.name, &entry.name)) {
                Some(known) => *known = entry.clone(),
                None => entries.push(entry.clone()),
            }
        }
        for alias in entries.iter().filter(|e| e.status == Status::Alias) {
            let target = alias.alias_of.as_deref().unwrap_or_default();
            if !entries.iter().any(|e| e.status != Status::Alias && same(&e.name, target)) {
                return Err(wrong(format!(
                    "size {} is an alias of {target:?}, which is not there",
                    alias.name
                )));
            }
        }
        self.entries = entries;
        if self.retrieved.is_empty() {
            self.retrieved = file.retrieved;
        }
        drop(file.note);
        Ok(())
    }

    /// The size of this name: with or without `Standard_`, in any case of letters. An alias gives the
    /// facts of the size it stands for.
    ///
    /// # Errors
    /// [`PlanError::UnknownSize`], with names that look like it.
    pub fn resolve(&self, name: &str) -> Result<Machine, PlanError> {
        let Some(entry) = self.entries.iter().find(|e| same(&e.name, name)) else {
            let names = self.entries.iter().map(|e| e.name.strip_prefix("Standard_").unwrap_or(&e.name));
            let short = name.get(9..).filter(|_| starts_with_standard(name)).unwrap_or(name);
            return Err(PlanError::UnknownSize { name: name.to_owned(), near: nearest(short, names) });
        };
        match &entry.alias_of {
            None => Ok(machine(entry, None)),
            Some(target) => {
                let found = self.entries.iter().find(|e| same(&e.name, target));
                let unknown = || PlanError::UnknownSize { name: target.clone(), near: Vec::new() };
                let found = found.ok_or_else(unknown)?;
                let source = format!("{} is {}: {}; {}", entry.name, found.name, entry.source, found.source);
                Ok(Machine { source, ..machine(found, Some(entry.name.clone())) })
            }
        }
    }

    /// Every size once, aliases left out, in the order of the files.
    pub fn machines(&self) -> Vec<Machine> {
        self.entries.iter().filter(|e| e.status != Status::Alias).map(|e| machine(e, None)).collect()
    }
}

fn starts_with_standard(name: &str) -> bool {
    name.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("Standard_"))
}

/// Whether two names mean one size.
fn same(a: &str, b: &str) -> bool {
    let short = |name: &'_ str| -> String {
        let name = name.trim();
        if starts_with_standard(name) { name[9..].to_lowercase() } else { name.to_lowercase() }
    };
    short(a) == short(b)
}

/// The complaint of the JSON reader, without its list of all fields.
fn describe_json_error(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!("line {} column {}", error.line(), error.column());
    let Some(rest) = said.strip_prefix("unknown field `") else { return said };
    let Some((field, list)) = rest.split_once('`') else { return said };
    let known = list.split('`').skip(1).step_by(2);
    match nearest(field, known).first() {
        Some(near) => format!("{place}: unknown field {field:?}, perhaps {near:?}"),
        None => format!("{place}: unknown field {field:?}: remove it"),
    }
}

/// Refuses what cannot be the facts of a machine.
fn check(entry: &Entry) -> Result<(), String> {
    let name = &entry.name;
    if name.trim().is_empty() {
        return Err("a size has an empty name".to_owned());
    }
    if (entry.status == Status::Alias) != entry.alias_of.is_some() {
        return Err(format!("size {name}: \"status\": \"alias\" and \"alias_of\" go together"));
    }
    let float = |value: Option<u32>| value.map(f64::from);
    for (what, value) in [
        ("vcpus", float(entry.vcpus)),
        ("memory_gib", entry.memory_gib),
        ("nvme_count", float(entry.nvme_count)),
        ("nvme_gb_each", entry.nvme_gb_each.map(|v| v as f64)),
        ("nvme_total_gb", entry.nvme_total_gb.map(|v| v as f64)),
        ("nvme_read_mb_s", entry.nvme_read_mb_s),
        ("nvme_write_mb_s", entry.nvme_write_mb_s),
        ("max_nics", float(entry.max_nics)),
        ("network_mbit_s", entry.network_mbit_s),
    ] {
        if value.is_some_and(|v| !(0.001..=1e9).contains(&v)) {
            return Err(format!("size {name}: {what} has to be above 0, or null when it is not known"));
        }
    }
    if entry.nvme_total_gb.is_some() && entry.nvme_gb_each.is_some() {
        return Err(format!("size {name}: give nvme_count and nvme_gb_each, or nvme_total_gb, not both"));
    }
    Ok(())
}

fn machine(entry: &Entry, asked_as: Option<String>) -> Machine {
    let each =
        entry.nvme_count.zip(entry.nvme_gb_each).map(|(count, gb)| u64::from(count).saturating_mul(gb));
    let gb = each.or(entry.nvme_total_gb);
    let network = entry.network_mbit_s.map(BytesPerSecond::from_mbit);
    Machine {
        name: entry.name.clone(),
        asked_as,
        series: entry.series.clone(),
        status: entry.status,
        source: entry.source.clone(),
        nvme_count: entry.nvme_count,
        facts: MachineFacts {
            vcpus: entry.vcpus.map(f64::from),
            nvme_bytes: gb.map(|gb| Bytes(gb.saturating_mul(1_000_000_000))),
            nvme_read_bytes_per_second: entry.nvme_read_mb_s.map(BytesPerSecond::from_mb),
            nvme_write_bytes_per_second: entry.nvme_write_mb_s.map(BytesPerSecond::from_mb),
            network_out_bytes_per_second: network,
            network_in_bytes_per_second: network,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_customers_note_resolve_as_the_catalogue_says() {
        let catalogue = Catalogue::built_in();
        let ls96 = catalogue.resolve("LS96").expect("an alias");
        assert_eq!((ls96.name.as_str(), ls96.asked_as.as_deref()), ("Standard_L96s_v4", Some("LS96")));
        assert_eq!(ls96.facts, catalogue.resolve("l96S_V4").expect("a size").facts);
        let ls192 = catalogue.resolve("LS192").expect("a size");
        assert_eq!(ls192.status, Status::Unconfirmed);
        assert_eq!(ls192.label(), "LS192 (unconfirmed)");
        assert_eq!(ls192.facts.unknown(), ["NVMe read rate", "NVMe write rate", "NVMe capacity"]);
        assert!(ls192.source.contains("Nearest documented"));
        let dense = catalogue.resolve("LSV5-dense").expect("a size");
        assert_eq!(dense.facts.nvme_bytes, Some(Bytes(300_000_000_000_000)));
    }

    #[test]
    fn a_name_that_is_not_there_names_the_ones_like_it() {
        let said = Catalogue::built_in().resolve("Standard_L96_v4").expect_err("no such size").to_string();
        assert!(said.contains("perhaps L96s_v4"), "{said}");
        assert!(Catalogue::built_in().resolve("Standardé").is_err());
        assert!(Catalogue::built_in().resolve("").is_err());
    }

    #[test]
    fn a_file_adds_sizes_and_replaces_known_ones() {
        let mut catalogue = Catalogue::built_in();
        let before = catalogue.entries().len();
        let file = r#"{"schema": 1, "sizes": [
            {"name": "LS192", "series": "LSV4", "vcpus": 192, "nvme_count": 12, "nvme_gb_each": 3840, "nvme_read_mb_s": 72000,
             "nvme_write_mb_s": 36000, "network_mbit_s": 200000, "status": "documented", "source": "the provider's letter"},
            {"name": "rack-node", "series": "own", "status": "unconfirmed", "source": "offer"}]}"#;
        catalogue.extend(file, "site.json").expect("a catalogue");
        assert_eq!(catalogue.entries().len(), before + 1);
        let ls192 = catalogue.resolve("ls192").expect("a size");
        assert!(ls192.facts.unknown().is_empty() && ls192.status == Status::Documented);
    }

    #[test]
    fn a_file_with_a_typo_says_where_and_what_and_changes_nothing() {
        let size = |fields: &str| {
            format!(r#"{{"schema": 1, "sizes": [{{"name": "x", "series": "s", "source": "w", {fields}}}]}}"#)
        };
        for (text, with) in [
            (size(r#""status": "documented", "vcpu": 4"#), "perhaps \"vcpus\""),
            (size(r#""status": "documented", "colour": 4"#), "line 1 column"),
            (size(r#""status": "sure""#), "documented"),
            (size(r#""status": "alias", "alias_of": "nothing""#), "\"nothing\", which is not there"),
            (size(r#""status": "alias""#), "go together"),
            (size(r#""status": "documented", "vcpus": 0"#), "vcpus has to be above 0"),
            (size(r#""status": "documented", "vcpus": -3"#), "-3"),
            (r#"{"schema": 3, "sizes": []}"#.to_owned(), "\"schema\": 1"),
            (r#"{"schema": 1, "sizes": ["#.to_owned(), "line 1"),
            (String::new(), "line 1"),
        ] {
            let mut catalogue = Catalogue::built_in();
            let said = catalogue.extend(&text, "site.json").expect_err(&text).to_string();
            assert!(said.contains("site.json") && said.contains(with) && !said.contains('\n'), "{said}");
            assert_eq!(catalogue, Catalogue::built_in());
        }
    }
}
