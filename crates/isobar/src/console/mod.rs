//! The commands of the control plane: made of its table of operations, none of them written by hand.
//!
//! ```text
//! OpenAPI document ─► tree: commands ─► options: what each takes ─► gather: values ─► remote ─► show
//! ```
//!
//! | file | what |
//! |---|---|
//! | `tree` | words of operations as commands within commands |
//! | `names` | what options are called |
//! | `options` | the options of one command |
//! | `gather` | from what was typed to the values of a request |
//! | `show` | answers, for people |
//! | `complain` | refusals, for people |

mod complain;
mod gather;
mod names;
mod options;
mod show;
mod tree;

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches, Subcommand};
use isobar_remote::description::Operation;
use isobar_remote::{ProfileFile, RemoteError, Request, Session, Standing};
use serde_json::Value;

pub use complain::{NOT_THERE, complain, on_one_line};
pub use gather::read_body;
use show::show;

use crate::output::{self, Format, Outcome};
use crate::progress::Progress;
use crate::runtime;

/// A command of the table, and what was typed behind it.
#[derive(Debug)]
pub struct Chosen {
    words: Vec<String>,
    matches: ArgMatches,
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Chosen, clap::Error> {
        let (mut words, mut at) = (Vec::new(), matches);
        while let Some((word, below)) = at.subcommand() {
            words.push(word.to_owned());
            at = below;
        }
        Ok(Chosen { words, matches: at.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Chosen::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Chosen {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        command.subcommands(tree::commands())
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Chosen::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        tree::operations().iter().any(|operation| operation.words[0] == name)
    }
}

/// Carries out a command of the table.
pub fn run(chosen: &Chosen, format: Format) -> Outcome {
    let variants: Vec<&Operation> =
        tree::operations().iter().filter(|operation| operation.words == chosen.words).collect();
    as_somebody(async |session| {
        let (operation, values) = gather::values(&variants, &chosen.matches, session.profile())?;
        confirm(operation, &chosen.matches)?;
        let request = Request::new(operation, &values)?;
        carry_out(session, operation, &request, (&chosen.matches, format)).await
    })
}

/// Does something in the name of whoever is logged in; says in one line and one for each detail why not.
pub fn as_somebody(act: impl AsyncFnOnce(&mut Session) -> Result<ExitCode, RemoteError>) -> Outcome {
    runtime::block_on(async {
        let done = async {
            let mut session = Session::open(ProfileFile::of_user()?)?;
            act(&mut session).await
        };
        Ok(done.await.unwrap_or_else(|error| complain(&error)))
    })
}

async fn carry_out(
    session: &mut Session,
    operation: &Operation,
    request: &Request,
    (matches, format): (&ArgMatches, Format),
) -> Result<ExitCode, RemoteError> {
    let answer = session.send(request).await?;
    let status = answer.status;
    if let Some(link) = isobar_remote::goes_on(&answer) {
        if options::is_set(matches, options::NO_WAIT) {
            show(&answer.body, operation, format);
            tell_where("it goes on", &session.path_of(&link)?);
            return Ok(ExitCode::SUCCESS);
        }
        let progress = Progress::new(false);
        let waited = isobar_remote::wait(session, request, answer, |now| tell(&progress, now)).await;
        progress.finish();
        let left = match (waited, session.path_of(&link)) {
            (Err(error), Ok(path)) if error.is_away() => {
                let code = complain(&error);
                tell_where("it may go on", &path);
                return Ok(code);
            }
            (waited, _) => waited?,
        };
        match left.is_null() {
            true => said("Done.", format),
            false => show(&left, operation, format),
        }
        return Ok(ExitCode::SUCCESS);
    }
    if operation.method == "HEAD" {
        let is_there = status < 300;
        let words = operation.answers.get(&status).map_or("", String::as_str);
        match format {
            Format::Json => output::json(&is_there),
            Format::Table => output::sentence(words),
        }
        return Ok(if is_there { ExitCode::SUCCESS } else { ExitCode::from(NOT_THERE) });
    }
    let is_cut = options::text(matches, options::TOP).is_some();
    let body = match operation.lists && !is_cut {
        true => isobar_remote::all_pages(session, answer.body).await?,
        false => answer.body,
    };
    match body.is_null() {
        true => said(operation.answers.get(&status).map_or("Done.", String::as_str), format),
        false => show(&body, operation, format),
    }
    Ok(ExitCode::SUCCESS)
}

/// Where somebody finds it later.
fn tell_where(what: &str, path: &str) {
    output::complain(&on_one_line(&format!("{what}; how it stands: isobar api GET '{path}'")));
}

/// How an operation stands that goes on.
fn tell(progress: &Progress, now: &Standing) {
    let percent = now.percent.map(|percent| format!(" {percent} %")).unwrap_or_default();
    let message = now.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    progress.step(on_one_line(&format!("{}{percent}{message}", now.state)));
}

/// A sentence where there is no answer to show; programs see the exit code.
fn said(sentence: &str, format: Format) {
    if format == Format::Table {
        output::sentence(sentence);
    }
}

/// Has somebody at a terminal confirm what takes much away.
fn confirm(operation: &Operation, matches: &ArgMatches) -> Result<(), RemoteError> {
    if !options::asks_first(operation) || options::is_set(matches, options::YES) {
        return Ok(());
    }
    let words = operation.words.join(" ");
    if !std::io::stdin().is_terminal() {
        let why = format!("{words} takes away what cannot be had back: say --yes if that is meant");
        return Err(RemoteError::Value(why));
    }
    output::complain(&format!("{} Type yes to go on:", operation.description));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| RemoteError::Value(error.to_string()))?;
    if line.trim() == "yes" { Ok(()) } else { Err(RemoteError::Value("nothing was done".to_owned())) }
}

/// An answer without a table behind it, as `isobar api` gets it.
pub fn show_bare(body: &Value) {
    match body {
        Value::Null => {}
        Value::String(text) => println!("{}", complain::lines(text)),
        body => output::json(body),
    }
}
