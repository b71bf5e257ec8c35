//! What something that happened at Microsoft makes of a purchase. Pure.

use super::purchase::is_possible;
use crate::marketplace::{MarketplaceAction, MarketplaceOperation, Progress, Purchase, SubscriptionStatus};

/// Changes a purchase as Microsoft says; whether it was carried out is the answer where Microsoft asks.
///
/// A purchase that has ended stays so, whatever comes late. What will not be done changes nothing.
pub(super) fn carry_out(purchase: &mut Purchase, operation: &MarketplaceOperation) -> bool {
    use SubscriptionStatus::{Subscribed, Suspended, Unsubscribed};
    if operation.progress == Progress::Failed || purchase.status == Unsubscribed {
        return false;
    }
    match operation.action {
        MarketplaceAction::ChangePlan => match &operation.plan_id {
            Some(plan) => purchase.plan_id.clone_from(plan),
            None => return false,
        },
        MarketplaceAction::ChangeQuantity => match operation.quantity {
            Some(_) if is_possible(operation.quantity) => purchase.quantity = operation.quantity,
            _ => return false,
        },
        // Another term of the same.
        MarketplaceAction::Renew => {}
        MarketplaceAction::Suspend => purchase.status = Suspended,
        MarketplaceAction::Reinstate => purchase.status = Subscribed,
        MarketplaceAction::Unsubscribe => purchase.status = Unsubscribed,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RESERVATION_QUANTITY_MAX;

    fn purchase(status: SubscriptionStatus) -> Purchase {
        Purchase {
            subscription_id: "s".into(),
            publisher_id: "contoso".into(),
            offer_id: "offer1".into(),
            plan_id: "silver".into(),
            quantity: Some(2),
            status,
        }
    }

    fn told(action: MarketplaceAction, plan_id: Option<&str>, quantity: Option<u64>) -> MarketplaceOperation {
        MarketplaceOperation {
            id: "o".into(),
            subscription_id: "s".into(),
            action,
            plan_id: plan_id.map(str::to_owned),
            quantity,
            progress: Progress::InProgress,
        }
    }

    #[test]
    fn each_action_changes_what_it_says() {
        use MarketplaceAction::{ChangePlan, ChangeQuantity, Reinstate, Renew, Suspend, Unsubscribe};
        let mut of = purchase(SubscriptionStatus::Subscribed);
        assert!(carry_out(&mut of, &told(ChangePlan, Some("gold"), Some(9))));
        assert_eq!((of.plan_id.as_str(), of.quantity), ("gold", Some(2)));
        assert!(carry_out(&mut of, &told(ChangeQuantity, Some("tin"), Some(9))));
        assert_eq!((of.plan_id.as_str(), of.quantity), ("gold", Some(9)));
        for (action, status) in [
            (Suspend, SubscriptionStatus::Suspended),
            (Renew, SubscriptionStatus::Suspended),
            (Reinstate, SubscriptionStatus::Subscribed),
            (Unsubscribe, SubscriptionStatus::Unsubscribed),
        ] {
            assert!(carry_out(&mut of, &told(action, None, None)));
            assert_eq!(of.status, status, "{action:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_not_carried_out() {
        use MarketplaceAction::{ChangePlan, ChangeQuantity, Reinstate, Suspend};
        let mut of = purchase(SubscriptionStatus::Subscribed);
        let too_many = Some(RESERVATION_QUANTITY_MAX + 1);
        assert!(!carry_out(&mut of, &told(ChangeQuantity, None, too_many)));
        assert!(!carry_out(&mut of, &told(ChangeQuantity, None, None)));
        assert!(!carry_out(&mut of, &told(ChangePlan, None, None)));
        let failed = MarketplaceOperation { progress: Progress::Failed, ..told(Suspend, None, None) };
        assert!(!carry_out(&mut of, &failed));
        assert_eq!(of, purchase(SubscriptionStatus::Subscribed));
        let mut ended = purchase(SubscriptionStatus::Unsubscribed);
        assert!(!carry_out(&mut ended, &told(Reinstate, None, None)));
        assert_eq!(ended, purchase(SubscriptionStatus::Unsubscribed));
    }
}
