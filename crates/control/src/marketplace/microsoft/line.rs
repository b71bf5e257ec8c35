//! Questions for Microsoft and its answers, each with a token of the app.
//!
//! A token is asked for when there is none and kept until shortly before it ends. One that Microsoft does not
//! take is asked for again, once for each question. Every question has a connection of its own: there are a
//! few in an hour.

use std::time::Duration;

use bytes::Bytes;
use isobar_https::{Address, Answer, Connection, HttpsError, Message};
use serde_json::Value;
use tokio::sync::Mutex as Turn;

use super::account::Account;
use super::caller::MARKETPLACE_APP;
use crate::clock::Time;
use crate::identity::Foreign;
use crate::limits::{MARKETPLACE_ANSWER_MAX, MARKETPLACE_TOKEN_EARLY, MARKETPLACE_TOKEN_LIFE_MAX};
use crate::marketplace::MarketplaceError;
use crate::marketplace::words::words_of;
use crate::random;

/// A question.
pub(super) struct Question<'q> {
    /// The method.
    pub method: &'q str,
    /// Path and query.
    pub path: String,
    /// What whoever has bought something was given.
    pub purchase_token: Option<&'q str>,
    /// The body, if it has one.
    pub body: Option<Value>,
}

/// What is answered.
pub(super) enum Said {
    /// It was done.
    Done(Value),
    /// It was not, and will not be.
    No {
        /// The status, 400 to 499.
        status: u16,
        /// Why.
        why: String,
    },
}

/// A token of the app.
struct Token {
    text: String,
    good_until_ms: i64,
}

/// The way to Microsoft.
pub(super) struct Line {
    /// Who asks.
    pub account: Account,
    /// Whom to trust, and the keys of issuers.
    pub foreign: Foreign,
    /// The time.
    pub time: Time,
    /// How long a question may take, with all that it takes to ask.
    pub patience: Duration,
    token: Turn<Option<Token>>,
}

impl Said {
    /// What was done.
    ///
    /// # Errors
    /// `Refused`: it was not.
    pub(super) fn done(self) -> Result<Value, MarketplaceError> {
        match self {
            Said::Done(value) => Ok(value),
            Said::No { why, .. } => Err(MarketplaceError::Refused(why)),
        }
    }
}

pub(super) fn later(why: impl ToString) -> MarketplaceError {
    MarketplaceError::Later(why.to_string())
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What an answer says, in words that can be shown.
fn words(answer: &Answer, secrets: &[&str]) -> String {
    let status = answer.status;
    words_of(&answer.body, secrets).unwrap_or_else(|| format!("Microsoft answers with status {status}."))
}

/// For how long a token is good, by what is said of it.
fn life_ms(answer: &Value) -> i64 {
    let said = &answer["expires_in"];
    let seconds = said.as_u64().or_else(|| said.as_str().and_then(|text| text.parse().ok()));
    ms(Duration::from_secs(seconds.unwrap_or_default()).min(MARKETPLACE_TOKEN_LIFE_MAX))
}

impl Line {
    /// To Microsoft, as this app. Nothing is asked yet.
    pub(super) fn new(account: Account, foreign: Foreign, time: Time) -> Line {
        Line { account, foreign, time, patience: MARKETPLACE_ANSWER_MAX, token: Turn::default() }
    }

    /// Asks the marketplace.
    ///
    /// # Errors
    /// `Later`: it was not reached, or has to be asked again.
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<Said, MarketplaceError> {
        let asking = self.ask_or_renew(question);
        let asked = tokio::time::timeout(self.patience, asking).await;
        asked.unwrap_or_else(|_| Err(later("Microsoft gives no answer in time.")))
    }

    async fn ask_or_renew(&self, question: &Question<'_>) -> Result<Said, MarketplaceError> {
        let correlation = random::uuid().map_err(later)?;
        let mut token = self.token(None).await?;
        let mut answer = self.ask_once(question, &token, &correlation).await?;
        if answer.status == 401 {
            token = self.token(Some(&token)).await?;
            answer = self.ask_once(question, &token, &correlation).await?;
        }
        let (bought, secret) = (question.purchase_token.unwrap_or_default(), &self.account.client_secret);
        let words = words(&answer, &[&token, bought, secret]);
        tracing::debug!(
            path = question.path,
            status = answer.status,
            correlation,
            "the marketplace answered"
        );
        match answer.status {
            200..=299 => Ok(Said::Done(answer.body)),
            401 => Err(self.credentials_refused(&words)),
            408 | 429 => Err(later(words)),
            status @ 400..=499 => Ok(Said::No { status, why: words }),
            _ => Err(later(words)),
        }
    }

    async fn ask_once(
        &self,
        question: &Question<'_>,
        token: &str,
        correlation: &str,
    ) -> Result<Answer, MarketplaceError> {
        let body = question.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut headers = vec![
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
            ("x-ms-requestid", random::uuid().map_err(later)?),
            ("x-ms-correlationid", correlation.to_owned()),
        ];
        if question.method != "GET" {
            // Servers want it of a body that is empty, too.
            headers.push(("content-length", body.len().to_string()));
        }
        headers.extend(question.purchase_token.map(|token| ("x-ms-marketplace-token", token.to_owned())));
        let message =
            Message { method: question.method, path: &question.path, headers, body: Bytes::from(body) };
        self.send(&self.account.marketplace, &message).await
    }

    /// The token that is kept, unless it ends or is the one that was refused; else another.
    async fn token(&self, refused: Option<&str>) -> Result<String, MarketplaceError> {
        let mut kept = self.token.lock().await;
        let now_ms = self.time.now().millis();
        let is_good = |token: &&Token| token.good_until_ms > now_ms && refused != Some(&token.text);
        if let Some(token) = kept.as_ref().filter(is_good) {
            return Ok(token.text.clone());
        }
        *kept = None;
        let answer = self.log_in().await?;
        let text = answer["access_token"].as_str().filter(|text| !text.is_empty());
        let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
        let text = text.ok_or_else(|| later("Microsoft's login answers without a token."))?.to_owned();
        let good_until_ms = now_ms.saturating_add(life_ms(&answer) - ms(MARKETPLACE_TOKEN_EARLY));
        Ok(kept.insert(Token { text, good_until_ms }).text.clone())
    }

    /// Asks for a token, by client credentials (RFC 6749, 4.4).
    async fn log_in(&self) -> Result<Value, MarketplaceError> {
        let Account { tenant, client_id, client_secret, login, .. } = &self.account;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client_id)
            .append_pair("client_secret", client_secret)
            .append_pair("scope", &format!("{MARKETPLACE_APP}/.default"))
            .finish();
        let headers = vec![
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("accept", "application/json".to_owned()),
        ];
        let path = format!("/{tenant}/oauth2/v2.0/token");
        let message = Message { method: "POST", path: &path, headers, body: Bytes::from(form) };
        let answer = self.send(login, &message).await?;
        let encoded: String = form_urlencoded::byte_serialize(client_secret.as_bytes()).collect();
        let words = words(&answer, &[client_secret, &encoded]);
        match answer.status {
            200 => Ok(answer.body),
            408 | 429 => Err(later(words)),
            400..=499 => Err(self.credentials_refused(&words)),
            _ => Err(later(words)),
        }
    }

    /// Somebody has to mend it, and then it goes on.
    fn credentials_refused(&self, words: &str) -> MarketplaceError {
        let client_id = &self.account.client_id;
        later(format!("Microsoft refuses the credentials of the app {client_id}: {words}"))
    }

    async fn send(&self, to: &Address, message: &Message<'_>) -> Result<Answer, MarketplaceError> {
        let not_sent = |error: HttpsError| later(error);
        let trust = self.foreign.trust().map_err(not_sent)?;
        Connection::new(to.clone(), trust).send(message).await.map_err(not_sent)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_good_for_as_long_as_is_said_within_reason() {
        let of = |said: Value| life_ms(&json!({"expires_in": said}));
        assert_eq!((of(json!(3599)), of(json!("3599")), of(json!(-1))), (3_599_000, 3_599_000, 0));
        assert_eq!((of(json!(u64::MAX)), of(json!("soon"))), (86_400_000, 0));
        assert_eq!(life_ms(&json!({})), 0);
    }
}
