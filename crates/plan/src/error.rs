//! What can be wrong with what the planner is given.

/// Why there is no plan. Each message is one line that says what to change; trying again without a
/// change gives the same.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// A quantity cannot be read.
    #[error("{text:?} is not {what}: {hint}")]
    Value {
        /// What was written.
        text: String,
        /// What it should be, with its article.
        what: &'static str,
        /// How to write it.
        hint: String,
    },
    /// No size of this name.
    #[error("no size {name:?} in the catalogue{}: --list-sizes lists them", perhaps(.near))]
    UnknownSize {
        /// What was asked for.
        name: String,
        /// Names that look like it.
        near: Vec<String>,
    },
    /// A catalogue's text is wrong.
    #[error("catalogue {origin}: {why}")]
    Catalogue {
        /// Where the text came from.
        origin: String,
        /// What is wrong and what to write.
        why: String,
    },
    /// An assumption is not known or its value makes no sense.
    #[error("assumption {0}")]
    Assumption(String),
    /// The targets contradict each other, or the limits of the system.
    #[error("{0}")]
    Request(String),
    /// The request makes sense and nothing allowed can satisfy it.
    #[error("{0}")]
    Impossible(String),
}

fn perhaps(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!(", perhaps {}", names.join(" or ")),
    }
}

/// The few of `names` that are closest to `wanted`, best first; none when nothing is close.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut close: Vec<(usize, &str)> = names
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 4))
        .collect();
    close.sort();
    let best = close.first().map_or(0, |(distance, _)| *distance);
    close.into_iter().filter(|(d, _)| *d <= best).take(3).map(|(_, name)| name.to_owned()).collect()
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(ca != *cb));
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_the_name_meant() {
        let names = ["L96s_v4", "L160ias_v5", "L160iaos_v5"];
        assert_eq!(nearest("L96_v4", names.into_iter()), ["L96s_v4"]);
        assert_eq!(nearest("l160ias_v5x", names.into_iter()), ["L160ias_v5"]);
        assert!(nearest("m5.large.something", names.into_iter()).is_empty());
    }
}
