//! `isobar completion`: what a shell needs to complete commands and options.

use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use crate::output::Outcome;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:
  isobar completion bash > ~/.local/share/bash-completion/completions/isobar
  isobar completion zsh > ~/.zfunc/_isobar
  isobar completion fish > ~/.config/fish/completions/isobar.fish";

/// Arguments of `isobar completion`.
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// Which shell.
    #[arg(value_enum)]
    pub shell: Name,
}

/// A shell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Name {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script for a command line.
pub fn run(args: &CompletionArgs, mut command: Command) -> Outcome {
    let shell = match args.shell {
        Name::Bash => Shell::Bash,
        Name::Zsh => Shell::Zsh,
        Name::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "isobar", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}
