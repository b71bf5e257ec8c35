//! The first token: where it is had, and what a profile needs besides.

use std::path::PathBuf;

use isobar_https::Address;
use serde_json::Value;

use crate::error::RemoteError;
use crate::pages::all_pages;
use crate::profile::Profile;
use crate::session::{Session, nonsense};

/// Which version of the addresses of logging in.
const ENDPOINTS: &str = "/metadata/endpoints?api-version=2022-09-01";
/// Which version of subscriptions and locations.
const SUBSCRIPTIONS: &str = "2022-12-01";

/// Who wants to log in where.
pub struct Credentials {
    /// The control plane.
    pub url: String,
    /// The certificate of its authority (PEM).
    pub authority: Option<String>,
    /// The tenant, if it is known.
    pub tenant: Option<String>,
    /// Who.
    pub client_id: String,
    /// Its secret; empty with a token of another issuer.
    pub secret: String,
    /// The file with a token of another issuer, for which it has a federated credential.
    pub token_file: Option<PathBuf>,
    /// The subscription to begin with, by its id or its name.
    pub subscription: Option<String>,
}

/// Logs in; gives the profile, which has a token.
///
/// # Errors
/// The server is not reached or not trusted, the credentials are wrong, or there is no such subscription.
pub async fn login(wanted: Credentials) -> Result<Profile, RemoteError> {
    let address = Address::parse(&wanted.url)?;
    let Credentials { authority, client_id, secret, .. } = wanted;
    let tenant = wanted.tenant.clone().unwrap_or_default();
    let profile = Profile::new(&address.url(), authority, &tenant, &client_id, &secret);
    let mut session = Session::of(Profile { token_file: wanted.token_file.clone(), ..profile })?;
    let endpoints = session.ask_openly(ENDPOINTS).await?;
    let told = endpoints.body["authentication"]["tenant"].as_str().unwrap_or_default().to_owned();
    if told.is_empty() {
        return Err(nonsense(&address, "it does not tell where to log in"));
    }
    if wanted.tenant.is_some_and(|tenant| !tenant.eq_ignore_ascii_case(&told)) {
        return Err(RemoteError::Login(format!("there is no tenant {tenant} here: it is {told}")));
    }
    let mut session = Session::of(Profile { tenant: told, ..session.into_profile() })?;
    let (subscription, location) = choose_subscription(&mut session, wanted.subscription.as_deref()).await?;
    Ok(Profile { subscription, location, ..session.into_profile() })
}

/// The id of the subscription that is wanted by its id or its name, or of the first; and its first location.
/// Whoever has no role in any has neither.
///
/// # Errors
/// There is none like that, or several have the name.
pub async fn choose_subscription(
    session: &mut Session,
    wanted: Option<&str>,
) -> Result<(Option<String>, Option<String>), RemoteError> {
    let first = session.read(&format!("/subscriptions?api-version={SUBSCRIPTIONS}")).await?.body;
    let all = all_pages(session, first).await?;
    let Some(id) = choose(all["value"].as_array().map_or(&[][..], Vec::as_slice), wanted)? else {
        return Ok((None, None));
    };
    let locations =
        session.read(&format!("/subscriptions/{id}/locations?api-version={SUBSCRIPTIONS}")).await?;
    let location = locations.body["value"][0]["name"].as_str().map(str::to_owned);
    Ok((Some(id), location))
}

/// The one that is wanted, or the first.
fn choose(subscriptions: &[Value], wanted: Option<&str>) -> Result<Option<String>, RemoteError> {
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let Some(wanted) = wanted else {
        return Ok(subscriptions.first().map(|of| text(of, "subscriptionId")));
    };
    let fits = |of: &&Value| {
        text(of, "subscriptionId").eq_ignore_ascii_case(wanted) || text(of, "displayName") == wanted
    };
    let mut found = subscriptions.iter().filter(fits).map(|of| text(of, "subscriptionId"));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(Some(id)),
        (Some(_), Some(_)) => {
            Err(RemoteError::Value(format!("several subscriptions are called {wanted}: give the id")))
        }
        (None, _) => {
            let known: Vec<String> = subscriptions.iter().map(|of| text(of, "displayName")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(RemoteError::Value(format!("there is no subscription {wanted}; there are: {known}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subscription_is_found_by_its_id_or_its_name() {
        let of = |id: &str, name: &str| json!({"subscriptionId": id, "displayName": name});
        let all = [of("1", "Weather"), of("2", "Climate"), of("3", "Climate")];
        assert_eq!(choose(&all, None).unwrap().as_deref(), Some("1"));
        assert_eq!(choose(&all, Some("Weather")).unwrap().as_deref(), Some("1"));
        assert_eq!(choose(&all, Some("3")).unwrap().as_deref(), Some("3"));
        assert!(choose(&all, Some("Climate")).unwrap_err().to_string().contains("give the id"));
        assert!(choose(&all, Some("x")).unwrap_err().to_string().contains("there are: Weather"));
        assert_eq!(choose(&[], None).unwrap(), None);
        assert!(choose(&[], Some("x")).unwrap_err().to_string().contains("there are: none"));
    }
}
