//! Words and numbers for people, JSON for programs, a log for whoever looks into it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

/// What a command gives: an exit code, or one line that says what went wrong and what to do.
pub type Outcome = Result<ExitCode, String>;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// Starts logging to standard error, as JSON if `as_json`: what `wanted` or ISOBAR_LOG says, else `default`.
pub fn start_log(wanted: Option<String>, as_json: bool, default: &str) {
    let wanted = wanted.or_else(|| std::env::var("ISOBAR_LOG").ok()).unwrap_or_else(|| default.to_owned());
    // Who cannot be reached is logged once, by whoever notices; the replication says so at each attempt.
    let quiet = "openraft=error,openraft::replication=off";
    let filter = EnvFilter::try_new(format!("{wanted},{quiet}")).unwrap_or_else(|_| EnvFilter::new(default));
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

/// Prints rows in columns; the first row is the heading. Numbers go to the right.
pub fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0))
        .collect();
    for (at, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (c, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[c] - cell.chars().count());
            let number = cell.starts_with(|ch: char| ch.is_ascii_digit()) && cell.len() < 16;
            let right = at > 0 && number;
            line += &if right { format!("{pad}{cell}  ") } else { format!("{cell}{pad}  ") };
        }
        println!("{}", line.trim_end());
        if at == 0 && rows.len() > 1 {
            println!("{}", "-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)));
        }
    }
}

/// Whether to print JSON.
pub fn is_json(format: Format) -> bool {
    format == Format::Json
}

/// A number of bytes in words.
pub fn bytes(count: u64) -> String {
    isobar_base::quantity::binary_bytes(count)
}
