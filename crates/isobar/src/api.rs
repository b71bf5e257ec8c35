//! `isobar api`: any request to the control plane, in the name of whoever is logged in.

use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use isobar_remote::{RemoteError, Request};

use crate::console;
use crate::output::Outcome;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:
  isobar api GET '/subscriptions/{subscriptionId}/resourceGroups?api-version=2024-11-01'
  isobar api PUT '/subscriptions/{subscriptionId}/resourceGroups/g?api-version=2024-11-01' --body g.json";

/// What stands for the subscription of the profile.
const SUBSCRIPTION: &str = "{subscriptionId}";

/// Arguments of `isobar api`.
#[derive(Args, Debug)]
pub struct ApiArgs {
    /// The method of HTTP.
    #[arg(ignore_case = true, value_parser = PossibleValuesParser::new(["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"]))]
    pub method: String,
    /// The path with its query; {subscriptionId} stands for the subscription of the profile.
    pub path: String,
    /// The body: a file, - for standard input, or JSON.
    #[arg(long, value_name = "FILE")]
    pub body: Option<String>,
}

/// Sends it, and prints the answer as it is.
pub fn run(args: &ApiArgs) -> Outcome {
    console::as_somebody(async |session| {
        if !args.path.starts_with(['/', 'h']) {
            return Err(RemoteError::Value(format!("'{}': write a path that begins with /", args.path)));
        }
        let mut path = session.path_of(&args.path)?;
        if path.contains(SUBSCRIPTION) {
            let missing = || RemoteError::Value("the profile has no subscription".to_owned());
            let subscription = session.profile().subscription.as_ref().ok_or_else(missing)?;
            path = path.replace(SUBSCRIPTION, subscription);
        }
        let body = args.body.as_deref().map(console::read_body).transpose()?;
        let method = args.method.to_uppercase();
        let answer = session.send(&Request { method, path, headers: Vec::new(), body }).await?;
        console::show_bare(&answer.body);
        Ok(if answer.status == 404 { ExitCode::from(console::NOT_THERE) } else { ExitCode::SUCCESS })
    })
}
