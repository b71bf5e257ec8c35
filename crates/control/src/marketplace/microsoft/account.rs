//! The app that a publisher has registered at Microsoft, and where Microsoft is asked.

use isobar_arm::names::is_guid;
use isobar_https::{Address, HttpsError};

/// Where apps log in, unless told otherwise.
const LOGIN: &str = "https://login.microsoftonline.com";
/// Where the marketplace is, unless told otherwise.
const MARKETPLACE: &str = "https://marketplaceapi.microsoft.com";
/// Who signs tokens of version 1, unless told otherwise.
const TOKENS: &str = "https://sts.windows.net";

/// An app that is registered at Microsoft, and named in the offer's technical configuration. All URLs are
/// `https://HOST` or `https://HOST:PORT`.
#[derive(Clone)]
pub struct MicrosoftAccount {
    /// The tenant of the app, a GUID.
    pub tenant: String,
    /// Its application (client) id, a GUID.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The publisher: what others sell is refused. Without it, whatever Microsoft says is taken.
    pub publisher: Option<String>,
    /// Where apps log in; without it, `https://login.microsoftonline.com`.
    pub login: Option<String>,
    /// Where the marketplace is; without it, `https://marketplaceapi.microsoft.com`.
    pub marketplace: Option<String>,
    /// Who signs tokens of version 1; without it, `https://sts.windows.net`.
    pub tokens: Option<String>,
}

/// Why there is no such account. No secret is among the words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccountError {
    /// An id is none.
    #[error("'{0}' must be a GUID, as 00000000-0000-0000-0000-000000000000")]
    Id(&'static str),
    /// The secret is missing.
    #[error("the client secret is empty")]
    Secret,
    /// A URL is none.
    #[error("'{0}': {1}")]
    Url(&'static str, HttpsError),
}

/// An account that was looked at.
pub(super) struct Account {
    pub tenant: String,
    pub client_id: String,
    pub client_secret: String,
    pub publisher: Option<String>,
    pub login: Address,
    pub marketplace: Address,
    tokens: Address,
}

impl MicrosoftAccount {
    /// Looks at it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(self) -> Result<Account, AccountError> {
        let id = |name, id: &str| match is_guid(id) {
            true => Ok(id.to_lowercase()),
            false => Err(AccountError::Id(name)),
        };
        let address = |name, url: Option<String>, usual: &str| {
            let url = url.unwrap_or_else(|| usual.to_owned());
            Address::parse(&url).map_err(|error| AccountError::Url(name, error))
        };
        if self.client_secret.trim().is_empty() {
            return Err(AccountError::Secret);
        }
        Ok(Account {
            tenant: id("tenant", &self.tenant)?,
            client_id: id("client_id", &self.client_id)?,
            client_secret: self.client_secret,
            publisher: self.publisher,
            login: address("login", self.login, LOGIN)?,
            marketplace: address("marketplace", self.marketplace, MARKETPLACE)?,
            tokens: address("tokens", self.tokens, TOKENS)?,
        })
    }
}

impl Account {
    /// Who may have signed a token for the webhook: the tenant's issuers of the versions 1 and 2.
    pub(super) fn issuers(&self) -> [String; 2] {
        let Account { tenant, login, tokens, .. } = self;
        [format!("{}/{tenant}/", tokens.url()), format!("{}/{tenant}/v2.0", login.url())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6BDE4C1A-0000-4000-8000-000000000001";

    fn account() -> MicrosoftAccount {
        MicrosoftAccount {
            tenant: ID.to_owned(),
            client_id: ID.to_owned(),
            client_secret: "hush".to_owned(),
            publisher: None,
            login: None,
            marketplace: None,
            tokens: None,
        }
    }

    #[test]
    fn microsoft_is_where_it_says_unless_told_otherwise() {
        let usual = account().check().unwrap_or_else(|error| panic!("{error}"));
        let id = ID.to_lowercase();
        assert_eq!(usual.marketplace.url(), MARKETPLACE);
        let login = format!("https://login.microsoftonline.com/{id}/v2.0");
        assert_eq!(usual.issuers(), [format!("https://sts.windows.net/{id}/"), login]);
        let other = MicrosoftAccount { login: Some("https://login.example".to_owned()), ..account() };
        let other = other.check().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(other.issuers()[1], format!("https://login.example/{id}/v2.0"));
    }

    #[test]
    fn what_is_wrong_is_named_without_the_secret() {
        let said = |wrong: MicrosoftAccount| wrong.check().err().map(|error| error.to_string());
        let wrong = said(MicrosoftAccount { tenant: "contoso.com".to_owned(), ..account() });
        assert!(wrong.is_some_and(|said| said.contains("'tenant' must be a GUID")));
        let wrong = said(MicrosoftAccount { client_id: String::new(), ..account() });
        assert!(wrong.is_some_and(|said| said.contains("'client_id' must be a GUID")));
        let wrong = said(MicrosoftAccount { client_secret: " ".to_owned(), ..account() });
        assert!(wrong.is_some_and(|said| said.contains("secret is empty")));
        let wrong = said(MicrosoftAccount { marketplace: Some("http://a".to_owned()), ..account() });
        assert!(wrong.is_some_and(|said| said.contains("'marketplace': 'http://a' is no address")));
    }
}
