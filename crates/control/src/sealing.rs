//! Secrets that have to be kept for a while: sealed with a key that is in a file of the data directory, so
//! that the database alone is of no use to whoever reads it.
//!
//! ```text
//! sealed = base64(nonce ‖ AES-256-GCM(secret))        the place that it belongs to is authenticated with it
//! ```
//!
//! Processes that share a database need the same key file; without it none of them starts.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::files;
use crate::random::{NoRandomness, bytes};

/// The name of the file.
const FILE: &str = "sealing-key";
/// Bytes of the key.
const KEY_BYTES: usize = 32;

/// The key.
pub(crate) struct SealingKey(LessSafeKey);

/// A secret was not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealingError {
    /// It was sealed with another key, or for another place.
    #[error(
        "a secret was sealed with another key: processes that share a database need the same file {FILE}"
    )]
    OtherKey,
    /// It is longer than anything that is ever sealed.
    #[error("a secret is too long")]
    TooLong,
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

impl SealingKey {
    /// The key of a data directory, made when it is not there.
    ///
    /// # Errors
    /// Of the file system; others may read it; it is no key; there is no randomness.
    pub(crate) fn of(directory: &Path) -> io::Result<SealingKey> {
        let path = directory.join(FILE);
        let key = match files::read(&path, true)? {
            Some(key) => key,
            None => {
                let made: [u8; KEY_BYTES] = bytes().map_err(|error| io::Error::other(error.to_string()))?;
                files::write(&path, &made)?;
                made.to_vec()
            }
        };
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| {
            let why = format!("{} has not {KEY_BYTES} bytes, so it is no key", path.display());
            io::Error::new(io::ErrorKind::InvalidData, why)
        })?;
        Ok(SealingKey(LessSafeKey::new(key)))
    }

    /// Seals a secret for a place.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn seal(&self, place: &str, secret: &[u8]) -> Result<String, SealingError> {
        let nonce: [u8; NONCE_LEN] = bytes()?;
        let mut sealed = secret.to_vec();
        let tagged = self.0.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place),
            &mut sealed,
        );
        tagged.map_err(|_| SealingError::TooLong)?;
        Ok(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens what was sealed for a place.
    ///
    /// # Errors
    /// It was sealed with another key or for another place, or it was changed.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, SealingError> {
        let mut bytes = STANDARD.decode(sealed).map_err(|_| SealingError::OtherKey)?;
        let (nonce, rest) = bytes.split_first_chunk_mut::<NONCE_LEN>().ok_or(SealingError::OtherKey)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened =
            self.0.open_in_place(nonce, Aad::from(place), rest).map_err(|_| SealingError::OtherKey)?;
        Ok(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_with_the_same_key_for_the_same_place_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = SealingKey::of(folder.path()).expect("a key");
        let sealed = key.seal("here", b"hunter2").expect("sealed");
        assert!(!sealed.contains("hunter2") && sealed != key.seal("here", b"hunter2").expect("sealed"));
        let again = SealingKey::of(folder.path()).expect("the same key");
        assert_eq!(again.open("here", &sealed).expect("opened"), b"hunter2");
        assert!(again.open("there", &sealed).is_err());
        assert!(again.open("here", "AAAA").is_err() && again.open("here", "*").is_err());
        let other = SealingKey::of(tempfile::tempdir().expect("a folder").path()).expect("another key");
        assert!(other.open("here", &sealed).is_err());
    }
}
