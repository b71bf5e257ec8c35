//! The file that names an account at Microsoft's commercial marketplace.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use isobar_control::MicrosoftAccount;
use serde::Deserialize;

/// Bytes of such a file, or of one with a secret.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// What is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketplaceFile {
    tenant: String,
    client_id: String,
    /// Whatever it is: what is not a text must not be shown by whoever reads the file.
    client_secret: Option<toml::Value>,
    /// Below the file's directory, unless it is absolute.
    client_secret_file: Option<PathBuf>,
    publisher: Option<String>,
    login: Option<String>,
    marketplace: Option<String>,
    tokens: Option<String>,
}

/// Reads one.
///
/// # Errors
/// It cannot be used; one line, with the file's name and without the secret.
pub fn read(path: &Path) -> Result<MicrosoftAccount, String> {
    account(path).map_err(|why| format!("--marketplace {why}"))
}

fn account(path: &Path) -> Result<MicrosoftAccount, String> {
    let (text, mode) = contents(path)?;
    let at = |why: String| format!("{}: {why}", path.display());
    let file: MarketplaceFile = toml::from_str(&text).map_err(|error| at(one_line(&error, &text)))?;
    let client_secret = match (file.client_secret, file.client_secret_file) {
        (Some(secret), None) => {
            check_mode(path, mode)?;
            secret.as_str().ok_or_else(|| at("client_secret must be a text".to_owned()))?.to_owned()
        }
        (None, Some(beside)) => {
            let beside = path.parent().unwrap_or(Path::new("")).join(beside);
            let (secret, mode) = contents(&beside)?;
            check_mode(&beside, mode)?;
            secret.trim_end_matches(['\r', '\n']).to_owned()
        }
        _ => return Err(at("it needs client_secret or client_secret_file, one of them".to_owned())),
    };
    Ok(MicrosoftAccount {
        tenant: file.tenant,
        client_id: file.client_id,
        client_secret,
        publisher: file.publisher,
        login: file.login,
        marketplace: file.marketplace,
        tokens: file.tokens,
    })
}

/// What is in a file, and who may read it.
fn contents(path: &Path) -> Result<(String, u32), String> {
    let read = || {
        let file = fs::File::open(path)?;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        let mut text = String::new();
        file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok((text, mode))
    };
    read().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))
}

fn check_mode(path: &Path, mode: u32) -> Result<(), String> {
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(format!("{}: others may read the secret (mode {mode:o}): chmod 600 it", path.display())),
    }
}

fn one_line(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
    let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{at}{}", error.message().replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: &str = "tenant = \"t-1\"\nclient_id = \"c-1\"\n";

    fn written(name: &str, text: &str, mode: u32, directory: &Path) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn an_account_has_its_secret_in_the_file_or_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let text = format!("{IDS}client_secret = \"hush\"\npublisher = \"contoso\"\nlogin = \"https://l\"\n");
        let read_again = read(&written("a.toml", &text, 0o600, directory.path())).unwrap();
        assert_eq!((read_again.tenant.as_str(), read_again.client_secret.as_str()), ("t-1", "hush"));
        assert_eq!(
            (read_again.publisher.as_deref(), read_again.login.as_deref()),
            (Some("contoso"), Some("https://l"))
        );
        written("secret", "hush again\n", 0o400, directory.path());
        let text = format!("{IDS}client_secret_file = \"secret\"\n");
        let read_again = read(&written("b.toml", &text, 0o644, directory.path())).unwrap();
        assert_eq!(read_again.client_secret, "hush again");
    }

    #[test]
    fn what_is_wrong_with_the_file_is_one_line_without_the_secret() {
        let directory = tempfile::tempdir().unwrap();
        written("open", "hush", 0o640, directory.path());
        for (text, mode, with) in [
            (
                format!("{IDS}client_secret = \"hush\""),
                0o640,
                "others may read the secret (mode 640): chmod 600",
            ),
            (format!("{IDS}client_secret_file = \"open\""), 0o600, "open: others may read the secret"),
            (format!("{IDS}client_secret_file = \"none\""), 0o600, "none: No such file"),
            (IDS.to_owned(), 0o600, "client_secret or client_secret_file, one of them"),
            (format!("{IDS}client_secret = \"hush\"\nclient_secret_file = \"open\""), 0o600, "one of them"),
            (format!("{IDS}client_secret = \"hush\"\nsecret = \"hush\""), 0o600, "unknown field `secret`"),
            (format!("{IDS}client_secret = \"hush"), 0o600, "line 3: "),
            (format!("{IDS}client_secret = [\"hush\"]"), 0o600, "client_secret must be a text"),
            ("client_id = \"c\"\nclient_secret = \"hush\"".to_owned(), 0o600, "missing field `tenant`"),
        ] {
            let said = read(&written("wrong.toml", &text, mode, directory.path())).err().unwrap();
            assert!(said.starts_with("--marketplace ") && said.contains(with), "{text}: {said}");
            assert!(!said.contains('\n') && !said.contains("hush"), "{said}");
        }
        let missing = read(Path::new("/nonexistent/a.toml")).err().unwrap();
        assert!(missing.contains("/nonexistent/a.toml: No such file"), "{missing}");
    }
}
