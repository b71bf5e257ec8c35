//! `isobar control`: the control plane in the foreground, and what its first start has to tell.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use isobar_control::{Control, ControlOptions, GivenCertificate, Marketplace, Microsoft, Running, Served};
use isobar_provider::LocalProvider;
use isobar_remote::{Profile, ProfileFile};
use serde::Serialize;

use crate::output::{self, Format, Outcome};
use crate::validate::measuring::ThisProgram;
use crate::{local, marketplace, runtime, signals};

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:
  isobar control
  isobar control --listen 0.0.0.0:7443 --name control.example.org --database postgres://isobar@db/isobar
  isobar control --new-secret        the administrator's secret is lost: make another one";

/// Arguments of `isobar control`.
#[derive(Args, Debug)]
pub struct ControlArgs {
    /// Where it listens, HTTPS alone.
    #[arg(long, default_value = "127.0.0.1:7443", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Where it keeps its keys, its certificates, its clusters and, unless --database says otherwise, its
    /// records. Default: isobar/control in the state directory (XDG_STATE_HOME).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where the records are: a path, or postgres://USER@HOST/DATABASE. Default: a SQLite file in --data.
    #[arg(long, value_name = "URL", env = "ISOBAR_CONTROL_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// A host name or address by which clients reach it, beside 127.0.0.1, localhost and that of --listen;
    /// may be repeated.
    #[arg(long = "name", value_name = "HOST")]
    pub names: Vec<String>,
    /// A certificate to serve with (PEM), with what is between it and an authority. Default: one that is
    /// made, and signed by an authority of this control plane.
    #[arg(long, value_name = "FILE", requires = "certificate_key")]
    pub certificate: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub certificate_key: Option<PathBuf>,
    /// Authorities to trust (PEM) where other issuers of tokens, and Microsoft's marketplace, are asked,
    /// beside those of this machine.
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// The account at Microsoft's commercial marketplace (TOML): tenant, client_id, and client_secret or
    /// client_secret_file. Without it, reservations that Microsoft sells are refused.
    #[arg(long, value_name = "FILE")]
    pub marketplace: Option<PathBuf>,
    /// A location that clusters can be in, with words for people; may be repeated, the first is the default.
    #[arg(long = "location", value_name = "NAME=WORDS", default_value = "local=This machine", value_parser = location)]
    pub locations: Vec<(String, String)>,
    /// Give the first administrator another secret, and take the old ones away.
    #[arg(long)]
    pub new_secret: bool,
}

/// What is told at the start.
#[derive(Serialize)]
struct Told {
    url: String,
    /// The authority to trust; none where the control plane was given a certificate of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    tenant: String,
    /// The first administrator; only at the first start, and with another secret.
    #[serde(flatten)]
    administrator: Option<Administrator>,
    /// Whether whoever started it is logged in as the administrator.
    logged_in: bool,
}

#[derive(Serialize)]
struct Administrator {
    subscription: String,
    client_id: String,
    secret: String,
}

fn location(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, words)) if !name.is_empty() && !words.is_empty() => Ok((name.into(), words.into())),
        _ => Err("write NAME=WORDS, for example uksouth=UK South".to_owned()),
    }
}

/// Where the control plane of this machine keeps its data unless told otherwise.
pub fn default_dir() -> PathBuf {
    local::state_dir().join("control")
}

/// Starts it, tells how it is reached, and stops it in order when it is asked to.
pub fn run(args: ControlArgs, format: Format) -> Outcome {
    let runtime = runtime::threads(runtime::threads_for_this_machine())?;
    let ended = runtime.block_on(async move {
        let asked_to_stop = signals::asked_to_stop();
        let location = args.locations.first().map(|(name, _)| name.clone());
        let mut running = Control::start(options(args)?).await.map_err(|e| e.to_string())?;
        let mut told = told(&mut running);
        told.logged_in = log_in(&told, location);
        tell(&told, format);
        asked_to_stop.await;
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    });
    runtime.shutdown_background();
    ended
}

/// What it is started with. Its clusters are processes of this machine.
fn options(args: ControlArgs) -> Result<ControlOptions, String> {
    let account = args.marketplace.as_deref().map(marketplace::read).transpose()?;
    let data = args.data.unwrap_or_else(default_dir);
    let program = std::env::current_exe().map_err(|e| format!("cannot find this program: {e}"))?;
    let clusters = data.join("clusters");
    let provider = LocalProvider::new(&clusters, program);
    let provider = provider.map_err(|e| format!("cannot make {}: {e}", clusters.display()))?;
    let certificate = args.certificate.zip(args.certificate_key);
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|e| format!("--trust {}: {e}", path.display()))
    };
    let authorities = args.trust.as_ref().map(read).transpose()?;
    let locations = args.locations.iter().map(|(name, _)| name.clone()).collect();
    let usual = ControlOptions::new(args.listen, data);
    let client = account.map(|account| {
        let client = Microsoft::new(account, authorities.clone(), usual.clock.clone());
        client.map(|client| Arc::new(client) as Arc<dyn Marketplace>)
    });
    let client = client.transpose().map_err(|e| format!("--marketplace: {e}"))?;
    Ok(ControlOptions {
        database_url: args.database,
        names: args.names,
        certificate: certificate.map(|(certificate, key)| GivenCertificate { certificate, key }),
        authorities,
        locations: args.locations,
        providers: vec![Served { provider: Arc::new(provider), locations }],
        readiness: Arc::new(ThisProgram),
        marketplace: client,
        renew_secret: args.new_secret,
        ..usual
    })
}

fn told(running: &mut Running) -> Told {
    let administrator = running.first_secret.take().map(|first| Administrator {
        subscription: first.subscription,
        client_id: first.client_id,
        secret: first.secret,
    });
    let ca_file = running.ca_file.as_ref();
    let ca_file = ca_file.map(|path| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone()));
    let (url, tenant) = (running.url.clone(), running.tenant.clone());
    Told { url, ca_file, tenant, administrator, logged_in: false }
}

/// Makes whoever starts it the administrator, so that the commands beside it work at once; a profile of
/// another control plane is left alone.
fn log_in(told: &Told, location: Option<String>) -> bool {
    let Some(first) = &told.administrator else { return false };
    let keep = || {
        let file = ProfileFile::of_user().ok()?;
        // What is there for this address is of a database that was here before, or has the old secret.
        if file.read().ok()?.is_some_and(|profile| profile.url != told.url) {
            return None;
        }
        let authority = told.ca_file.as_ref().map(std::fs::read_to_string).transpose().ok()?;
        let (id, secret) = (&first.client_id, &first.secret);
        let mut profile = Profile::new(&told.url, authority, &told.tenant, id, secret);
        (profile.subscription, profile.location) = (Some(first.subscription.clone()), location);
        file.write(&profile).ok()
    };
    keep().is_some()
}

/// It serves on when nobody reads this.
fn tell(told: &Told, format: Format) {
    match format {
        Format::Json => output::remark(&serde_json::to_string_pretty(told).unwrap_or_default()),
        Format::Table => words(told).iter().for_each(|line| output::remark(line)),
    }
}

fn words(told: &Told) -> Vec<String> {
    let ca = told.ca_file.as_deref().map(quoted);
    let mut rows = vec![("address", told.url.clone())];
    rows.extend(ca.iter().map(|ca| ("authority", ca.clone())));
    rows.push(("tenant", told.tenant.clone()));
    let client = told.administrator.as_ref().map_or("CLIENT_ID", |first| first.client_id.as_str());
    if let Some(first) = &told.administrator {
        rows.push(("subscription", first.subscription.clone()));
        rows.push(("client id", first.client_id.clone()));
        rows.push(("secret", format!("{}   shown this once: keep it", first.secret)));
    }
    let mut lines = vec!["The control plane runs; Ctrl-C or SIGTERM stops it.".to_owned(), String::new()];
    lines.extend(rows.iter().map(|(label, value)| format!("  {label:<14}{value}")));
    let heading = match told.logged_in {
        true => "You are logged in here: isobar account, isobar group list. Elsewhere:",
        false => "Log in:",
    };
    lines.extend(["".to_owned(), heading.to_owned(), String::new()]);
    let secret = told.administrator.as_ref().map_or("SECRET", |first| first.secret.as_str());
    lines.push(format!("  export ISOBAR_CLIENT_SECRET='{secret}'"));
    let with_ca = ca.iter().map(|ca| format!(" --ca {ca}")).collect::<String>();
    lines.push(format!("  isobar login {}{with_ca} --client-id {client}", told.url));
    lines.extend(["".to_owned(), "The same with az:".to_owned(), String::new()]);
    lines.extend(ca.iter().map(|ca| format!("  export REQUESTS_CA_BUNDLE={ca}")));
    lines.push(format!("  az cloud register -n isobar --endpoint-resource-manager {}", told.url));
    lines.push("  az cloud set -n isobar".to_owned());
    lines.push(format!("  az login --service-principal --tenant {} \\", told.tenant));
    lines.push(format!("    -u {client} -p \"$ISOBAR_CLIENT_SECRET\""));
    lines
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,=".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> Told {
        let administrator =
            Administrator { subscription: "s-1".into(), client_id: "c-1".into(), secret: "secret-1".into() };
        let url = "https://127.0.0.1:7443".to_owned();
        let administrator = Some(administrator);
        Told {
            url,
            ca_file: Some("/a b/ca.pem".into()),
            tenant: "t-1".into(),
            administrator,
            logged_in: false,
        }
    }

    #[test]
    fn a_first_start_tells_the_secret_and_the_commands_to_go_on() {
        let text = words(&first()).join("\n");
        for line in [
            "  export ISOBAR_CLIENT_SECRET='secret-1'",
            "  isobar login https://127.0.0.1:7443 --ca '/a b/ca.pem' --client-id c-1",
            "  export REQUESTS_CA_BUNDLE='/a b/ca.pem'",
            "  az cloud register -n isobar --endpoint-resource-manager https://127.0.0.1:7443",
        ] {
            assert!(text.lines().any(|said| said == line), "{line} in\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn with_a_given_certificate_no_authority_is_named() {
        let told = Told { ca_file: None, ..first() };
        let text = words(&told).join("\n");
        assert!(text.contains("  isobar login https://127.0.0.1:7443 --client-id c-1"), "{text}");
        assert!(!text.contains("authority") && !text.contains("REQUESTS_CA_BUNDLE"), "{text}");
        assert!(serde_json::to_value(&told).unwrap().get("ca_file").is_none());
    }

    #[test]
    fn a_later_start_has_no_secret_to_tell() {
        let text = words(&Told { administrator: None, ..first() }).join("\n");
        assert!(text.contains("SECRET='SECRET'") && !text.contains("secret-1"), "{text}");
        let json = serde_json::to_value(Told { administrator: None, ..first() }).unwrap();
        assert_eq!(json.as_object().unwrap().len(), 4, "{json}");
    }
}
