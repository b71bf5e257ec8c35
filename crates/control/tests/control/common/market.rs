//! A stand-in for Microsoft's marketplace: it answers in the shapes that Microsoft documents, outlives
//! control planes, can be out of order, and is a point at which a control plane can die. `microsoft` serves
//! the same over HTTPS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use isobar_control::{
    Marketplace, MarketplaceError, MarketplaceOperation, Purchase, Trading, UsageEvent, UsageVerdict,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::machines::Hands;

/// The SaaS subscription of a number.
pub fn subscription(number: u32) -> String {
    format!("37f9dea2-4345-438f-b0bd-{number:012}")
}

/// The operation of a number.
pub fn operation(number: u32) -> String {
    format!("74dfb4db-c193-4891-827d-{number:012}")
}

/// What a token of a number looks like.
pub fn token(number: u32) -> String {
    format!("SECRET-PURCHASE-TOKEN-{number}")
}

/// Whether Microsoft sells reservations of this kind.
pub fn is_sold(kind: &str) -> bool {
    ["marketplace", "privateOffer"].contains(&kind)
}

/// What a reservation of this kind is made with.
pub fn properties(kind: &str, number: u32) -> Value {
    match kind {
        "marketplace" => json!({"procurement": kind, "marketplace": {"purchaseToken": token(number)}}),
        "privateOffer" => json!({
            "procurement": kind, "privateOfferId": "po-1", "marketplace": {"purchaseToken": token(number)},
        }),
        "byol" => json!({
            "procurement": kind, "reservedBytes": 1_u64 << 40, "licenseId": "L-1", "endsAt": "2030-01-01T00:00:00Z",
        }),
        _ => json!({
            "procurement": kind, "reservedBytes": 1_u64 << 40, "contractNumber": "C-1",
            "startsAt": "2020-01-01", "endsAt": "2030-01-01T00:00:00Z",
        }),
    }
}

#[derive(Default)]
struct State {
    /// Answers to `resolve`, by token.
    bought: BTreeMap<String, Value>,
    /// Answers to the question for an operation, by its id.
    operations: BTreeMap<String, Value>,
    /// Answers that were given to operations.
    answers: BTreeMap<String, bool>,
    /// What was told of usage: how much, by subscription, plan and hour.
    usage: BTreeMap<(String, String, i64), u64>,
    calls: Vec<String>,
    /// Calls that fail, and whether for good.
    faults: BTreeMap<&'static str, bool>,
    /// Nobody is admitted but with this.
    wants_authorization: Option<String>,
    /// Usage is rejected.
    rejects: bool,
}

/// What there is at Microsoft. A clone is another handle.
#[derive(Clone, Default)]
pub struct Market(Arc<Mutex<State>>);

impl Market {
    /// Somebody buys something: the token of this number is good for it from now on.
    pub fn sells(&self, number: u32, plan: &str, quantity: Value) {
        let id = subscription(number);
        let answer = json!({
            "id": id, "subscriptionName": "Contoso Cloud Solution", "offerId": "offer1", "planId": plan,
            "quantity": quantity,
            "subscription": {
                "id": id, "publisherId": "contoso", "offerId": "offer1", "name": "Contoso Cloud Solution",
                "saasSubscriptionStatus": "PendingFulfillmentStart",
                "beneficiary": {"emailId": "test@test.com", "objectId": id, "tenantId": id},
                "purchaser": {"emailId": "test@test.com", "objectId": id, "tenantId": id},
                "planId": plan, "term": {"termUnit": "P1M"}, "autoRenew": true, "isTest": true,
                "isFreeTrial": false, "allowedCustomerOperations": ["Delete", "Update", "Read"],
                "sandboxType": "None", "sessionMode": "None",
            },
        });
        self.0.lock().bought.insert(token(number), answer);
    }

    /// Something happens to what was bought; gives the notice that the webhook is sent.
    pub fn happens(&self, number: u32, of: u32, action: &str, plan: &str, quantity: Value) -> Value {
        let is_asked = ["ChangePlan", "ChangeQuantity", "Reinstate"].contains(&action);
        let answer = json!({
            "id": operation(number), "activityId": operation(number), "subscriptionId": subscription(of),
            "offerId": "offer1", "publisherId": "contoso", "planId": plan, "quantity": quantity,
            "action": action,
            "timeStamp": "2018-12-01T00:00:00", "status": if is_asked { "InProgress" } else { "Succeeded" },
            "errorStatusCode": "", "errorMessage": "",
        });
        let notice = json!({
            "id": operation(number), "activityId": operation(number), "publisherId": "contoso",
            "offerId": "offer1", "planId": plan, "quantity": quantity, "subscriptionId": subscription(of),
            "timeStamp": "2023-02-10T18:48:58.4449937Z", "action": action,
            "status": answer["status"], "operationRequestSource": "Azure",
            "subscription": {"id": subscription(of)},
            "purchaseToken": null,
        });
        self.0.lock().operations.insert(operation(number), answer);
        notice
    }

    /// Every call from now on of this name fails; for good, or as long as it is not mended.
    pub fn breaks(&self, call: &'static str, for_good: bool) {
        self.0.lock().faults.insert(call, for_good);
    }

    /// No call fails any more, and usage is taken.
    pub fn is_mended(&self) {
        let mut state = self.0.lock();
        state.faults.clear();
        state.rejects = false;
    }

    /// Usage is rejected.
    pub fn rejects_usage(&self) {
        self.0.lock().rejects = true;
    }

    /// Nobody calls the webhook but with this authorization.
    pub fn wants_authorization(&self, authorization: &str) {
        self.0.lock().wants_authorization = Some(authorization.to_owned());
    }

    /// How Microsoft says that a purchase stands.
    pub fn status(&self, number: u32) -> Value {
        self.0.lock().bought[&token(number)]["subscription"]["saasSubscriptionStatus"].clone()
    }

    /// How often something was called.
    pub fn count(&self, call: &str) -> usize {
        self.0.lock().calls.iter().filter(|name| *name == call).count()
    }

    /// The answers that were given to operations.
    pub fn answers(&self) -> BTreeMap<String, bool> {
        self.0.lock().answers.clone()
    }

    /// What was told of usage: subscription, plan, hour and how much.
    pub fn usage(&self) -> Vec<(String, String, i64, u64)> {
        let state = self.0.lock();
        state.usage.iter().map(|((of, plan, hour), much)| (of.clone(), plan.clone(), *hour, *much)).collect()
    }
}

/// The same, as it is asked over HTTPS.
impl Market {
    /// The answer to `resolve`.
    pub fn bought(&self, token: &str) -> Option<Value> {
        self.0.lock().bought.get(token).cloned()
    }

    /// What there is of a SaaS subscription.
    pub fn subscribed(&self, id: &str) -> Option<Value> {
        let state = self.0.lock();
        state.bought.values().find(|one| one["id"] == id).map(|one| one["subscription"].clone())
    }

    /// Activates a SaaS subscription.
    pub fn activates(&self, id: &str) {
        let mut state = self.0.lock();
        let bought = state.bought.values_mut().find(|one| one["id"] == id).expect("a subscription");
        bought["subscription"]["saasSubscriptionStatus"] = json!("Subscribed");
    }

    /// The answer to the question for an operation.
    pub fn asked(&self, subscription: &str, operation: &str) -> Option<Value> {
        let state = self.0.lock();
        state.operations.get(operation).filter(|one| one["subscriptionId"] == subscription).cloned()
    }

    /// Takes an answer to an operation, if it is the first.
    pub fn is_answered(&self, operation: &str, success: bool) -> bool {
        self.0.lock().answers.insert(operation.to_owned(), success).is_none()
    }

    /// Takes usage of an hour; the answer to it.
    pub fn uses(&self, (id, plan, hour_ms, quantity): (&str, &str, i64, u64)) -> Value {
        self.0.lock().uses((id.to_owned(), plan.to_owned(), hour_ms), quantity)
    }
}

impl State {
    fn uses(&mut self, hour: (String, String, i64), quantity: u64) -> Value {
        if self.rejects {
            return json!({
                "status": "InvalidDimension", "error": {"message": "There is no such dimension."},
            });
        }
        if self.usage.contains_key(&hour) {
            return json!({"status": "Duplicate"});
        }
        self.usage.insert(hour, quantity);
        json!({"status": "Accepted", "usageEventId": operation(1)})
    }
}

impl Hands {
    /// A call, with a point before and after what it does.
    fn trade<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        does: impl FnOnce(&mut State) -> Result<T, MarketplaceError> + Send + 'a,
    ) -> Trading<'a, T> {
        let market = self.market();
        Box::pin(async move {
            self.pass(format!("before {name}")).await;
            let done = {
                let mut state = market.0.lock();
                state.calls.push(name.to_owned());
                match state.faults.get(name).copied() {
                    Some(true) => Err(MarketplaceError::Refused("it says no".to_owned())),
                    Some(false) => Err(MarketplaceError::Later("it is out of order".to_owned())),
                    None => does(&mut state),
                }
            };
            self.pass(format!("after {name}")).await;
            done
        })
    }
}

fn unknown() -> MarketplaceError {
    MarketplaceError::Refused("there is no such thing".to_owned())
}

impl Marketplace for Hands {
    fn admit<'a>(&'a self, authorization: Option<&'a str>) -> Trading<'a, ()> {
        let wanted = self.market().0.lock().wants_authorization.clone();
        let is_good = wanted.is_none_or(|wanted| authorization == Some(&wanted));
        let refused = || MarketplaceError::Refused("the token is not Microsoft's".to_owned());
        Box::pin(async move { if is_good { Ok(()) } else { Err(refused()) } })
    }

    fn resolve<'a>(&'a self, token: &'a str) -> Trading<'a, Purchase> {
        self.trade("resolve", move |state| {
            let answer = state.bought.get(token).ok_or_else(unknown)?;
            Purchase::of_resolved(answer).map_err(MarketplaceError::Later)
        })
    }

    fn activate<'a>(
        &'a self,
        subscription: &'a str,
        plan: &'a str,
        quantity: Option<u64>,
    ) -> Trading<'a, ()> {
        self.trade("activate", move |state| {
            let bought = state.bought.values_mut().find(|one| one["id"] == subscription);
            let bought = bought.ok_or_else(unknown)?;
            let same = Purchase::of_resolved(bought).map_err(MarketplaceError::Later)?;
            assert_eq!((same.plan_id.as_str(), same.quantity), (plan, quantity));
            bought["subscription"]["saasSubscriptionStatus"] = json!("Subscribed");
            Ok(())
        })
    }

    fn operation<'a>(
        &'a self,
        subscription: &'a str,
        operation: &'a str,
    ) -> Trading<'a, MarketplaceOperation> {
        self.trade("operation", move |state| {
            let answer = state.operations.get(operation).filter(|one| one["subscriptionId"] == subscription);
            MarketplaceOperation::of_answer(answer.ok_or_else(unknown)?).map_err(MarketplaceError::Later)
        })
    }

    fn finish<'a>(&'a self, _: &'a str, operation: &'a str, success: bool) -> Trading<'a, ()> {
        self.trade("finish", move |state| {
            let first = *state.answers.entry(operation.to_owned()).or_insert(success);
            assert_eq!(first, success, "two answers to one question");
            Ok(())
        })
    }

    fn report_usage<'a>(&'a self, events: &'a [UsageEvent]) -> Trading<'a, Vec<Option<UsageVerdict>>> {
        self.trade("report usage", move |state| {
            let mut told = BTreeSet::new();
            let mut verdict = |event: &UsageEvent| {
                let hour = event.start.millis();
                assert!(
                    event.quantity > 0 && hour % 3_600_000 == 0 && event.dimension == "overage-gib-hours"
                );
                let key = (event.subscription_id.clone(), event.plan_id.clone(), hour);
                assert!(told.insert(key.clone()), "one hour twice in a batch");
                UsageVerdict::of_item(&state.uses(key, event.quantity))
            };
            Ok(events.iter().map(&mut verdict).collect())
        })
    }
}
