//! Certificates that principals log in with: the public half is kept, and a client signs an assertion about
//! itself with the private one (RFC 7523).
//!
//! Nobody has to have signed the certificate: that an owner gave it to the principal is what counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use isobar_arm::Timestamp;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::flaw::Flaw;
use super::jwt::{ForeignClaims, Jwt, VerifyingKey};
use crate::limits::{ASSERTION_LIFE_MAX, CLOCK_LEEWAY};

/// A certificate of a principal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Certificate {
    /// Its name.
    pub key_id: String,
    /// What people call it.
    pub display_name: String,
    /// DER in base64.
    der: String,
    /// From when on it is good.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
}

impl Certificate {
    /// Reads one, in PEM or as DER in base64.
    ///
    /// # Errors
    /// What it has to be.
    pub(crate) fn read(text: &str, key_id: String, display_name: &str) -> Result<Certificate, String> {
        const NONE: &str = "must be a certificate, in PEM or as DER in base64";
        let inner = match text.split_once("-----BEGIN CERTIFICATE-----") {
            Some((_, rest)) => rest.split_once("-----END CERTIFICATE-----").ok_or(NONE)?.0,
            None => text,
        };
        let packed: String = inner.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der = STANDARD.decode(&packed).map_err(|_| NONE)?;
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|_| NONE)?;
        if !rest.is_empty() {
            return Err(NONE.to_owned());
        }
        if key_of(&parsed).is_none() {
            return Err(
                "must be of an RSA key of at least 2048 bits, or of one on the curve P-256".to_owned()
            );
        }
        let at =
            |time: x509_parser::time::ASN1Time| Timestamp::from_millis(time.timestamp().saturating_mul(1000));
        let (start, end) = (at(parsed.validity().not_before), at(parsed.validity().not_after));
        Ok(Certificate { key_id, display_name: display_name.to_owned(), der: packed, start, end })
    }

    fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.der).unwrap_or_default()
    }

    /// Its SHA-1, as tools print it: clients name it by that.
    pub(crate) fn thumbprint(&self) -> String {
        let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.bytes());
        sha1.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Whether a token names it, and its key has signed the token.
    fn has_signed(&self, jwt: &Jwt<'_>) -> bool {
        let der = self.bytes();
        let [sha1, sha256] = &jwt.thumbprints;
        let is = |named: &Option<Vec<u8>>, algorithm| {
            named.as_ref().is_none_or(|named| named == digest(algorithm, &der).as_ref())
        };
        let is_named = sha1.is_some() || sha256.is_some();
        let key = X509Certificate::from_der(&der).ok().and_then(|(_, parsed)| key_of(&parsed));
        is_named
            && is(sha1, &SHA1_FOR_LEGACY_USE_ONLY)
            && is(sha256, &SHA256)
            && key.is_some_and(|key| jwt.is_signed_by(&key))
    }

    /// As the directory answers, in Graph's words.
    pub(crate) fn document(&self) -> Value {
        json!({
            "keyId": self.key_id,
            "displayName": self.display_name,
            "customKeyIdentifier": self.thumbprint(),
            "startDateTime": self.start,
            "endDateTime": self.end,
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        })
    }
}

/// Its key, if it is of a kind that is taken.
fn key_of(certificate: &X509Certificate<'_>) -> Option<VerifyingKey> {
    const RSA_BITS_MIN: usize = 2048;
    const POINT_BYTES: usize = 65;
    match certificate.public_key().parsed().ok()? {
        PublicKey::RSA(key) if key.key_size() >= RSA_BITS_MIN => {
            Some(VerifyingKey::rsa(key.modulus, key.exponent))
        }
        PublicKey::EC(point) if point.data().len() == POINT_BYTES => {
            Some(VerifyingKey::P256(point.data().to_vec()))
        }
        _ => None,
    }
}

/// Refuses an assertion that none of a client's certificates has signed for us, about that client, now.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn prove(
    certificates: &[Certificate],
    (jwt, claims): (&Jwt<'_>, &ForeignClaims),
    client_id: &str,
    is_ours: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Result<(), Flaw> {
    let is_good = |of: &Certificate| of.start <= now && now <= of.end;
    let signer = certificates.iter().find(|of| of.has_signed(jwt)).ok_or(Flaw::Forged)?;
    if !is_good(signer) {
        return Err(Flaw::Certificate);
    }
    let is_about = |id: &str| id.eq_ignore_ascii_case(client_id);
    if !is_about(&claims.iss) || !is_about(&claims.sub) {
        return Err(Flaw::Issuer);
    }
    if !claims.is_for(is_ours) {
        return Err(Flaw::Audience);
    }
    let now_s = now.millis().div_euclid(1000);
    claims.check_time(now_s)?;
    // One that is good for long is as good as a secret to whoever has found it.
    let ends_at_most_s = (ASSERTION_LIFE_MAX + CLOCK_LEEWAY).as_secs() as f64 + now_s as f64;
    if claims.exp > ends_at_most_s { Err(Flaw::TooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

    use super::*;

    const NOW_S: i64 = 1_800_000_000;
    const CLIENT: &str = "6cfd0a1e-0000-0000-0000-000000000001";

    /// A certificate, and what signs with its key. It is good from 2027 to 2028, in which now is.
    fn pair() -> (Certificate, EcdsaKeyPair) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (date_time_ymd(2027, 1, 1), date_time_ymd(2028, 1, 1));
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let signing = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &key.serialize_der(),
            &SystemRandom::new(),
        );
        (Certificate::read(&pem, "id".to_owned(), "").expect("read"), signing.expect("a key"))
    }

    fn assertion(of: &Certificate, key: &EcdsaKeyPair, claims: &Value) -> String {
        let sha256 = URL_SAFE_NO_PAD.encode(digest(&SHA256, &of.bytes()));
        let header = json!({"alg": "ES256", "typ": "JWT", "x5t#S256": sha256});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn claims() -> Value {
        json!({"iss": CLIENT, "sub": CLIENT, "aud": "us", "exp": NOW_S + 600, "nbf": NOW_S})
    }

    fn tried(certificates: &[Certificate], token: &str, now_s: i64) -> Result<(), Flaw> {
        let jwt = Jwt::read(token)?;
        let claims = jwt.claims()?;
        let now = Timestamp::from_millis(now_s * 1000);
        prove(certificates, (&jwt, &claims), CLIENT, |aud| aud == "us", now)
    }

    #[test]
    fn a_client_proves_itself_with_what_its_certificate_has_signed() {
        let (certificate, key) = pair();
        let (other, other_key) = pair();
        let both = [other.clone(), certificate.clone()];
        let good = assertion(&certificate, &key, &claims());
        assert_eq!(tried(&both, &good, NOW_S), Ok(()));
        assert_eq!(
            tried(std::slice::from_ref(&other), &good, NOW_S),
            Err(Flaw::Forged),
            "a certificate of nobody"
        );
        let forged = assertion(&certificate, &other_key, &claims());
        assert_eq!(tried(&both, &forged, NOW_S), Err(Flaw::Forged), "another key");
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            tried(&both, &assertion(&certificate, &key, &claims), NOW_S)
        };
        assert_eq!(with("sub", json!("somebody")), Err(Flaw::Issuer));
        assert_eq!(with("iss", json!("somebody")), Err(Flaw::Issuer));
        assert_eq!(with("aud", json!("them")), Err(Flaw::Audience));
        assert_eq!(with("nbf", json!(NOW_S + 60)), Err(Flaw::Early));
        assert_eq!(with("exp", json!(NOW_S - 60)), Err(Flaw::Expired));
        assert_eq!(with("exp", json!(NOW_S + 3700)), Err(Flaw::TooLong));
        assert_eq!(with("exp", json!(f64::MAX)), Err(Flaw::TooLong));
    }

    #[test]
    fn a_certificate_is_good_for_its_time_alone() {
        let (certificate, key) = pair();
        for (now_s, proved) in [
            (NOW_S, Ok(())),
            (certificate.start.millis() / 1000 - 1, Err(Flaw::Certificate)),
            (certificate.end.millis() / 1000 + 1, Err(Flaw::Certificate)),
        ] {
            let mut claims = claims();
            (claims["exp"], claims["nbf"]) = (json!(now_s + 600), json!(now_s));
            assert_eq!(
                tried(std::slice::from_ref(&certificate), &assertion(&certificate, &key, &claims), now_s),
                proved
            );
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let (certificate, _) = pair();
        let read = |text: &str| Certificate::read(text, String::new(), "");
        assert_eq!(certificate.thumbprint().len(), 40);
        assert!(read(&certificate.der).is_ok(), "DER in base64");
        let begun = format!("-----BEGIN CERTIFICATE-----\n{}", certificate.der);
        for text in ["", "x", "AAAA", &begun, &certificate.der[..40], &format!("{}AAAA", certificate.der)] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
