//! Words and numbers for people, JSON for programs, a log for whoever looks into it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::layout;

/// What a command gives: an exit code, or one line that says what went wrong and what to do.
pub type Outcome = Result<ExitCode, String>;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// Starts logging to standard error, as JSON if `as_json`: what `wanted` or ISOBAR_LOG says, else `default`.
/// An error is one line that says what to write.
pub fn start_log(wanted: Option<String>, as_json: bool, default: &str) -> Result<(), String> {
    let wanted = wanted.or_else(|| std::env::var("ISOBAR_LOG").ok()).unwrap_or_else(|| default.to_owned());
    // Who cannot be reached is logged once, by whoever notices; the replication says so at each attempt.
    let quiet = "openraft=error,openraft::replication=off";
    let filter = EnvFilter::try_new(format!("{wanted},{quiet}")).map_err(|e| {
        format!(
            "--log or ISOBAR_LOG '{wanted}': {e}: write error, warn, info, debug, trace or a tracing filter"
        )
    })?;
    // Whoever read the log may have gone: a node and a mount serve on.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    if as_json {
        log.json().init();
    } else {
        log.with_target(false).with_ansi(std::io::stderr().is_terminal()).init();
    }
    Ok(())
}

/// From now on the process ends quietly, as SIGPIPE would end it, when whoever reads what it prints has gone
/// (`| head`).
pub fn end_when_nobody_reads() {
    const SIGPIPE_STATUS: i32 = 128 + 13;
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload().downcast_ref::<String>();
        if said.is_some_and(|said| said.starts_with("failed printing to stdout: Broken pipe")) {
            std::process::exit(SIGPIPE_STATUS);
        }
        usual(info);
    }));
}

/// Prints a line of a process that serves on when nobody reads it.
pub fn remark(line: &str) {
    writeln!(std::io::stdout(), "{line}").ok();
}

/// Prints a line on standard error. What a command does is not called off because nobody reads it.
pub fn complain(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// Prints a value as JSON.
pub fn json<T: Serialize>(value: &T) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => println!("{text}"),
        Err(error) => complain(&format!("isobar: cannot print: {error}")),
    }
}

/// Columns of the terminal: what COLUMNS says, else the terminal itself, else a hundred.
pub fn width() -> usize {
    const UNKNOWN: usize = 100;
    const LEAST: usize = 40;
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let terminal = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col.into());
    said.or_else(terminal).filter(|&columns| columns > 0).unwrap_or(UNKNOWN).max(LEAST)
}

/// Prints rows in columns that fit the terminal; the first row is the heading. Numbers go to the right.
pub fn table(rows: &[Vec<String>]) {
    layout::table(rows, width()).iter().for_each(|line| println!("{line}"));
}

/// Prints a sentence that fits the terminal.
pub fn sentence(text: &str) {
    layout::sentence(text, width()).iter().for_each(|line| println!("{line}"));
}

/// Prints a text that fits the terminal beside a label.
pub fn labelled(label: &str, text: &str) {
    let lines = layout::labelled(label, text, label.chars().count(), width());
    lines.iter().for_each(|line| println!("{line}"));
}

/// Whether to print JSON.
pub fn is_json(format: Format) -> bool {
    format == Format::Json
}

/// A number of bytes in words.
pub fn bytes(count: u64) -> String {
    isobar_base::quantity::binary_bytes(count)
}
