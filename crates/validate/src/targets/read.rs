//! Reading a file of targets, with one line that helps where that fails.

use super::error::TargetsError;
use super::sections::Targets;

/// The commented default, which is what `isobar validate --print-targets` prints.
pub const SAMPLE: &str = include_str!("../targets.sample.toml");

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
    /// In one line: where, and what to write instead.
    pub fn parse(text: &str, origin: &str) -> Result<Targets, TargetsError> {
        let targets: Targets = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            TargetsError::Syntax { origin: origin.to_owned(), line, problem: hint(error.message()) }
        })?;
        targets.check(origin)?;
        Ok(targets)
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
    use crate::targets::{Rate, Size, Streams, Time};

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
