//! Whether it is Microsoft who calls the webhook: by the token that it shows.
//!
//! Microsoft's marketplace is an application itself. Its token is made by the publisher's own tenant, for the
//! publisher's app, and says that the marketplace has asked for it.

use isobar_arm::Timestamp;
use serde::Deserialize;

use super::account::Account;
use crate::identity::{Flaw, Foreign, ForeignClaims, Jwt};
use crate::marketplace::MarketplaceError;

/// The marketplace's application, as Microsoft documents it: whoever is asked, and whoever calls.
pub(super) const MARKETPLACE_APP: &str = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7";

/// Which application has asked for a token: in version 1 the one, in version 2 the other.
#[derive(Deserialize)]
struct Asker {
    appid: Option<String>,
    azp: Option<String>,
}

impl Asker {
    fn is_marketplace(&self) -> bool {
        let mut named = [&self.appid, &self.azp].into_iter().flatten().peekable();
        named.peek().is_some() && named.all(|app| app.eq_ignore_ascii_case(MARKETPLACE_APP))
    }
}

fn refused(why: &str) -> MarketplaceError {
    MarketplaceError::Refused(why.to_owned())
}

fn flawed(flaw: Flaw) -> MarketplaceError {
    refused(flaw.words())
}

/// Refuses a caller who is not Microsoft's marketplace.
///
/// # Errors
/// `Refused`: it is somebody else. `Later`: the issuer cannot be asked for its keys.
pub(super) async fn check(
    (account, foreign): (&Account, &Foreign),
    authorization: Option<&str>,
    now: Timestamp,
) -> Result<(), MarketplaceError> {
    let shown = authorization.and_then(|text| text.split_once(' '));
    let token = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
    let token = token.map(|(_, token)| token.trim()).ok_or_else(|| refused("It shows no token."))?;
    let jwt = Jwt::read(token).map_err(flawed)?;
    let claims: ForeignClaims = jwt.claims().map_err(flawed)?;
    let asker: Asker = jwt.claims().map_err(flawed)?;
    // Nobody else is asked for keys, whoever calls.
    if !account.issuers().contains(&claims.iss) {
        return Err(flawed(Flaw::Issuer));
    }
    let keys = foreign.keys(&claims.iss, jwt.key_id.as_deref(), now).await;
    let keys = keys.map_err(|refusal| MarketplaceError::Later(refusal.0.to_string()))?;
    keys.check((&jwt, &claims), &account.client_id, now).map_err(flawed)?;
    match asker.is_marketplace() {
        true => Ok(()),
        false => Err(refused("The token is not the marketplace's, but another application's.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marketplace_is_who_is_named_alone() {
        let is = |appid: Option<&str>, azp: Option<&str>| {
            let [appid, azp] = [appid, azp].map(|app| app.map(str::to_owned));
            Asker { appid, azp }.is_marketplace()
        };
        let other = Some("00000003-0000-0000-c000-000000000000");
        let ours = Some(MARKETPLACE_APP);
        assert!(is(ours, None) && is(None, ours) && is(ours, ours));
        assert!(!is(None, None) && !is(other, None) && !is(other, ours) && !is(ours, other));
    }
}
