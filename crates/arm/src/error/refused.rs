//! Who may not (401, 403), what cannot be now (409, 412, 429), and what went wrong here (500, 503).

use super::ArmError;
use crate::text::{listed, quoted};

impl ArmError {
    /// No `Authorization` header.
    pub fn authentication_failed() -> Self {
        let message = "Authentication failed. The 'Authorization' header is missing.";
        ArmError::new(401, "AuthenticationFailed", message)
    }

    /// A token that is none of ours, or not for us. `why` is a sentence without anything of the token in it.
    pub fn invalid_authentication_token(why: &str) -> Self {
        ArmError::new(401, "InvalidAuthenticationToken", format!("The access token is invalid. {why}"))
    }

    /// A token that was good once.
    pub fn expired_authentication_token() -> Self {
        ArmError::new(401, "ExpiredAuthenticationToken", "The access token expired. Log in again.")
    }

    /// A caller whose roles do not allow the action.
    pub fn authorization_failed(client: &str, object: &str, action: &str, scope: &str) -> Self {
        let message = format!(
            "The client {} with object id {} does not have authorization to perform action {} over scope {} \
             or the scope is invalid. If access was recently granted, please refresh your credentials.",
            quoted(client),
            quoted(object),
            quoted(action),
            quoted(scope)
        );
        ArmError::new(403, "AuthorizationFailed", message)
    }

    /// Something else stands in the way. `why` is a sentence.
    pub fn conflict(why: &str) -> Self {
        ArmError::new(409, "Conflict", why)
    }

    /// The resource exists and is in no state for this. `why` is a sentence that says what would help.
    pub fn operation_not_allowed(why: &str) -> Self {
        ArmError::new(409, "OperationNotAllowed", why)
    }

    /// An operation that has not ended is at work on the resource.
    pub fn another_operation_in_progress(operation: &str) -> Self {
        let message = format!(
            "Another operation on this or dependent resource is in progress. To retrieve its status: {}.",
            quoted(operation)
        );
        ArmError::new(409, "AnotherOperationInProgress", message)
    }

    /// A lock forbids it. `action` is `delete` or `write`; `locked` are the scopes that have the locks.
    pub fn scope_locked(scope: &str, action: &str, locked: &[&str]) -> Self {
        let message = format!(
            "The scope {} cannot perform {action} operation because following scope(s) are locked: '{}'. \
             Please remove the lock and try again.",
            quoted(scope),
            listed(locked, ",")
        );
        ArmError::new(409, "ScopeLocked", message)
    }

    /// A subscription that does not use the namespace.
    pub fn missing_subscription_registration(namespace: &str) -> Self {
        let message = format!("The subscription is not registered to use namespace {}.", quoted(namespace));
        ArmError::new(409, "MissingSubscriptionRegistration", message)
    }

    /// A resource of this name exists somewhere else, and resources do not move by PUT.
    pub fn invalid_resource_location(name: &str, group: &str, (is, asked): (&str, &str)) -> Self {
        let message = format!(
            "The resource {} already exists in location {} in resource group {}. A resource with the same \
             name cannot be created in location {}. Please select a new resource name.",
            quoted(name),
            quoted(is),
            quoted(group),
            quoted(asked)
        );
        ArmError::new(409, "InvalidResourceLocation", message).with_target("location")
    }

    /// The same of a resource group.
    pub fn invalid_resource_group_location(is: &str, asked: &str) -> Self {
        let message = format!(
            "Invalid resource group location {}. The Resource group already exists in location {}.",
            quoted(asked),
            quoted(is)
        );
        ArmError::new(409, "InvalidResourceGroupLocation", message).with_target("location")
    }

    /// A field that is decided when a resource is made.
    pub fn property_change_not_allowed(target: &str) -> Self {
        let message = format!("Changing property {} is not allowed.", quoted(target));
        ArmError::new(409, "PropertyChangeNotAllowed", message).with_target(target)
    }

    /// `If-Match` or `If-None-Match` does not hold.
    pub fn precondition_failed() -> Self {
        let message = "The condition specified using HTTP conditional header(s) is not met.";
        ArmError::new(412, "PreconditionFailed", message)
    }

    /// A caller that asks too often.
    pub fn too_many_requests(retry_after_s: u32) -> Self {
        let message = format!("Too many requests. Please try again after {retry_after_s} seconds.");
        ArmError::new(429, "TooManyRequests", message).with_retry_after(retry_after_s)
    }

    /// Something of ours is broken. Clients try a 500 again, PUT included, so what was begun has to be
    /// idempotent. `what` is a clause for whoever looks for it in the log.
    pub fn internal_server_error(what: &str) -> Self {
        let message = format!("Encountered internal server error: {what}.");
        ArmError::new(500, "InternalServerError", message)
    }

    /// It could work a little later: the database is away, a leader is being chosen. `why` is a sentence.
    pub fn service_unavailable(why: &str, retry_after_s: u32) -> Self {
        ArmError::new(503, "ServiceUnavailable", why).with_retry_after(retry_after_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_named_with_the_scope_that_it_protects() {
        let said = ArmError::scope_locked("/s/c1", "delete", &["/s"]);
        let expected = "The scope '/s/c1' cannot perform delete operation because following scope(s) are \
             locked: '/s'. Please remove the lock and try again.";
        assert_eq!((said.status(), said.code(), said.message()), (409, "ScopeLocked", expected));
    }

    #[test]
    fn who_may_not_is_told_which_action_and_where() {
        let said = ArmError::authorization_failed("app", "oid", "Isobar.Storage/clusters/write", "/s");
        let expected = "The client 'app' with object id 'oid' does not have authorization to perform action \
             'Isobar.Storage/clusters/write' over scope '/s' or the scope is invalid. If access was recently \
             granted, please refresh your credentials.";
        assert_eq!((said.status(), said.message()), (403, expected));
        assert_eq!(ArmError::authentication_failed().status(), 401);
        assert_eq!(ArmError::expired_authentication_token().code(), "ExpiredAuthenticationToken");
        assert!(ArmError::invalid_authentication_token("Hm.").message().ends_with("Hm."));
    }

    #[test]
    fn what_cannot_be_now_says_why() {
        let said = ArmError::invalid_resource_location("c1", "rg1", ("uksouth", "ukwest"));
        assert!(
            said.message().starts_with("The resource 'c1' already exists in location 'uksouth'"),
            "{said}"
        );
        let said = ArmError::invalid_resource_group_location("uksouth", "ukwest");
        assert!(said.message().starts_with("Invalid resource group location 'ukwest'."), "{said}");
        assert_eq!(ArmError::precondition_failed().status(), 412);
        assert_eq!(ArmError::too_many_requests(7).retry_after_s(), Some(7));
        assert_eq!(ArmError::service_unavailable("Soon.", 2).retry_after_s(), Some(2));
        assert_eq!(ArmError::internal_server_error("x").status(), 500);
        assert_eq!(ArmError::property_change_not_allowed("sku.name").target(), Some("sku.name"));
        assert_eq!(ArmError::conflict("Hm.").message(), "Hm.");
        assert_eq!(ArmError::operation_not_allowed("Hm.").code(), "OperationNotAllowed");
        assert!(ArmError::missing_subscription_registration("A.B").message().ends_with("'A.B'."));
        assert!(ArmError::another_operation_in_progress("/op").message().ends_with("'/op'."));
    }
}
