//! Microsoft's commercial marketplace, as far as reservations need it: who bought what (SaaS fulfilment,
//! version 2), and what was used beyond that (its metering service).
//!
//! The program that starts a control plane gives it a client: [`Microsoft`], or one of its own. Without one
//! there are no reservations of the kinds `marketplace` and `privateOffer`; everything else is as with one.
//!
//! What is said of each call is what Microsoft documents: all of them may be repeated.

mod microsoft;
mod shapes;
mod words;

use std::future::Future;
use std::pin::Pin;

use isobar_arm::{ResourceId, Timestamp};
use serde::{Deserialize, Serialize};

pub use microsoft::{AccountError, Microsoft, MicrosoftAccount};

/// What Microsoft is asked for, under way.
pub type Trading<'a, T> = Pin<Box<dyn Future<Output = Result<T, MarketplaceError>> + Send + 'a>>;

/// Why Microsoft did not do what it was asked for. The words are shown to people: no token belongs there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MarketplaceError {
    /// It could not be reached, or has to be asked again.
    #[error("{0}")]
    Later(String),
    /// It knows nothing of what it was asked for, or does not do it.
    #[error("{0}")]
    Refused(String),
}

/// How a SaaS subscription stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SubscriptionStatus {
    /// It is bought and not activated: nobody pays yet.
    PendingFulfillmentStart,
    /// It is paid.
    Subscribed,
    /// It was not paid, and may be again.
    Suspended,
    /// It has ended for good.
    Unsubscribed,
}

/// What was bought: a SaaS subscription.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Purchase {
    /// The id of the SaaS subscription, a GUID. It has nothing to do with Azure subscriptions.
    pub subscription_id: String,
    /// Who sells.
    pub publisher_id: String,
    /// What is sold.
    pub offer_id: String,
    /// In which variant.
    pub plan_id: String,
    /// How many; nothing where the plan is not sold by the piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// How it stands.
    #[serde(rename = "subscriptionStatus")]
    pub status: SubscriptionStatus,
}

/// What happened to a SaaS subscription at Microsoft's side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MarketplaceAction {
    /// The customer wants another plan.
    ChangePlan,
    /// The customer wants more or less of it.
    ChangeQuantity,
    /// Another term has begun.
    Renew,
    /// It was not paid.
    Suspend,
    /// It is paid again.
    Reinstate,
    /// It has ended.
    Unsubscribe,
}

impl MarketplaceAction {
    /// Whether Microsoft waits for an answer; of the others it only tells.
    pub fn is_asked(self) -> bool {
        use MarketplaceAction::{ChangePlan, ChangeQuantity, Reinstate};
        matches!(self, ChangePlan | ChangeQuantity | Reinstate)
    }
}

/// How far Microsoft is with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It goes on: where Microsoft asks, it waits for the answer.
    InProgress,
    /// It is done.
    Succeeded,
    /// It will not be done.
    Failed,
}

/// Something that happened to a SaaS subscription, as Microsoft itself says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarketplaceOperation {
    /// Its id.
    pub id: String,
    /// The id of the SaaS subscription.
    pub subscription_id: String,
    /// What happened.
    pub action: MarketplaceAction,
    /// The plan, after it.
    pub plan_id: Option<String>,
    /// The quantity, after it.
    pub quantity: Option<u64>,
    /// How far it is.
    pub progress: Progress,
}

/// Something that Microsoft says itself, and the reservation that it is about.
pub(crate) struct Confirmed {
    /// The reservation.
    pub reservation: ResourceId,
    /// What happened to it.
    pub operation: MarketplaceOperation,
}

/// What was used in an hour beyond what was bought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageEvent {
    /// The id of the SaaS subscription.
    pub subscription_id: String,
    /// Its plan.
    pub plan_id: String,
    /// What is counted, by the name that the offer has for it.
    pub dimension: &'static str,
    /// How much: a whole number, more than nothing.
    pub quantity: u64,
    /// When the hour began.
    pub start: Timestamp,
}

/// What Microsoft makes of a usage event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UsageVerdict {
    /// It counts.
    Accepted,
    /// There was one for this hour already, which counts.
    Duplicate,
    /// It does not count, for this reason.
    Rejected(String),
}

/// A client of Microsoft's commercial marketplace.
pub trait Marketplace: Send + Sync + 'static {
    /// Refuses a call of the webhook by its `Authorization`: a token that Microsoft has signed for this
    /// publisher. Where it checks nothing, [`operation`](Marketplace::operation) alone decides.
    fn admit<'a>(&'a self, authorization: Option<&'a str>) -> Trading<'a, ()> {
        let _ = authorization;
        Box::pin(async { Ok(()) })
    }

    /// What was bought, by the token that Microsoft gives the buyer. It changes nothing.
    fn resolve<'a>(&'a self, token: &'a str) -> Trading<'a, Purchase>;

    /// Says that a SaaS subscription is ready: from now on it is paid. One that was activated stays so.
    fn activate<'a>(&'a self, subscription: &'a str, plan: &'a str, quantity: Option<u64>)
    -> Trading<'a, ()>;

    /// What Microsoft says of something that it is said to have told.
    fn operation<'a>(
        &'a self,
        subscription: &'a str,
        operation: &'a str,
    ) -> Trading<'a, MarketplaceOperation>;

    /// Answers something that Microsoft asks. One that has an answer keeps it, which is no error.
    fn finish<'a>(&'a self, subscription: &'a str, operation: &'a str, success: bool) -> Trading<'a, ()>;

    /// Tells what was used, at most [`USAGE_EVENTS_AT_ONCE_MAX`](crate::limits::USAGE_EVENTS_AT_ONCE_MAX)
    /// at a time. There is a verdict on each, in their order; nothing where it has to be told again.
    fn report_usage<'a>(&'a self, events: &'a [UsageEvent]) -> Trading<'a, Vec<Option<UsageVerdict>>>;
}
