//! Targets: what a cluster has to reach. A file in TOML; what it does not name has no target.

use std::str::FromStr;

use isobar_plan::{Bytes, BytesPerSecond};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Result, ValidateError};

/// The commented default, which is what `isobar validate --print-targets` prints.
pub const SAMPLE: &str = include_str!("targets.sample.toml");

/// A time in seconds, written as `50ms`, `15s` or `2min`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize)]
pub struct Time(pub f64);

/// A rate in bytes per second, written as `3GB/s`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize)]
pub struct Rate(pub f64);

/// A size in bytes, written as `1GiB`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize)]
pub struct Size(pub f64);

macro_rules! from_text {
    ($type:ident, $parse:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $parse(&text).map($type).map_err(D::Error::custom)
            }
        }
    };
}
from_text!(Rate, |text: &str| BytesPerSecond::from_str(text).map(|rate| rate.0).map_err(|e| e.to_string()));
from_text!(Size, |text: &str| Bytes::from_str(text).map(|size| size.0 as f64).map_err(|e| e.to_string()));
from_text!(Time, time);

fn time(text: &str) -> std::result::Result<f64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let factor = match text[end..].trim() {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        _ => return Err(format!("'{text}' is not a time: write a number and ms, s or min, as 500ms")),
    };
    match text[..end].parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number * factor),
        _ => Err(format!("'{text}' is not a time: write a number and ms, s or min, as 500ms")),
    }
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[$field_doc])* pub $field: Option<$type>,)* }
    };
}

section! {
    /// Large files.
    Streams {
        /// Reading and writing at once, each direction.
        each_way_min: Rate,
        /// The same for each node.
        each_way_per_node_min: Rate,
        /// Reading alone.
        read_min: Rate,
        /// Writing alone.
        write_min: Rate,
    }
}
section! {
    /// Small files, made and read at once.
    SmallFiles {
        /// Their bytes, each direction.
        each_way_min: Rate,
        /// Their number, each direction.
        files_each_way_per_second_min: f64,
    }
}
section! {
    /// Operations on empty files.
    MetadataTargets {
        /// Files made.
        creates_per_second_min: f64,
        /// Attributes read.
        stats_per_second_min: f64,
        /// Files removed.
        removes_per_second_min: f64,
    }
}
section! {
    /// 99 of 100 calls.
    LatencyTargets {
        /// One read of a stream.
        read_p99_max: Time,
        /// One write of a stream.
        write_p99_max: Time,
        /// fsync.
        sync_p99_max: Time,
        /// Making an empty file.
        create_p99_max: Time,
        /// stat.
        stat_p99_max: Time,
    }
}
section! {
    /// Shares of what network and devices showed.
    Efficiency {
        /// Of the network.
        network_min: f64,
        /// Of the devices.
        device_min: f64,
    }
}
section! {
    /// Between nodes.
    Network {
        /// Path MTU in bytes.
        mtu_min: u32,
        /// All pairs have the same.
        mtu_agrees: bool,
        /// The slowest pair.
        pair_min: Rate,
        /// The slowest pair's share of the median one.
        pair_of_median_min: f64,
        /// Between the earliest and the latest clock.
        clock_spread_max: Time,
    }
}
section! {
    /// Of each node.
    Nodes {
        /// RLIMIT_NOFILE.
        open_files_min: u64,
        /// Memory of the machine for each node on it.
        memory_min: Size,
    }
}
section! {
    /// What may be lost.
    Survives {
        /// Any so many nodes.
        nodes_min: u8,
        /// A whole fault domain.
        fault_domain: bool,
    }
}
section! {
    /// The fault drill.
    RecoveryTargets {
        /// Share of the rate before the fault that counts as recovered. Default: 0.5.
        recovered_share: f64,
        /// Share of a rate that may be lost in a second.
        drop_max: f64,
        /// From the kill to both rates recovered.
        recover_max: Time,
        /// From the start of the node to full redundancy.
        whole_again_max: Time,
        /// Calls that failed.
        client_errors_max: u64,
    }
}

/// All targets.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "each section says what it is about")]
pub struct Targets {
    /// Share of the model's prediction that every rate must reach.
    pub of_model_min: Option<f64>,
    pub streams: Streams,
    pub small_files: SmallFiles,
    pub metadata: MetadataTargets,
    pub latency: LatencyTargets,
    pub efficiency: Efficiency,
    pub network: Network,
    pub nodes: Nodes,
    pub survives: Survives,
    pub recovery: RecoveryTargets,
}

impl Targets {
    /// Those of the commented default.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn built_in() -> Targets {
        Targets::parse(SAMPLE, "the default").unwrap_or_else(|e| panic!("INVARIANT: the default reads: {e}"))
    }

    /// Reads a file's text; `origin` names it in errors.
    ///
    /// # Errors
    /// [`ValidateError::BadInput`] in one line: where, and what to write instead.
    pub fn parse(text: &str, origin: &str) -> Result<Targets> {
        let targets: Targets = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            ValidateError::BadInput(format!("{origin} line {line}: {}", hint(error.message())))
        })?;
        targets.check().map_err(|why| ValidateError::BadInput(format!("{origin}: {why}")))?;
        Ok(targets)
    }

    /// Refuses what contradicts itself.
    fn check(&self) -> std::result::Result<(), String> {
        let shares = [
            ("of_model_min", self.of_model_min, 10.0),
            ("efficiency.network_min", self.efficiency.network_min, 1.0),
            ("efficiency.device_min", self.efficiency.device_min, 1.0),
            ("network.pair_of_median_min", self.network.pair_of_median_min, 1.0),
            ("recovery.recovered_share", self.recovery.recovered_share, 1.0),
            ("recovery.drop_max", self.recovery.drop_max, 1.0),
        ];
        for (name, value, most) in shares {
            if let Some(value) = value
                && !(0.0..=most).contains(&value)
            {
                return Err(format!("{name} = {value} is a share: write 0 to {most} (0.8 is 80 %)"));
            }
        }
        let counts = [
            ("small_files.files_each_way_per_second_min", self.small_files.files_each_way_per_second_min),
            ("metadata.creates_per_second_min", self.metadata.creates_per_second_min),
            ("metadata.stats_per_second_min", self.metadata.stats_per_second_min),
            ("metadata.removes_per_second_min", self.metadata.removes_per_second_min),
        ];
        for (name, value) in counts {
            if let Some(value) = value
                && !(value >= 0.0 && value.is_finite())
            {
                return Err(format!("{name} = {value}: write a number of 0 or more"));
            }
        }
        let streams = &self.streams;
        if let (Some(each), Some(total)) = (streams.each_way_per_node_min, streams.each_way_min)
            && each > total
        {
            return Err(
                "streams.each_way_per_node_min is more than each_way_min, which is of all nodes together: lower the one or raise the other"
                    .to_owned(),
            );
        }
        for (name, alone) in [("read_min", streams.read_min), ("write_min", streams.write_min)] {
            if let (Some(alone), Some(both)) = (alone, streams.each_way_min)
                && alone < both
            {
                return Err(format!(
                    "streams.{name} is less than each_way_min, which asks for that much of each direction at once: raise {name} or leave it out"
                ));
            }
        }
        if let (Some(recover), Some(whole)) = (self.recovery.recover_max, self.recovery.whole_again_max)
            && whole.0 <= 0.0
            && recover.0 > 0.0
        {
            return Err("recovery.whole_again_max is 0: no node comes back in no time".to_owned());
        }
        if let Some(drop) = self.recovery.drop_max
            && let Some(share) = self.recovery.recovered_share
            && drop < 1.0
            && self.recovery.recover_max.is_some_and(|t| t.0 == 0.0)
            && drop > 1.0 - share
        {
            return Err(format!(
                "recovery.drop_max = {drop} allows seconds below recovered_share = {share}, and recover_max = 0 allows none: lower drop_max to {:.2}",
                1.0 - share
            ));
        }
        Ok(())
    }
}

/// One line, with the nearest name where one was mistyped.
fn hint(message: &str) -> String {
    let line = message.lines().collect::<Vec<_>>().join(" ");
    let Some(rest) = line.strip_prefix("unknown field `") else { return line };
    let Some((given, expected)) = rest.split_once('`') else { return line };
    let mut known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    known.sort_by_key(|name| distance(name, given));
    match known.first() {
        Some(nearest) => {
            format!("there is no target {given} here: did you mean {nearest}? (--print-targets shows all)")
        }
        None => line,
    }
}

/// Letters to change to make one word of another (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let said = Targets::parse(text, "my.toml").expect_err(text).to_string();
        assert!(!said.contains('\n') && said.starts_with("my.toml"), "{said}");
        said
    }

    #[test]
    fn the_commented_default_reads_and_so_does_every_line_that_is_commented_out() {
        let built_in = Targets::built_in();
        assert_eq!(built_in.recovery.recover_max, Some(Time(15.0)));
        assert_eq!(built_in.nodes.memory_min, Some(Size(268_435_456.0)));
        assert_eq!(built_in.streams, Streams::default());
        let all: String = SAMPLE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) => {
                    setting
                }
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n");
        // The examples are of different clusters: large enough alone, too small for a terabyte at once.
        let all = all.replace("\"40GB/s\"", "\"2TB/s\"").replace("\"30GB/s\"", "\"2TB/s\"");
        let all = Targets::parse(&all, "all").expect("every setting has its right name");
        assert_eq!(all.streams.each_way_min, Some(Rate(1e12)));
        assert_eq!(all.metadata.creates_per_second_min, Some(5000.0));
        assert_eq!(all.network.pair_min, Some(Rate(1e9)));
    }

    #[test]
    fn a_typo_is_named_with_its_line_and_what_was_meant() {
        let said = refused("[streams]\neach_way_mn = \"1GB/s\"\n");
        assert!(said.contains("line 2") && said.contains("did you mean each_way_min"), "{said}");
        assert!(refused("[stream]\n").contains("did you mean streams"));
        assert!(refused("[streams]\nread_min = \"fast\"\n").contains("25GB/s"));
        assert!(refused("[latency]\nread_p99_max = \"3 hours\"\n").contains("500ms"));
        assert!(refused("[streams]\nread_min = 7\n").contains("line 2"));
        refused("[streams\n");
    }

    #[test]
    fn targets_that_contradict_each_other_are_refused() {
        assert!(
            refused("[streams]\neach_way_min = \"1GB/s\"\neach_way_per_node_min = \"2GB/s\"")
                .contains("per_node")
        );
        assert!(refused("[streams]\neach_way_min = \"2GB/s\"\nread_min = \"1GB/s\"").contains("read_min"));
        assert!(refused("[efficiency]\nnetwork_min = 80").contains("80 %"));
        assert!(refused("of_model_min = -1").contains("of_model_min"));
        assert!(refused("[metadata]\nstats_per_second_min = -5.0").contains("0 or more"));
    }

    #[test]
    fn an_empty_file_has_no_targets() {
        assert_eq!(Targets::parse("", "none").expect("it reads"), Targets::default());
    }
}
