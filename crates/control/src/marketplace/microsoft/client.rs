//! The calls of the trait, in the words of SaaS fulfilment (version 2) and of the metering service.

use std::sync::Arc;
use std::time::Duration;

use isobar_arm::names::is_guid;
use isobar_workflow::Clock;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::account::{AccountError, MicrosoftAccount};
use super::caller;
use super::line::{Line, Question, Said, later};
use crate::clock::Time;
use crate::identity::Foreign;
use crate::marketplace::{
    Marketplace, MarketplaceError, MarketplaceOperation, Progress, Purchase, SubscriptionStatus, Trading,
    UsageEvent, UsageVerdict,
};

/// Where subscriptions are.
const SUBSCRIPTIONS: &str = "/api/saas/subscriptions";
/// Where usage is told.
const USAGE: &str = "/api/batchUsageEvent";
/// The version of both.
const VERSION: &str = "api-version=2018-08-31";

/// A client of Microsoft's marketplace over HTTPS.
pub struct Microsoft {
    line: Line,
}

/// A part of a path.
///
/// # Errors
/// `Refused`: it is no GUID, and might lead elsewhere.
fn id(text: &str) -> Result<&str, MarketplaceError> {
    match is_guid(text) {
        true => Ok(text),
        false => Err(refused("The ids of the marketplace are GUIDs, and this is none.")),
    }
}

fn refused(why: impl Into<String>) -> MarketplaceError {
    MarketplaceError::Refused(why.into())
}

/// What the metering service is told of one hour.
fn event_body(event: &UsageEvent) -> Value {
    json!({
        "resourceId": event.subscription_id,
        "quantity": event.quantity,
        "dimension": event.dimension,
        "effectiveStartTime": event.start,
        "planId": event.plan_id,
    })
}

/// The verdicts on events: the answer has one for each, in their order.
fn verdicts(events: &[UsageEvent], answer: &Value) -> Result<Vec<Option<UsageVerdict>>, MarketplaceError> {
    let items = answer["result"].as_array().map_or(&[][..], Vec::as_slice);
    let is_about = |event: &UsageEvent, item: &Value| {
        item["resourceId"].as_str().is_none_or(|id| id.eq_ignore_ascii_case(&event.subscription_id))
    };
    let fit = items.len() == events.len() && events.iter().zip(items).all(|(of, item)| is_about(of, item));
    match fit {
        true => Ok(items.iter().map(UsageVerdict::of_item).collect()),
        false => Err(later("The marketplace's answer is not about the usage that it was told.")),
    }
}

impl Microsoft {
    /// A client for this app. Authorities (PEM) are trusted beside those of this machine. Nothing is asked
    /// yet.
    ///
    /// # Errors
    /// `AccountError`.
    pub fn new(
        account: MicrosoftAccount,
        authorities: Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Microsoft, AccountError> {
        let foreign = Foreign::new(authorities);
        Ok(Microsoft { line: Line::new(account.check()?, foreign, Time(clock)) })
    }

    /// The same, with so much time for each question instead of
    /// [`MARKETPLACE_ANSWER_MAX`](crate::limits::MARKETPLACE_ANSWER_MAX).
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Microsoft {
        self.line.patience = patience;
        self
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Said, MarketplaceError> {
        let path = format!("{path}?{VERSION}");
        self.line.ask(&Question { method, path, purchase_token: None, body }).await
    }

    async fn resolved(&self, token: &str) -> Result<Purchase, MarketplaceError> {
        // The link that Microsoft opens has it percent-encoded, and no token has that sign itself.
        let token = percent_decode_str(token.trim()).decode_utf8_lossy();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused("It has characters that no token has."));
        }
        let path = format!("{SUBSCRIPTIONS}/resolve?{VERSION}");
        let question = Question { method: "POST", path, purchase_token: Some(&token), body: None };
        let purchase = Purchase::of_resolved(&self.line.ask(&question).await?.done()?).map_err(later)?;
        match &self.line.account.publisher {
            Some(ours) if !ours.eq_ignore_ascii_case(&purchase.publisher_id) => {
                Err(refused("It is a purchase from another publisher."))
            }
            _ => Ok(purchase),
        }
    }

    async fn activated(
        &self,
        subscription: &str,
        plan: &str,
        quantity: Option<u64>,
    ) -> Result<(), MarketplaceError> {
        let path = format!("{SUBSCRIPTIONS}/{}", id(subscription)?);
        let mut body = json!({"planId": plan});
        if let Some(quantity) = quantity {
            body["quantity"] = json!(quantity);
        }
        let why = match self.ask("POST", &format!("{path}/activate"), Some(body)).await? {
            Said::Done(_) => return Ok(()),
            Said::No { status: 400 | 404 | 409, why } => why,
            Said::No { why, .. } => return Err(refused(why)),
        };
        // What was activated before is not activated again. Whether it was is asked for.
        let stands = match self.ask("GET", &path, None).await? {
            Said::Done(answer) => SubscriptionStatus::of_answer(&answer).ok(),
            Said::No { .. } => None,
        };
        match stands {
            Some(SubscriptionStatus::Subscribed | SubscriptionStatus::Suspended) => Ok(()),
            _ => Err(refused(why)),
        }
    }

    async fn told(
        &self,
        subscription: &str,
        operation: &str,
    ) -> Result<MarketplaceOperation, MarketplaceError> {
        let path = format!("{SUBSCRIPTIONS}/{}/operations/{}", id(subscription)?, id(operation)?);
        let answer = self.ask("GET", &path, None).await?.done()?;
        MarketplaceOperation::of_answer(&answer).map_err(later)
    }

    async fn answered(
        &self,
        subscription: &str,
        operation: &str,
        success: bool,
    ) -> Result<(), MarketplaceError> {
        let path = format!("{SUBSCRIPTIONS}/{}/operations/{}", id(subscription)?, id(operation)?);
        let body = json!({"status": if success { "Success" } else { "Failure" }});
        let why = match self.ask("PATCH", &path, Some(body)).await? {
            // Microsoft has gone on: with an answer, or without one after a while.
            Said::Done(_) | Said::No { status: 409, .. } => return Ok(()),
            Said::No { status: 400, why } => why,
            Said::No { why, .. } => return Err(refused(why)),
        };
        match self.told(subscription, operation).await {
            Ok(operation) if operation.progress != Progress::InProgress => Ok(()),
            Err(MarketplaceError::Later(why)) => Err(MarketplaceError::Later(why)),
            _ => Err(refused(why)),
        }
    }

    async fn reported(&self, events: &[UsageEvent]) -> Result<Vec<Option<UsageVerdict>>, MarketplaceError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let body = json!({"request": events.iter().map(event_body).collect::<Vec<_>>()});
        verdicts(events, &self.ask("POST", USAGE, Some(body)).await?.done()?)
    }
}

impl Marketplace for Microsoft {
    fn admit<'a>(&'a self, authorization: Option<&'a str>) -> Trading<'a, ()> {
        let Line { account, foreign, time, .. } = &self.line;
        Box::pin(caller::check((account, foreign), authorization, time.now()))
    }

    fn resolve<'a>(&'a self, token: &'a str) -> Trading<'a, Purchase> {
        Box::pin(self.resolved(token))
    }

    fn activate<'a>(
        &'a self,
        subscription: &'a str,
        plan: &'a str,
        quantity: Option<u64>,
    ) -> Trading<'a, ()> {
        Box::pin(self.activated(subscription, plan, quantity))
    }

    fn operation<'a>(
        &'a self,
        subscription: &'a str,
        operation: &'a str,
    ) -> Trading<'a, MarketplaceOperation> {
        Box::pin(self.told(subscription, operation))
    }

    fn finish<'a>(&'a self, subscription: &'a str, operation: &'a str, success: bool) -> Trading<'a, ()> {
        Box::pin(self.answered(subscription, operation, success))
    }

    fn report_usage<'a>(&'a self, events: &'a [UsageEvent]) -> Trading<'a, Vec<Option<UsageVerdict>>> {
        Box::pin(self.reported(events))
    }
}
