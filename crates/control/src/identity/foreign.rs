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
    ISSUER_ANSWER_MAX, ISSUER_AWAY_AGAIN, ISSUER_KEYS_AGAIN, ISSUER_KEYS_KEPT, ISSUER_KEYS_MAX,
    ISSUER_KEYS_USABLE, ISSUERS_MAX,
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

impl Known {
    /// The keys, if there are any that are still good.
    fn usable(&self, now: Timestamp) -> Option<Arc<IssuerKeys>> {
        let (keys, read) = self.keys.as_ref()?;
        (!is_older(ISSUER_KEYS_USABLE, *read, now)).then(|| keys.clone())
    }

    /// Whether the issuer is to be asked: for want of keys that are fresh, or of the one that is named; and
    /// not again right after it was.
    fn wants(&self, key_id: Option<&str>, now: Timestamp) -> bool {
        let has = |(keys, read): &(Arc<IssuerKeys>, Timestamp)| {
            !is_older(ISSUER_KEYS_KEPT, *read, now) && keys.has(key_id)
        };
        // Whoever has none waits for an answer, and so does everybody behind him.
        let again = if self.usable(now).is_some() { ISSUER_KEYS_AGAIN } else { ISSUER_AWAY_AGAIN };
        !self.keys.as_ref().is_some_and(has) && self.tried.is_none_or(|tried| is_older(again, tried, now))
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
        if known.wants(key_id, now) {
            known.tried = Some(now);
            match self.read(issuer).await {
                Ok(keys) => known.keys = Some((Arc::new(keys), now)),
                Err(error) => tracing::warn!(issuer, %error, "the keys of an issuer cannot be read"),
            }
        }
        known.usable(now).ok_or_else(away)
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
    let again_s = u32::try_from(ISSUER_AWAY_AGAIN.as_secs()).unwrap_or(u32::MAX);
    ArmError::service_unavailable("The issuer of the token cannot be asked for its keys.", again_s).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: i64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn known(read_s: i64, tried_s: i64) -> Known {
        let key = VerifyingKey::P256(Vec::new());
        let keys = IssuerKeys(vec![(Some("k".to_owned()), key)]);
        Known { keys: Some((Arc::new(keys), at(read_s))), tried: Some(at(tried_s)) }
    }

    #[test]
    fn keys_are_read_again_when_they_are_old_or_one_is_missing_but_not_all_the_time() {
        let wants = |key: &str, tried_s, now_s| known(0, tried_s).wants(Some(key), at(now_s));
        assert!(!wants("k", 0, 3599) && wants("k", 0, 3600));
        assert!(!wants("other", 0, 59) && wants("other", 0, 60));
        assert!(!wants("k", 3600, 3659) && wants("k", 3600, 3660), "it was away when it was asked");
        assert!(Known::default().wants(None, at(0)), "nothing is known");
    }

    #[test]
    fn keys_are_good_for_a_day_and_not_because_the_issuer_was_asked_in_vain() {
        let of = |tried_s, now_s| known(0, tried_s).usable(at(now_s)).is_some();
        assert!(of(0, DAY_S - 1) && !of(0, DAY_S));
        assert!(!of(DAY_S, DAY_S + 1));
    }

    #[test]
    fn whoever_comes_while_an_issuer_is_away_is_told_at_once() {
        let tried = Known { keys: None, tried: Some(at(0)) };
        assert!(!tried.wants(None, at(4)) && tried.wants(None, at(5)));
        let old = known(0, 2 * DAY_S);
        assert!(!old.wants(None, at(2 * DAY_S + 4)) && old.wants(None, at(2 * DAY_S + 5)));
    }
}
