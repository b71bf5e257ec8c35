//! The one binary: arguments in, calls into the crates, words out.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod api;
mod args;
mod bench;
mod clock;
mod cluster;
mod completion;
mod console;
mod control;
mod credentials;
mod demo;
mod dev;
mod fsck;
mod help;
mod init;
mod layout;
mod local;
mod login;
mod marketplace;
mod mount;
mod node;
mod output;
mod plan;
mod progress;
mod readiness;
mod runtime;
mod signals;
mod status;
mod targets;
mod validate;

use std::process::ExitCode;

use clap::FromArgMatches;

use args::{Args, Command};
use output::{Format, Outcome};

/// Every message allocates a few times; this costs half of what the system's allocator does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    output::end_when_nobody_reads();
    let matches = args::command().get_matches_from(isobar_bench::with_np(std::env::args_os()));
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let logs = output::start_log(args.log, args.log_json, args.command.log_level());
    match logs.and_then(|()| run(args.command, args.output)) {
        Ok(code) => code,
        Err(message) => {
            output::complain(&format!("isobar: {message}"));
            ExitCode::FAILURE
        }
    }
}

/// Carries out a command.
fn run(command: Command, format: Format) -> Outcome {
    match command {
        Command::Demo(demo) => demo::run(demo, format),
        Command::Dev { action } => dev::run(action, format),
        Command::Init(init) => init::run(init, format),
        Command::Credentials { action } => credentials::run(&action, format),
        Command::Node(node) => node::run(node, format),
        Command::Mount(mount) => mount::run(mount),
        Command::Status(cluster) => status::run(&cluster, format),
        Command::Fsck(cluster) => fsck::run(&cluster, format),
        Command::Bench(bench) => bench::run(bench, format),
        Command::Plan(plan) => plan::run(&plan, format),
        Command::Validate(validate) => validate::run(&validate, format),
        Command::Control(control) => control::run(control, format),
        Command::Login(args) => login::login(args, format),
        Command::Logout => login::logout(),
        Command::Account { action } => login::account(action, format),
        Command::Api(api) => api::run(&api),
        Command::Completion(completion) => completion::run(&completion, args::command()),
        Command::Console(chosen) => console::run(&chosen, format),
    }
}
