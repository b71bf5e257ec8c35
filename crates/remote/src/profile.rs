//! Who is logged in where: one file that its owner alone may read. The secret and the token are in it, and
//! nowhere else.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::RemoteError;
use crate::limits::PROFILE_BYTES_MAX;

/// Who is logged in where.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The control plane: `https://HOST:PORT`.
    pub url: String,
    /// The certificate of the authority to trust (PEM); without it, the authorities of the machine are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// The tenant.
    pub tenant: String,
    /// Who.
    pub client_id: String,
    /// Its secret; empty with a token of another issuer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secret: String,
    /// The file with a token of another issuer, which stands for the secret. It is read whenever it is
    /// needed: whoever writes it renews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The subscription that is meant where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// The location that is meant where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The last token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Token>,
}

/// A token, and when it ends.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// The token itself.
    pub text: String,
    /// In seconds since 1970, by the clock of this machine.
    pub ends_s: u64,
}

/// The file of a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileFile(PathBuf);

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl Token {
    /// One that is good from now on for so long.
    pub(crate) fn new(text: String, life: Duration) -> Token {
        Token { text, ends_s: now_s().saturating_add(life.as_secs()) }
    }

    /// Whether it is good for so long.
    pub(crate) fn is_good_for(&self, time: Duration) -> bool {
        self.ends_s > now_s().saturating_add(time.as_secs())
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

impl Profile {
    /// The control plane of a token that could be had with this.
    pub fn new(url: &str, authority: Option<String>, tenant: &str, client_id: &str, secret: &str) -> Profile {
        Profile {
            url: url.to_owned(),
            authority,
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
            secret: secret.to_owned(),
            token_file: None,
            subscription: None,
            location: None,
            token: None,
        }
    }

    /// The token of another issuer that stands for the secret, if one does.
    pub(crate) fn foreign_token(&self) -> Result<Option<String>, RemoteError> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let mut text = String::new();
        let read = fs::File::open(path)
            .and_then(|file| file.take(PROFILE_BYTES_MAX).read_to_string(&mut text))
            .map_err(|error| RemoteError::Login(format!("{}: {error}", path.display())));
        match (read?, text.trim()) {
            (_, "") => Err(RemoteError::Login(format!("{}: there is no token in it", path.display()))),
            (_, token) => Ok(Some(token.to_owned())),
        }
    }
}

impl ProfileFile {
    /// That of whoever runs this program: `isobar/profile.json` in XDG_CONFIG_HOME, or else in `~/.config`.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn of_user() -> Result<ProfileFile, RemoteError> {
        let absolute =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || absolute("HOME").map(|home| home.join(".config"));
        let missing = || RemoteError::Profile {
            path: PathBuf::from("isobar/profile.json"),
            why: "neither XDG_CONFIG_HOME nor HOME says where it is".to_owned(),
        };
        Ok(ProfileFile::in_directory(&absolute("XDG_CONFIG_HOME").or_else(home).ok_or_else(missing)?))
    }

    /// That of a directory for configuration.
    pub fn in_directory(config: &Path) -> ProfileFile {
        ProfileFile(config.join("isobar/profile.json"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn wrong(&self, why: impl ToString) -> RemoteError {
        RemoteError::Profile { path: self.0.clone(), why: why.to_string() }
    }

    /// Reads it, if it is there.
    ///
    /// # Errors
    /// It cannot be read, or others may read it.
    pub fn read(&self) -> Result<Option<Profile>, RemoteError> {
        let file = match fs::File::open(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| self.wrong(error))?,
        };
        let mode = file.metadata().map_err(|error| self.wrong(error))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(self.wrong(format!("others may read it (mode {mode:o}): chmod 600 it")));
        }
        let mut text = String::new();
        file.take(PROFILE_BYTES_MAX).read_to_string(&mut text).map_err(|error| self.wrong(error))?;
        let profile = serde_json::from_str(&text);
        profile.map(Some).map_err(|error| self.wrong(format!("{error}: log in again")))
    }

    /// Writes it as a whole.
    ///
    /// # Errors
    /// Of the file system; what was there is as it was.
    pub fn write(&self, profile: &Profile) -> Result<(), RemoteError> {
        let text = serde_json::to_vec_pretty(profile).map_err(|error| self.wrong(error))?;
        self.replace(&text).map_err(|error| self.wrong(error))
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let directory = self.0.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        // Commands that run at the same time do not write into one file.
        let new = self.0.with_extension(format!("{}.new", std::process::id()));
        fs::remove_file(&new).ok();
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let written =
            file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, &self.0));
        if written.is_err() {
            fs::remove_file(&new).ok();
        }
        written
    }

    /// Takes it away, and what commands left that were cut off while they wrote it. Says whether it was
    /// there.
    ///
    /// # Errors
    /// Of the file system.
    pub fn remove(&self) -> Result<bool, RemoteError> {
        for left in self.left_over().map_err(|error| self.wrong(error))? {
            remove(&left)?;
        }
        remove(&self.0)
    }

    /// Files beside it that were to become it: `profile.PID.new`. Secrets are in them, too.
    fn left_over(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.0.parent().unwrap_or(Path::new("."))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let of = name.and_then(|name| name.strip_prefix("profile.")?.strip_suffix(".new"));
            if of.is_some_and(|of| of.parse::<u32>().is_ok()) {
                found.push(path);
            }
        }
        Ok(found)
    }
}

fn remove(path: &Path) -> Result<bool, RemoteError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(RemoteError::Profile { path: path.to_owned(), why: error.to_string() }),
        Ok(()) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_its_owners_alone_and_secrets_are_not_printed() {
        let dir = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_directory(dir.path());
        assert!(file.read().unwrap().is_none() && !file.remove().unwrap());
        let mut profile = Profile::new("https://a", None, "t", "c", "hidden-secret");
        profile.token = Some(Token::new("hidden-token".to_owned(), Duration::from_secs(60)));
        file.write(&profile).unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let read = file.read().unwrap().unwrap();
        assert_eq!((read.secret.as_str(), read.url.as_str()), ("hidden-secret", "https://a"));
        assert!(!format!("{read:?}").contains("hidden"));
        let token = read.token.unwrap();
        assert!(token.is_good_for(Duration::from_secs(30)) && !token.is_good_for(Duration::from_secs(90)));

        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let error = file.read().unwrap_err().to_string();
        assert!(error.contains("chmod 600") && !error.contains("hidden"), "{error}");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(file.path(), "{\"secret\": \"hidden\"").unwrap();
        assert!(file.read().unwrap_err().to_string().contains("log in again"));
        assert!(file.remove().unwrap());
    }

    #[test]
    fn what_was_left_half_written_goes_away_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_directory(dir.path());
        file.write(&Profile::new("https://a", None, "t", "c", "hidden-secret")).unwrap();
        let beside = |name: &str| file.path().with_file_name(name);
        for name in ["profile.4711.new", "profile.1.new", "profile.mine.new", "other.1.new"] {
            fs::copy(file.path(), beside(name)).unwrap();
        }
        assert!(file.remove().unwrap());
        let left = fs::read_dir(file.path().parent().unwrap()).unwrap();
        let mut left: Vec<String> =
            left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["other.1.new", "profile.mine.new"], "what others made stays");
        fs::write(beside("profile.4711.new"), "{}").unwrap();
        assert!(!file.remove().unwrap() && !beside("profile.4711.new").exists());
    }
}
