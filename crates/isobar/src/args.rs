//! The command line: what all commands share, and the list of them. What each takes is in its own file.

use clap::{CommandFactory, Parser, Subcommand};

use crate::cluster::ClusterArgs;
use crate::output::Format;
use crate::{
    api, bench, completion, console, control, credentials, demo, dev, fsck, help, init, login, mount, node,
    plan, status, validate,
};

/// Isobar: a parallel file system for machines full of NVMe, where any two nodes may die.
#[derive(Parser, Debug)]
#[command(name = "isobar", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
    /// How much to log to standard error: error, warn, info, debug, trace, or a tracing filter.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
    /// Log as JSON, one object a line.
    #[arg(long, global = true)]
    pub log_json: bool,
    /// Print results as a table for people or as JSON for programs.
    #[arg(long, global = true, value_enum, default_value = "table")]
    pub output: Format,
}

const EXAMPLES: &str = "Examples:
  isobar demo                      eight nodes on this machine: mounted, two killed, checked, reported
  isobar dev up                    the same cluster in the background
  isobar status                    how it is
  isobar init --nodes a:7420,b:7420,c:7420,d:7420,e:7420,f:7420,g:7420,h:7420 --out cluster/
  isobar mount cluster/ /mnt/isobar
  isobar control                   the control plane; then: isobar group create --name weather
  isobar plan --read 1TB/s --write 1TB/s     which machines, how many, what they would survive
  isobar validate --report report.html       whether the cluster is ready, with plots";

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start eight nodes here, mount, kill two while writing, check every byte, report.
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::DemoArgs),
    /// A local cluster in the background, for trying things out.
    Dev {
        #[command(subcommand)]
        action: dev::DevCommand,
    },
    /// Make a new cluster's identity, credentials and one configuration for each node.
    #[command(after_help = init::EXAMPLES)]
    Init(init::InitArgs),
    /// Make new credentials for a cluster that there is.
    Credentials {
        /// What to do with them.
        #[command(subcommand)]
        action: credentials::CredentialsAction,
    },
    /// Run a node in the foreground, or act on one.
    #[command(args_conflicts_with_subcommands = true, after_help = node::EXAMPLES)]
    Node(node::NodeArgs),
    /// Mount a cluster; stays in the foreground until Ctrl-C or SIGTERM unmounts it.
    #[command(after_help = mount::EXAMPLES)]
    Mount(mount::MountArgs),
    /// Nodes, metadata quorum, redundancy of the data.
    #[command(after_help = status::EXAMPLES)]
    Status(ClusterArgs),
    /// Walk all ledgers and all targets; list what is degraded, lost or orphaned.
    #[command(after_help = fsck::EXAMPLES)]
    Fsck(fsck::FsckArgs),
    /// Measure any mounted file system, or this one through the client library.
    #[command(after_help = bench::EXAMPLES)]
    Bench(bench::BenchArgs),
    /// Which machines and how many a target needs, what they would reach and what they would survive.
    #[command(after_help = plan::EXAMPLES)]
    Plan(Box<plan::PlanArgs>),
    /// Whether a cluster is ready: pre-flight, benchmarks and a fault drill against targets, with a report.
    #[command(after_help = validate::EXAMPLES)]
    Validate(Box<validate::ValidateArgs>),
    /// Run the control plane in the foreground: clusters over HTTPS, for isobar, az, SDKs and Terraform.
    #[command(after_help = control::EXAMPLES)]
    Control(control::ControlArgs),
    /// Log in to a control plane, and keep who one is.
    #[command(after_help = login::EXAMPLES)]
    Login(login::LoginArgs),
    /// Forget who one is.
    Logout,
    /// Who one is, where, and which subscription is meant.
    Account {
        #[command(subcommand)]
        action: Option<login::AccountCommand>,
    },
    /// Send any request to the control plane and print the answer.
    #[command(after_help = api::EXAMPLES)]
    Api(api::ApiArgs),
    /// Print what a shell needs to complete commands and options.
    #[command(after_help = completion::EXAMPLES)]
    Completion(completion::CompletionArgs),
    #[command(flatten)]
    Console(console::Chosen),
}

/// The whole command line.
pub fn command() -> clap::Command {
    help::in_groups(Args::command())
}

impl Command {
    /// How much it logs unless told otherwise: nodes and mounts say what happens, other commands only warn.
    pub fn log_level(&self) -> &'static str {
        match self {
            Command::Node(node) if node.action.is_none() => "info",
            Command::Mount(_) | Command::Control(_) => "info",
            _ => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    /// Options of other programs that messages name.
    const FOREIGN: [&str; 14] = [
        "--device",
        "--cap-add",
        "--exact",
        "--ignored",
        "--nocapture",
        "--volfile-id",
        // initdb's and setpriv's, with which tests start a database.
        "--no-sync",
        "--locale",
        "--pdeathsig",
        "--reuid",
        "--regid",
        "--clear-groups",
        // az's, which the control plane tells how to log in with.
        "--endpoint-resource-manager",
        "--service-principal",
    ];

    fn all_commands(command: &clap::Command, found: &mut Vec<clap::Command>) {
        found.push(command.clone());
        command.get_subcommands().for_each(|sub| all_commands(sub, found));
    }

    fn commands() -> Vec<clap::Command> {
        let mut found = Vec::new();
        all_commands(&command(), &mut found);
        found
    }

    /// Words of a line as a shell would make them, for lines without escapes.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in line.chars() {
            match (c, quote) {
                (c, Some(q)) if c == q => quote = None,
                ('\'' | '"', None) => quote = Some(c),
                (' ', None) if word.is_empty() => {}
                (' ', None) => words.push(std::mem::take(&mut word)),
                _ => word.push(c),
            }
        }
        words.extend((!word.is_empty()).then_some(word));
        words
    }

    /// Lines without what they are indented by, those that end with a backslash with what goes on below.
    fn joined(text: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut goes_on = false;
        for line in text.lines().map(str::trim) {
            let bare = line.trim_end_matches('\\');
            match lines.last_mut().filter(|_| goes_on) {
                Some(last) => last.push_str(bare),
                None => lines.push(bare.to_owned()),
            }
            goes_on = bare.len() < line.len();
        }
        lines
    }

    #[test]
    fn every_example_is_a_command_line_that_is_understood() {
        let mut count = 0;
        for command in commands() {
            let Some(help) = command.get_after_help() else { continue };
            for line in joined(&help.to_string()).iter().filter(|line| line.starts_with("isobar ")) {
                assert!(line.len() < 180, "{line}");
                // What is said about it stands behind blanks; a redirection is the shell's.
                let line = line.split(" > ").next().unwrap_or(line);
                let line = line.split("   ").next().unwrap_or(line);
                let parsed =
                    Args::try_parse_from(isobar_bench::with_np(words(line).into_iter().map(Into::into)));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                count += 1;
            }
        }
        assert!(count > 20, "{count} examples");
    }

    fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }

    /// What looks like a long option in a line of source.
    fn options(line: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (at, _) in line.match_indices("--") {
            let begins = line[..at].chars().next_back().is_none_or(|c| " \"'`".contains(c));
            let name: String =
                line[at + 2..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            if begins && name.starts_with(|c: char| c.is_ascii_lowercase()) {
                found.push(format!("--{name}"));
            }
        }
        found
    }

    #[test]
    fn every_option_that_a_message_names_exists() {
        let mut known: BTreeSet<String> = FOREIGN.map(String::from).into();
        for command in commands() {
            for argument in command.get_arguments() {
                let names = argument.get_long_and_visible_aliases().unwrap_or_default();
                known.extend(names.into_iter().map(|name| format!("--{name}")));
            }
        }
        known.insert("--help".to_owned());
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut files = Vec::new();
        for one in std::fs::read_dir(crates).unwrap().flatten() {
            sources(&one.path().join("src"), &mut files);
        }
        let mut named = 0;
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for line in text.lines().filter(|line| line.contains('"') || line.trim_start().starts_with("///"))
            {
                for option in options(line) {
                    assert!(
                        known.contains(&option),
                        "{}: there is no option {option}: {line}",
                        file.display()
                    );
                    named += 1;
                }
            }
        }
        assert!(named > 50, "{named}");
    }
}
