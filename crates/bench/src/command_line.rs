//! For tests of options: a command line as a person types it, read by clap.

use clap::{Args, Parser};

use crate::error::Result;

#[derive(Parser)]
struct Line<O: Args> {
    #[command(flatten)]
    options: O,
}

/// The options that a command line gives.
pub fn parse<O: Args>(text: &str) -> O {
    let line = Line::try_parse_from(std::iter::once("bench").chain(text.split_whitespace()));
    line.unwrap_or_else(|e| panic!("{text}: {e}")).options
}

/// The one line with which options are refused.
pub fn refusal(text: &str, validated: Result<()>) -> String {
    let said = validated.expect_err(text).to_string();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}
