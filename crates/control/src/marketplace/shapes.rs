//! What Microsoft answers, read from the shapes that it documents. Clients, real ones and those of tests,
//! hand on what came, and all take the same from it.
//!
//! Quantities are numbers in some answers, texts in others, and empty where a plan is not sold by the piece.

use serde_json::Value;

use super::words::one_line;
use super::{MarketplaceAction, MarketplaceOperation, Progress, Purchase, SubscriptionStatus, UsageVerdict};

fn text(value: &Value, name: &str) -> Result<String, String> {
    let found = value[name].as_str().filter(|text| !text.is_empty());
    found.map(str::to_owned).ok_or_else(|| format!("the marketplace's answer has no '{name}'"))
}

fn word<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> Result<T, String> {
    serde_json::from_value(value[name].clone())
        .map_err(|_| format!("the marketplace's answer has a '{name}' that is not known"))
}

fn quantity(value: &Value) -> Result<Option<u64>, String> {
    let wrong = || "the marketplace's answer has a 'quantity' that is no whole number".to_owned();
    match &value["quantity"] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| wrong()),
        number => number.as_u64().map(Some).ok_or_else(wrong),
    }
}

impl Purchase {
    /// From the answer to `resolve`.
    ///
    /// # Errors
    /// What is missing or not understood.
    pub fn of_resolved(answer: &Value) -> Result<Purchase, String> {
        let subscription = &answer["subscription"];
        Ok(Purchase {
            subscription_id: text(answer, "id")?,
            publisher_id: text(subscription, "publisherId")?,
            offer_id: text(answer, "offerId")?,
            plan_id: text(answer, "planId")?,
            quantity: quantity(answer)?,
            status: word::<SubscriptionStatus>(subscription, "saasSubscriptionStatus")?,
        })
    }
}

impl SubscriptionStatus {
    /// From the answer to the question for a SaaS subscription.
    ///
    /// # Errors
    /// What is missing or not understood.
    pub fn of_answer(answer: &Value) -> Result<SubscriptionStatus, String> {
        word(answer, "saasSubscriptionStatus")
    }
}

impl MarketplaceOperation {
    /// From the answer to the question for an operation.
    ///
    /// # Errors
    /// What is missing or not understood.
    pub fn of_answer(answer: &Value) -> Result<MarketplaceOperation, String> {
        let progress = match text(answer, "status")?.as_str() {
            "NotStarted" | "InProgress" => Progress::InProgress,
            "Succeeded" | "Success" => Progress::Succeeded,
            "Failed" | "Failure" | "Conflict" => Progress::Failed,
            _ => return Err("the marketplace's answer has a 'status' that is not known".to_owned()),
        };
        Ok(MarketplaceOperation {
            id: text(answer, "id")?,
            subscription_id: text(answer, "subscriptionId")?,
            action: word::<MarketplaceAction>(answer, "action")?,
            plan_id: text(answer, "planId").ok(),
            quantity: quantity(answer)?,
            progress,
        })
    }
}

impl UsageVerdict {
    /// From one item of the answer to a batch of usage events. Nothing where the marketplace has failed, and
    /// has to be asked again.
    pub fn of_item(item: &Value) -> Option<UsageVerdict> {
        match item["status"].as_str()? {
            "Accepted" => Some(UsageVerdict::Accepted),
            "Duplicate" => Some(UsageVerdict::Duplicate),
            "Error" => None,
            other => {
                let said = item["error"]["message"].as_str().unwrap_or_default();
                let why = one_line(&format!("{other}: {said}"), &[]);
                Some(UsageVerdict::Rejected(why.trim_end_matches([':', ' ']).to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "37f9dea2-4345-438f-b0bd-03d40d28c7e0";

    fn resolved(quantity: &Value) -> Value {
        json!({
            "id": ID, "subscriptionName": "Storage", "offerId": "offer1", "planId": "silver",
            "quantity": quantity,
            "subscription": {
                "id": ID, "publisherId": "contoso", "offerId": "offer1", "name": "Storage",
                "saasSubscriptionStatus": "PendingFulfillmentStart", "isFreeTrial": false, "autoRenew": true,
            },
        })
    }

    #[test]
    fn what_was_bought_is_read_whatever_its_quantity_looks_like() {
        let quantity = |given: Value| Purchase::of_resolved(&resolved(&given)).map(|of| of.quantity);
        assert_eq!(quantity(json!(20)), Ok(Some(20)));
        assert_eq!(quantity(json!("20")), Ok(Some(20)));
        assert_eq!((quantity(json!("")), quantity(Value::Null)), (Ok(None), Ok(None)));
        assert!(quantity(json!("many")).is_err() && quantity(json!(-1)).is_err());
        let read = Purchase::of_resolved(&resolved(&json!(20))).expect("a purchase");
        assert_eq!(
            (read.plan_id.as_str(), read.status),
            ("silver", SubscriptionStatus::PendingFulfillmentStart)
        );
        assert!(Purchase::of_resolved(&json!({"id": ID})).is_err());
    }

    #[test]
    fn an_operation_is_read_in_every_state() {
        let read = |status: &str, action: &str| {
            MarketplaceOperation::of_answer(&json!({
                "id": "74dfb4db-c193-4891-827d-eb05fbdc64b0", "activityId": ID, "subscriptionId": ID,
                "offerId": "offer1", "publisherId": "contoso", "planId": "silver", "quantity": "20",
                "action": action, "timeStamp": "2018-12-01T00:00:00", "status": status,
            }))
        };
        for (status, progress) in [
            ("InProgress", Progress::InProgress),
            ("Succeeded", Progress::Succeeded),
            ("Conflict", Progress::Failed),
        ] {
            assert_eq!(read(status, "ChangePlan").map(|of| of.progress), Ok(progress));
        }
        assert!(read("Lost", "ChangePlan").is_err() && read("Succeeded", "Transfer").is_err());
    }

    #[test]
    fn usage_is_accepted_or_rejected_with_words() {
        let read = |item: Value| UsageVerdict::of_item(&item);
        assert_eq!(read(json!({"status": "Accepted"})), Some(UsageVerdict::Accepted));
        assert_eq!(read(json!({"status": "Duplicate"})), Some(UsageVerdict::Duplicate));
        assert_eq!(read(json!({"status": "Error"})), None);
        assert_eq!(read(json!({"status": "Expired"})), Some(UsageVerdict::Rejected("Expired".to_owned())));
        let wrong = json!({"status": "InvalidDimension", "error": {"message": "There is none."}});
        let words = "InvalidDimension: There is none.".to_owned();
        assert_eq!(read(wrong), Some(UsageVerdict::Rejected(words)));
    }
}
