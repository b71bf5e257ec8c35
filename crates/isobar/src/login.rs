//! `isobar login`, `logout` and `account`: who this user is to a control plane.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use isobar_remote::{Credentials, Profile, ProfileFile, RemoteError};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::console;
use crate::control;
use crate::output::{self, Format, Outcome};
use crate::runtime;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:
  isobar login https://127.0.0.1:7443 --client-id 6cfd…         asks for the secret
  isobar login https://control.example.org:7443 --ca ca.pem --client-id 6cfd… --secret-file secret.txt";

/// Bytes of a secret, and of a certificate.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The environment's secret.
const SECRET: &str = "ISOBAR_CLIENT_SECRET";

/// Arguments of `isobar login`.
#[derive(Args, Debug)]
pub struct LoginArgs {
    /// The control plane: https://HOST:PORT.
    pub url: String,
    /// Who: the client id of a service principal.
    #[arg(long, value_name = "ID")]
    pub client_id: String,
    /// A file with the secret. Default: ISOBAR_CLIENT_SECRET, else standard input.
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// A file with a token of another issuer, for which the principal has a federated credential. It stands
    /// for the secret, and is read again whenever a token is needed.
    #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
    pub token_file: Option<PathBuf>,
    /// The certificate of the authority to trust. Default: that of the control plane of this machine, if it
    /// has one, else the authorities that the machine trusts.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The tenant, to be sure that it is this one.
    #[arg(long, value_name = "ID")]
    pub tenant: Option<String>,
    /// The subscription that is meant where none is named, by its id or name. Default: the first one.
    #[arg(long, value_name = "ID")]
    pub subscription: Option<String>,
}

/// What to do with who one is.
#[derive(Subcommand, Debug)]
pub enum AccountCommand {
    /// Choose the subscription that is meant where none is named.
    Set {
        /// Its id or its name.
        #[arg(long, value_name = "ID")]
        subscription: String,
    },
}

/// Logs in and keeps the profile.
pub fn login(args: LoginArgs, format: Format) -> Outcome {
    let secret = match &args.token_file {
        Some(_) => String::new(),
        None => secret(args.secret_file.as_ref())?,
    };
    let token_file = args.token_file.as_ref().map(std::path::absolute).transpose();
    let token_file = token_file.map_err(|error| format!("--token-file: {error}"))?;
    let authority = authority(&args)?;
    let wanted = Credentials {
        url: args.url,
        authority,
        tenant: args.tenant,
        client_id: args.client_id,
        secret,
        token_file,
        subscription: args.subscription,
    };
    runtime::block_on(async {
        let done = async {
            let profile = isobar_remote::login(wanted).await?;
            ProfileFile::of_user()?.write(&profile)?;
            Ok(profile)
        };
        Ok(match done.await {
            Ok(profile) => tell(&profile, format),
            Err(error) => console::complain(&error),
        })
    })
}

/// Forgets the secret and the token.
pub fn logout() -> Outcome {
    let was_there = ProfileFile::of_user().and_then(|file| file.remove()).map_err(|e| e.to_string())?;
    output::complain(if was_there { "logged out" } else { "nobody was logged in" });
    Ok(ExitCode::SUCCESS)
}

/// Says who one is, or chooses a subscription.
pub fn account(action: Option<AccountCommand>, format: Format) -> Outcome {
    match action {
        None => {
            let profile = ProfileFile::of_user().and_then(|file| file.read());
            match profile.and_then(|profile| profile.ok_or(RemoteError::NotLoggedIn)) {
                Ok(profile) => Ok(tell(&profile, format)),
                Err(error) => Ok(console::complain(&error)),
            }
        }
        Some(AccountCommand::Set { subscription }) => console::as_somebody(async |session| {
            let (subscription, location) =
                isobar_remote::choose_subscription(session, Some(&subscription)).await?;
            session.mean(subscription, location)?;
            Ok(tell(session.profile(), format))
        }),
    }
}

fn tell(profile: &Profile, format: Format) -> ExitCode {
    if output::is_json(format) {
        output::json(&serde_json::json!({
            "url": profile.url,
            "tenant": profile.tenant,
            "clientId": profile.client_id,
            "subscription": profile.subscription,
            "location": profile.location,
        }));
        return ExitCode::SUCCESS;
    }
    let none = || "none: this principal has no role in any".to_owned();
    for (label, value) in [
        ("control plane", profile.url.clone()),
        ("tenant", profile.tenant.clone()),
        ("client id", profile.client_id.clone()),
        ("subscription", profile.subscription.clone().unwrap_or_else(none)),
        ("location", profile.location.clone().unwrap_or_else(|| "none".to_owned())),
    ] {
        println!("{label:<15}{}", console::on_one_line(&value));
    }
    ExitCode::SUCCESS
}

fn read_file(option: &str, path: &PathBuf) -> Result<String, String> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| format!("{option} {}: {error}", path.display()))
}

/// The authority that is named, or that of the control plane of this machine where one is logged in to it.
fn authority(args: &LoginArgs) -> Result<Option<String>, String> {
    if let Some(path) = &args.ca {
        return read_file("--ca", path).map(Some);
    }
    let is_here = ["https://127.0.0.1", "https://localhost", "https://[::1]"];
    let here = control::default_dir().join("ca.pem");
    let is_here = is_here.iter().any(|url| args.url.starts_with(url)) && here.exists();
    if is_here { read_file("the authority of this machine", &here).map(Some) } else { Ok(None) }
}

fn secret(file: Option<&PathBuf>) -> Result<String, String> {
    let text = match (file, std::env::var(SECRET)) {
        (Some(file), _) => read_file("--secret-file", file)?,
        (None, Ok(text)) => text,
        (None, Err(_)) => typed().map_err(|error| format!("the secret cannot be read: {error}"))?,
    };
    let text = text.trim();
    if text.is_empty() {
        let ways = format!("give it in {SECRET}, with --secret-file FILE or on standard input");
        return Err(format!("the secret is empty: {ways}"));
    }
    Ok(text.to_owned())
}

/// A line of standard input; what is typed at a terminal is not shown.
fn typed() -> std::io::Result<String> {
    let stdin = std::io::stdin();
    let usual = stdin.is_terminal().then(|| tcgetattr(&stdin)).transpose()?;
    if let Some(usual) = &usual {
        output::complain("Secret:");
        let mut silent = usual.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Now, &silent)?;
    }
    let mut line = String::new();
    let read = stdin.lock().take(FILE_BYTES_MAX).read_line(&mut line);
    if let Some(usual) = &usual {
        tcsetattr(&stdin, OptionalActions::Now, usual)?;
    }
    read.map(|_| line)
}
