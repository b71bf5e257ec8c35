//! Keys that all processes of one database have in common: they are among the records, sealed.
//!
//! Whoever starts first draws them, and processes that start together agree. What a process needs to open
//! them is the sealing key, the one file that has to be given to another machine.

use isobar_records::{Records, RecordsError};

use crate::identity::SigningKey;
use crate::sealing::{SealingError, SealingKey};
use crate::server::Authority;

/// The setting with the key that tokens are signed with.
const SIGNING: &str = "signing-key";
/// The setting with the certificate of the authority …
const AUTHORITY: &str = "authority";
/// … and the one with its key.
const AUTHORITY_KEY: &str = "authority-key";

/// The keys that processes have in common cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The records cannot be read or written.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// They were sealed by somebody else.
    #[error(
        "the keys among the records are sealed with another key: put the file sealing-key of the data \
         directory in which they were made into this one"
    )]
    OtherKey,
    /// None can be made, or what is there is none.
    #[error("the keys of the control plane: {0}")]
    Unusable(String),
}

/// What all processes of one database have in common.
pub(crate) struct Keys {
    /// What tokens are signed with.
    pub signing: SigningKey,
    /// What signs the certificates of servers.
    pub authority: Authority,
}

fn unusable(error: impl ToString) -> KeysError {
    KeysError::Unusable(error.to_string())
}

impl Keys {
    /// Those of these records; drawn, where there are none.
    ///
    /// # Errors
    /// `KeysError`.
    pub(crate) async fn of(records: &Records, sealing: &SealingKey) -> Result<Keys, KeysError> {
        let sealed = |place: &str, key: &[u8]| sealing.seal(place, key).map_err(unusable);
        let opened = |place: &str, kept: &str| {
            sealing.open(place, kept).map_err(|error| match error {
                SealingError::OtherKey => KeysError::OtherKey,
                other => unusable(other),
            })
        };
        let drawn = Authority::draw().map_err(unusable)?;
        let signing = sealed(SIGNING, &SigningKey::draw().map_err(unusable)?)?;
        let mut tx = records.begin().await?;
        let signing = tx.setting_or(SIGNING, &signing).await?;
        let key = tx.setting_or(AUTHORITY_KEY, &sealed(AUTHORITY_KEY, drawn.key_pem.as_bytes())?).await?;
        let certificate = tx.setting_or(AUTHORITY, &drawn.certificate_pem).await?;
        tx.commit().await?;
        let key = opened(AUTHORITY_KEY, &key)?;
        Ok(Keys {
            signing: SigningKey::read(&opened(SIGNING, &signing)?).map_err(unusable)?,
            authority: Authority {
                certificate_pem: certificate,
                key_pem: String::from_utf8(key).map_err(unusable)?,
            },
        })
    }
}
