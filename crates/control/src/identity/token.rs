//! Access tokens: JSON Web Tokens (RFC 7519) that are signed with ES256.
//!
//! Checking is strict and knows nothing else: claims are read only after the signature was found to be our
//! own, and algorithm and key have to be the only ones that there are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::flaw::Flaw;
use super::jwt::{Jwt, check_time};
use super::key::SigningKey;

/// What a token says. Times are in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Whom it is for: an address of this server.
    pub aud: String,
    /// Who made it.
    pub iss: String,
    /// When.
    pub iat: i64,
    /// Not before.
    pub nbf: i64,
    /// Not after.
    pub exp: i64,
    /// The principal, by its object id.
    pub oid: String,
    /// The same: there are no tokens for others.
    pub sub: String,
    /// The application of the principal: what it calls itself when it logs in.
    pub appid: String,
    /// The tenant.
    pub tid: String,
    /// What distinguishes it from every other token.
    pub uti: String,
    /// The form of these claims.
    pub ver: String,
}

/// Writes and signs a token; `None` if the operating system gives no randomness.
pub(crate) fn sign(key: &SigningKey, claims: &Claims) -> Option<String> {
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": key.id()});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&serde_json::to_value(claims).ok()?));
    let signature = key.sign(signed.as_bytes())?;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Reads a token that is our own and good now. Whom it is for and who made it is the caller's business.
pub(crate) fn check(key: &SigningKey, token: &str, now_s: i64) -> Result<Claims, Flaw> {
    let jwt = Jwt::read(token)?;
    if jwt.algorithm != "ES256" || jwt.key_id.as_deref() != Some(key.id()) {
        return Err(Flaw::Forged);
    }
    if !key.has_signed(jwt.signed(), jwt.signature()) {
        return Err(Flaw::Forged);
    }
    let claims: Claims = jwt.claims()?;
    check_time(Some(claims.nbf), claims.exp, now_s)?;
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: i64 = 1_800_000_000;

    fn key() -> SigningKey {
        SigningKey::read(&SigningKey::draw().unwrap()).unwrap()
    }

    fn claims() -> Claims {
        let text = |text: &str| text.to_owned();
        Claims {
            aud: text("https://a/"),
            iss: text("i"),
            iat: NOW_S,
            nbf: NOW_S,
            exp: NOW_S + 3600,
            oid: text("o"),
            sub: text("o"),
            appid: text("c"),
            tid: text("t"),
            uti: text("u"),
            ver: text("1.0"),
        }
    }

    #[test]
    fn a_token_is_good_for_its_time() {
        let key = key();
        let token = sign(&key, &claims()).unwrap();
        let at = |now_s| check(&key, &token, now_s);
        assert_eq!(at(NOW_S), Ok(claims()));
        assert_eq!(at(NOW_S + 3600 + 29), Ok(claims()));
        assert_eq!(at(NOW_S + 3600 + 30), Err(Flaw::Expired));
        assert_eq!(at(NOW_S - 31), Err(Flaw::Early));
    }

    #[test]
    fn what_somebody_else_made_or_changed_is_refused() {
        let (key, other) = (key(), key());
        let token = sign(&key, &claims()).unwrap();
        assert_eq!(check(&other, &token, NOW_S), Err(Flaw::Forged));
        let parts: Vec<&str> = token.split('.').collect();
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let mut greater = claims();
        greater.oid = "root".to_owned();
        let greater = encode(&serde_json::to_string(&greater).unwrap());
        assert_eq!(check(&key, &format!("{}.{greater}.{}", parts[0], parts[2]), NOW_S), Err(Flaw::Forged));
        for alg in ["none", "HS256", "RS256", "es256"] {
            let header = encode(&json!({"alg": alg, "typ": "JWT", "kid": key.id()}).to_string());
            assert_eq!(check(&key, &format!("{header}.{}.{}", parts[1], parts[2]), NOW_S), Err(Flaw::Forged));
            assert!(check(&key, &format!("{header}.{}.", parts[1]), NOW_S).is_err());
        }
        for text in ["", ".", "..", "a.b.c", &parts[..2].join("."), &"x".repeat(10_000)] {
            assert!(check(&key, text, NOW_S).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_read_again_and_what_is_none_is_refused() {
        let document = SigningKey::draw().unwrap();
        let id = |document: &[u8]| SigningKey::read(document).map(|key| key.id().to_owned());
        assert_eq!(id(&document).unwrap(), id(&document).unwrap());
        assert_ne!(id(&document).unwrap(), id(&SigningKey::draw().unwrap()).unwrap());
        assert!(id(b"x").is_err() && id(&document[1..]).is_err());
    }
}
