//! The key that tokens are signed with: ECDSA on P-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

/// Bytes of one coordinate of a public key.
const COORDINATE_BYTES: usize = 32;

/// It is no key, or none can be made.
#[derive(Debug, thiserror::Error)]
#[error("the signing key among the records is none, or none can be made")]
pub(crate) struct Unusable;

/// The key that tokens are signed with.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    id: String,
}

impl SigningKey {
    /// Draws one, as a document of PKCS #8.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub(crate) fn draw() -> Result<Vec<u8>, Unusable> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Ok(made.map_err(|_| Unusable)?.as_ref().to_vec())
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn read(document: &[u8]) -> Result<SigningKey, Unusable> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document, &random);
        let pair = pair.map_err(|_| Unusable)?;
        let id = URL_SAFE_NO_PAD.encode(&digest(&SHA256, pair.public_key().as_ref()).as_ref()[..12]);
        Ok(SigningKey { pair, random, id })
    }

    /// What it is called in tokens.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Signs; `None` if the operating system gives no randomness.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.pair.sign(&self.random, message).ok().map(|signature| signature.as_ref().to_vec())
    }

    /// Whether a signature is its own.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref());
        public.verify(message, signature).is_ok()
    }

    /// The public half, as a JSON Web Key.
    pub(crate) fn public(&self) -> Value {
        // 4, for a point that is written out, and its coordinates.
        let point = self.pair.public_key().as_ref();
        let (x, y) =
            point.get(1..).unwrap_or_default().split_at_checked(COORDINATE_BYTES).unwrap_or_default();
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }
}
