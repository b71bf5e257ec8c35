//! Other issuers: their keys, and what their tokens prove.
//!
//! Keys are read where OpenID Connect's discovery says, kept for an hour, and read again earlier when a token
//! names one that is not among them, but not for every such token. While an issuer is away, the keys that are
//! known are good for a day.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use isobar_arm::{ArmError, Timestamp};
use isobar_https::{HttpsError, Trust};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Mutex as Turn;

use super::flaw::Flaw;
use super::jwt::{ForeignClaims, Jwt, VerifyingKey};
use crate::limits::{
    ISSUER_ANSWER_MAX, ISSUER_KEYS_AGAIN, ISSUER_KEYS_KEPT, ISSUER_KEYS_MAX, ISSUER_KEYS_USABLE, ISSUERS_MAX,
};
use crate::refusal::Refusal;

/// The keys of an issuer, by their names; some have none.
#[derive(Clone, Debug)]
pub(crate) struct IssuerKeys(Vec<(Option<String>, VerifyingKey)>);

/// What is known of an issuer.
#[derive(Default)]
struct Known {
    keys: Option<(Arc<IssuerKeys>, Timestamp)>,
    tried: Option<Timestamp>,
}

/// The keys of all issuers that have been asked for.
pub(crate) struct Foreign {
    /// The authorities to trust beside those of this machine.
    authorities: Option<String>,
    trust: Mutex<Option<Trust>>,
    known: Mutex<HashMap<String, Arc<Turn<Known>>>>,
}

impl IssuerKeys {
    /// From a set of JSON Web Keys. Those of other kinds are left out.
    fn read(set: &Value) -> IssuerKeys {
        let keys = set["keys"].as_array().map_or(&[][..], Vec::as_slice).iter().take(ISSUER_KEYS_MAX);
        let name = |jwk: &Value| jwk["kid"].as_str().map(str::to_owned);
        IssuerKeys(keys.filter_map(|jwk| Some((name(jwk), VerifyingKey::of_jwk(jwk)?))).collect())
    }

    fn has(&self, name: Option<&str>) -> bool {
        name.is_none_or(|name| self.0.iter().any(|(of, _)| of.as_deref() == Some(name)))
    }

    /// Refuses a token that this issuer has not signed for this audience, or that is not good now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(
        &self,
        (jwt, claims): (&Jwt<'_>, &ForeignClaims),
        audience: &str,
        now: Timestamp,
    ) -> Result<(), Flaw> {
        let fits = |name: &Option<String>| jwt.key_id.is_none() || name.is_none() || *name == jwt.key_id;
        if !self.0.iter().any(|(name, key)| fits(name) && jwt.is_signed_by(key)) {
            return Err(Flaw::Forged);
        }
        let bare = audience.trim_end_matches('/');
        if !claims.is_for(|aud| aud.trim_end_matches('/') == bare) {
            return Err(Flaw::Audience);
        }
        claims.check_time(now.millis().div_euclid(1000))
    }
}

fn is_older(than: Duration, then: Timestamp, now: Timestamp) -> bool {
    let past_ms = now.millis().saturating_sub(then.millis());
    u64::try_from(past_ms).is_ok_and(|past_ms| past_ms >= than.as_millis() as u64)
}

impl Foreign {
    /// Nobody is known yet. These authorities (PEM) are trusted beside those of this machine.
    pub(crate) fn new(authorities: Option<String>) -> Foreign {
        Foreign { authorities, trust: Mutex::default(), known: Mutex::default() }
    }

    /// The keys of an issuer, the one that a token names among them if the issuer has it.
    ///
    /// # Errors
    /// 503: it cannot be asked.
    pub(crate) async fn keys(
        &self,
        issuer: &str,
        key_id: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<IssuerKeys>, Refusal> {
        let turn = {
            let mut known = self.known.lock();
            // Only issuers that owners have named come here; of those that were taken away some are left.
            if known.len() >= ISSUERS_MAX && !known.contains_key(issuer) {
                known.clear();
            }
            known.entry(issuer.to_owned()).or_default().clone()
        };
        let mut known = turn.lock().await;
        if let Some((keys, read)) = &known.keys {
            let is_fresh = !is_older(ISSUER_KEYS_KEPT, *read, now);
            let was_tried = known.tried.is_some_and(|tried| !is_older(ISSUER_KEYS_AGAIN, tried, now));
            if is_fresh && keys.has(key_id) || was_tried {
                return Ok(keys.clone());
            }
        }
        known.tried = Some(now);
        match self.read(issuer).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                known.keys = Some((keys.clone(), now));
                Ok(keys)
            }
            Err(error) => {
                tracing::warn!(issuer, %error, "the keys of an issuer cannot be read");
                let usable =
                    known.keys.as_ref().filter(|(_, read)| !is_older(ISSUER_KEYS_USABLE, *read, now));
                usable.map(|(keys, _)| keys.clone()).ok_or_else(away)
            }
        }
    }

    async fn read(&self, issuer: &str) -> Result<IssuerKeys, HttpsError> {
        let trust = self.trust()?;
        let nonsense = |why: &str| HttpsError::Nonsense { url: issuer.to_owned(), why: why.to_owned() };
        let reading = async {
            let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            let configuration = isobar_https::get(&url, &trust).await?;
            if configuration["issuer"].as_str() != Some(issuer) {
                return Err(nonsense("its configuration is that of another issuer"));
            }
            let keys = configuration["jwks_uri"].as_str().unwrap_or_default();
            Ok(IssuerKeys::read(&isobar_https::get(keys, &trust).await?))
        };
        let read = tokio::time::timeout(ISSUER_ANSWER_MAX, reading).await;
        let keys = read.unwrap_or_else(|_| Err(nonsense("no answer in time")))?;
        if keys.0.is_empty() { Err(nonsense("it has no keys of a known kind")) } else { Ok(keys) }
    }

    /// Whom to trust. Made when it is needed: reading the machine's authorities takes a while.
    ///
    /// # Errors
    /// TLS cannot be used, or there are no authorities in what was given.
    pub(crate) fn trust(&self) -> Result<Trust, HttpsError> {
        let mut trust = self.trust.lock();
        if let Some(trust) = &*trust {
            return Ok(trust.clone());
        }
        let made = match &self.authorities {
            Some(pem) => Trust::also(pem)?,
            None => Trust::of_this_machine()?,
        };
        Ok(trust.insert(made).clone())
    }
}

fn away() -> Refusal {
    const AGAIN_S: u32 = 5;
    ArmError::service_unavailable("The issuer of the token cannot be asked for its keys.", AGAIN_S).into()
}
