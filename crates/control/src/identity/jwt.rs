//! JSON Web Tokens (RFC 7519) taken apart, and the keys that their signatures are verified with.
//!
//! What a token says is believed only after its signature was verified; until then it says whose it would be.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

use super::flaw::Flaw;
use crate::limits::{CLOCK_LEEWAY, TOKEN_BYTES_MAX};

/// A token, taken apart.
pub(crate) struct Jwt<'t> {
    /// The algorithm that its header names.
    pub algorithm: String,
    /// The key that its header names.
    pub key_id: Option<String>,
    /// The certificates that its header names, by their SHA-1 and SHA-256.
    pub thumbprints: [Option<Vec<u8>>; 2],
    claims: Vec<u8>,
    signed: &'t str,
    signature: Vec<u8>,
}

/// What tokens of others have to say. Times are in seconds since 1970.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub(crate) struct ForeignClaims {
    /// Who made it.
    pub iss: String,
    /// About whom.
    pub sub: String,
    /// For whom: one or several.
    pub aud: Value,
    /// Not after. Some write fractions.
    pub exp: f64,
    /// Not before.
    pub nbf: Option<f64>,
}

impl<'t> Jwt<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn read(token: &'t str) -> Result<Jwt<'t>, Flaw> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Flaw::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Flaw::Malformed)?;
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Flaw::Malformed);
        let header: Value = serde_json::from_slice(&decoded(header)?).map_err(|_| Flaw::Malformed)?;
        // What a header says has to be understood has to be understood (RFC 7515, 4.1.11): nothing is.
        if header.get("crit").is_some() {
            return Err(Flaw::Malformed);
        }
        let text = |name: &str| header[name].as_str().map(str::to_owned);
        // Microsoft's libraries pad them.
        let bare = |name: &str| header[name].as_str().map(|text| text.trim_end_matches('=').to_owned());
        let bytes = |name: &str| bare(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        Ok(Jwt {
            algorithm: text("alg").ok_or(Flaw::Malformed)?,
            key_id: text("kid"),
            thumbprints: [bytes("x5t"), bytes("x5t#S256")],
            claims: decoded(claims)?,
            signed,
            signature: decoded(signature)?,
        })
    }

    /// What it says, believed or not.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn claims<C: for<'de> Deserialize<'de>>(&self) -> Result<C, Flaw> {
        serde_json::from_slice(&self.claims).map_err(|_| Flaw::Malformed)
    }

    /// What is signed.
    pub(crate) fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    /// The signature.
    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether whoever has this key has signed it.
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.verifies(&self.algorithm, self.signed(), &self.signature)
    }
}

impl ForeignClaims {
    /// Whether it is for this audience; slashes at the end do not count.
    pub(crate) fn is_for(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        match &self.aud {
            Value::String(aud) => is_wanted(aud),
            Value::Array(all) => all.iter().filter_map(Value::as_str).any(is_wanted),
            _ => false,
        }
    }

    /// Refuses one that is not good now.
    ///
    /// # Errors
    /// `Expired`, `Early`.
    pub(crate) fn check_time(&self, now_s: i64) -> Result<(), Flaw> {
        // Beyond 2^53 seconds nobody asks for the last one.
        let whole = |seconds: f64| seconds as i64;
        check_time(self.nbf.map(whole), whole(self.exp), now_s)
    }
}

/// Refuses what is not good now.
///
/// # Errors
/// `Expired`, `Early`.
pub(crate) fn check_time(not_before_s: Option<i64>, ends_s: i64, now_s: i64) -> Result<(), Flaw> {
    let leeway_s = i64::try_from(CLOCK_LEEWAY.as_secs()).unwrap_or_default();
    if ends_s.saturating_add(leeway_s) <= now_s {
        return Err(Flaw::Expired);
    }
    if not_before_s.is_some_and(|start_s| start_s.saturating_sub(leeway_s) > now_s) {
        return Err(Flaw::Early);
    }
    Ok(())
}

/// A key that signatures are verified with. It knows its own algorithms and no others, so that none can be
/// taken for another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum VerifyingKey {
    /// A point on P-256, written out.
    P256(Vec<u8>),
    /// An RSA key: modulus and exponent, without zeros in front.
    Rsa(Vec<u8>, Vec<u8>),
}

impl VerifyingKey {
    /// From a JSON Web Key (RFC 7517); `None` for one of another kind, or for another use.
    pub(crate) fn of_jwk(jwk: &Value) -> Option<VerifyingKey> {
        if jwk["use"].as_str().is_some_and(|of| of != "sig") {
            return None;
        }
        let bytes = |name: &str| jwk[name].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
            ("RSA", _) => Some(VerifyingKey::rsa(&bytes("n")?, &bytes("e")?)),
            ("EC", Some("P-256")) => Some(VerifyingKey::P256([vec![4], bytes("x")?, bytes("y")?].concat())),
            _ => None,
        }
    }

    /// An RSA key.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> VerifyingKey {
        let bare = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect();
        VerifyingKey::Rsa(bare(modulus), bare(exponent))
    }

    /// Whether this is its signature.
    fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (self, algorithm) {
            (VerifyingKey::P256(point), "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (VerifyingKey::Rsa(n, e), "RS256") => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (VerifyingKey::Rsa(n, e), "PS256") => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
    use serde_json::json;

    use super::*;

    /// Made for these tests alone.
    const KEY: &[u8] = include_bytes!("../../tests/data/rsa-2048.pk8");

    fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(sign(signed.as_bytes())))
    }

    fn rsa(encoding: &'static dyn RsaEncoding) -> (VerifyingKey, impl Fn(&[u8]) -> Vec<u8>) {
        let pair = RsaKeyPair::from_pkcs8(KEY).expect("a key");
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
        let jwk = json!({
            "kty": "RSA", "use": "sig", "kid": "k",
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
        });
        let sign = move |message: &[u8]| {
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), message, &mut signature).expect("signed");
            signature
        };
        (VerifyingKey::of_jwk(&jwk).expect("a key"), sign)
    }

    #[test]
    fn a_signature_is_verified_by_its_own_algorithm_alone() {
        for (encoding, name) in
            [(&RSA_PKCS1_SHA256 as &'static dyn RsaEncoding, "RS256"), (&RSA_PSS_SHA256, "PS256")]
        {
            let (key, sign) = rsa(encoding);
            for algorithm in ["RS256", "PS256", "ES256", "HS256", "none", "rs256"] {
                let token = token(&json!({"alg": algorithm}), &json!({}), &sign);
                let jwt = Jwt::read(&token).expect("a token");
                assert_eq!(jwt.is_signed_by(&key), algorithm == name, "{name} taken for {algorithm}");
            }
        }
    }

    #[test]
    fn what_was_changed_is_not_signed() {
        let (key, sign) = rsa(&RSA_PKCS1_SHA256);
        let header = json!({"alg": "RS256"});
        let good = token(&header, &json!({"sub": "a"}), &sign);
        let other = token(&header, &json!({"sub": "b"}), &sign);
        let (signed, signature) = good.rsplit_once('.').expect("parts");
        assert!(Jwt::read(&good).expect("a token").is_signed_by(&key));
        for forged in [
            format!("{}.{signature}", other.rsplit_once('.').expect("parts").0),
            format!("{signed}."),
            format!("{signed}.{}", &signature[4..]),
        ] {
            assert!(!Jwt::read(&forged).expect("a token").is_signed_by(&key), "{forged}");
        }
        let critical = token(&json!({"alg": "RS256", "crit": ["b64"]}), &json!({}), &sign);
        for text in ["", ".", "..", "a.b.c", "x", &critical, &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            assert!(Jwt::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_of_other_kinds_and_uses_are_none() {
        for jwk in [
            json!({"kty": "oct", "k": "AAAA"}),
            json!({"kty": "RSA", "use": "enc", "n": "AAAA", "e": "AQAB"}),
            json!({"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA"}),
            json!({"kty": "RSA", "n": "*", "e": "AQAB"}),
            json!({}),
        ] {
            assert_eq!(VerifyingKey::of_jwk(&jwk), None, "{jwk}");
        }
    }

    #[test]
    fn claims_are_for_an_audience_and_a_time() {
        let claims = |aud: Value| {
            let claims = json!({"iss": "i", "sub": "s", "aud": aud, "exp": 1000.5, "nbf": 100});
            serde_json::from_value::<ForeignClaims>(claims).expect("claims")
        };
        assert!(claims(json!("a")).is_for(|aud| aud == "a"));
        assert!(claims(json!(["b", "a"])).is_for(|aud| aud == "a"));
        assert!(!claims(json!(["b"])).is_for(|aud| aud == "a") && !claims(json!(7)).is_for(|_| true));
        let at = |now_s| claims(json!("a")).check_time(now_s);
        assert_eq!((at(70), at(1029)), (Ok(()), Ok(())));
        assert_eq!((at(69), at(1030)), (Err(Flaw::Early), Err(Flaw::Expired)));
    }
}
