//! What clients sent, made fit to be repeated in a message: one line, of bounded length.

use crate::limits::QUOTED_CHARS_MAX;

/// The text on one line: control characters become spaces, and what is longer ends in `…`.
pub(crate) fn on_one_line(text: &str, chars_max: usize) -> String {
    let mut chars = text.chars();
    let mut line: String =
        chars.by_ref().take(chars_max).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if chars.next().is_some() {
        line.push('…');
    }
    line
}

/// The text in the single quotes that ARM's messages have.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", on_one_line(text, QUOTED_CHARS_MAX))
}

/// Names one after the other: `a, b`.
pub(crate) fn listed<T: std::fmt::Display>(names: &[T], between: &str) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_is_one_short_line() {
        assert_eq!(quoted("a\nb\u{7}c"), "'a b c'");
        assert_eq!(on_one_line("naïveté", 5), "naïve…");
        assert_eq!(on_one_line("naïve", 5), "naïve");
        assert!(quoted(&"x".repeat(10_000)).chars().count() < 130);
    }
}
