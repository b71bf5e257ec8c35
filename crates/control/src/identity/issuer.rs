//! The issuer: makes tokens for principals that know their secret, and reads them.

use std::sync::Arc;

use isobar_arm::Timestamp;

use super::flaw::Flaw;
use super::key::SigningKey;
use super::principal::Principal;
use super::token::{self, Claims};
use crate::limits::TOKEN_LIFE;
use crate::names::Names;
use crate::random;

/// Makes and reads tokens.
pub(crate) struct Issuer {
    key: SigningKey,
    tenant: String,
    names: Arc<Names>,
}

/// No token can be made at the moment.
#[derive(Debug)]
pub(crate) struct Refused;

impl Issuer {
    /// The issuer of a tenant.
    pub(crate) fn new(key: SigningKey, tenant: String, names: Arc<Names>) -> Issuer {
        Issuer { key, tenant, names }
    }

    /// The tenant.
    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The key that tokens are signed with.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// What it calls itself to a client that knows the server by this address. The tenant is the first
    /// segment of its path: `az` takes it from there.
    pub(crate) fn name(&self, base: &str) -> String {
        format!("{base}/{}/v2.0", self.tenant)
    }

    /// Whether somebody who is called this is this one.
    pub(crate) fn is_named(&self, issuer: &str) -> bool {
        let base = issuer.strip_suffix("/v2.0").and_then(|iss| iss.strip_suffix(&self.tenant));
        base.is_some_and(|base| self.names.has(base))
    }

    /// Makes a token for a principal, which has proved who it is.
    pub(crate) fn issue(
        &self,
        principal: &Principal,
        audience: &str,
        base: &str,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let now_s = now.millis().div_euclid(1000);
        let life_s = i64::try_from(TOKEN_LIFE.as_secs()).unwrap_or_default();
        let claims = Claims {
            aud: audience.to_owned(),
            iss: self.name(base),
            iat: now_s,
            nbf: now_s,
            exp: now_s + life_s,
            oid: principal.object_id.clone(),
            sub: principal.object_id.clone(),
            appid: principal.app_id.clone(),
            tid: self.tenant.clone(),
            uti: random::uuid().map_err(|_| Refused)?,
            ver: "1.0".to_owned(),
        };
        token::sign(&self.key, &claims).ok_or(Refused)
    }

    /// Reads a token that is good now, for this server, and of this issuer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self, token: &str, now: Timestamp) -> Result<Claims, Flaw> {
        let claims = token::check(&self.key, token, now.millis().div_euclid(1000))?;
        if !self.names.has(&claims.aud) {
            return Err(Flaw::Audience);
        }
        let is_ours = self.is_named(&claims.iss) && claims.tid == self.tenant;
        if is_ours { Ok(claims) } else { Err(Flaw::Issuer) }
    }
}
