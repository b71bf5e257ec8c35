//! The one binary: arguments in, calls into the crates, words out.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod demo;
mod dev;
mod fsck;
mod init;
mod local;
mod mount;
mod node;
mod output;
mod plan;
mod progress;
mod status;
mod validate;

use std::process::ExitCode;

use clap::Parser;

/// Every message allocates a few times; this costs half of what the system's allocator does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse_from(isobar_bench::with_np(std::env::args_os()));
    output::start_log(&args);
    match args::run(args) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("isobar: {message}");
            ExitCode::FAILURE
        }
    }
}
