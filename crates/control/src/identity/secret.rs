//! What is kept of a secret: enough to recognise it, and not to find it out.
//!
//! Secrets are drawn here and have 256 bits, so one pass of a keyed hash is enough: nobody can try them all.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use isobar_arm::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::random::{self, NoRandomness};

/// Characters of a secret that are shown beside it, to tell it from others.
const HINT_CHARS: usize = 3;

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    /// Its name.
    pub key_id: String,
    /// Its first characters.
    pub hint: String,
    salt: String,
    hash: String,
    /// When it was made.
    pub made: Timestamp,
}

impl Kept {
    /// Draws a secret: what is kept of it, and the secret itself.
    ///
    /// # Errors
    /// `NoRandomness`.
    pub(crate) fn draw(now: Timestamp) -> Result<(Kept, String), NoRandomness> {
        let secret = random::secret()?;
        let salt: [u8; 16] = random::bytes()?;
        let hash = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salt), secret.as_bytes());
        let kept = Kept {
            key_id: random::uuid()?,
            hint: secret.chars().take(HINT_CHARS).collect(),
            salt: URL_SAFE_NO_PAD.encode(salt),
            hash: URL_SAFE_NO_PAD.encode(hash),
            made: now,
        };
        Ok((kept, secret))
    }

    /// Whether this is the secret. It takes as long for a wrong one as for the right one.
    pub(crate) fn is_of(&self, secret: &str) -> bool {
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &decoded(&self.salt));
        hmac::verify(&key, secret.as_bytes(), &decoded(&self.hash)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_recognised_and_not_kept() {
        let (kept, secret) = Kept::draw(Timestamp::from_millis(0)).unwrap();
        assert!(kept.is_of(&secret) && !kept.is_of(&secret[1..]) && !kept.is_of(""));
        let json = serde_json::to_string(&kept).unwrap();
        assert!(!json.contains(&secret[HINT_CHARS..]), "{json}");
        let emptied: Kept = serde_json::from_str(&json.replace(&kept.hash, "")).unwrap();
        assert!(!emptied.is_of("") && !emptied.is_of(&secret));
    }
}
