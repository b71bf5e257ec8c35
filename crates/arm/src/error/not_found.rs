//! What is not there (404). Words as ARM's, without its links: they lead to pages about its own service.

use super::ArmError;
use crate::text::quoted;

impl ArmError {
    /// No such resource. `resource` is its namespace, types and names: `NS/clusters/c1/nodes/n1`.
    pub fn resource_not_found(resource: &str, group: Option<&str>) -> Self {
        let under =
            group.map_or_else(String::new, |group| format!(" under resource group {}", quoted(group)));
        let message = format!("The Resource {}{under} was not found.", quoted(resource));
        ArmError::new(404, "ResourceNotFound", message)
    }

    /// No such resource group.
    pub fn resource_group_not_found(group: &str) -> Self {
        let message = format!("Resource group {} could not be found.", quoted(group));
        ArmError::new(404, "ResourceGroupNotFound", message)
    }

    /// No such subscription.
    pub fn subscription_not_found(subscription: &str) -> Self {
        let message = format!("The subscription {} could not be found.", quoted(subscription));
        ArmError::new(404, "SubscriptionNotFound", message)
    }

    /// A child was to be made of a resource that is not there.
    pub fn parent_resource_not_found(parent: &str) -> Self {
        let message = format!(
            "Can not perform requested operation on nested resource. Parent resource {} not found.",
            quoted(parent)
        );
        ArmError::new(404, "ParentResourceNotFound", message)
    }

    /// A namespace that nobody serves.
    pub fn invalid_resource_namespace(namespace: &str) -> Self {
        let message = format!("The resource namespace {} is invalid.", quoted(namespace));
        ArmError::new(404, "InvalidResourceNamespace", message)
    }

    /// A type that the namespace does not have. `kind` is without the namespace: `clusters/nodes`.
    pub fn invalid_resource_type(namespace: &str, kind: &str, version: &str) -> Self {
        let message = format!(
            "The resource type {} could not be found in the namespace {} for api version {}.",
            quoted(kind),
            quoted(namespace),
            quoted(version)
        );
        ArmError::new(404, "InvalidResourceType", message)
    }

    /// Something else that is not there: an operation's status, an action, a page.
    pub fn not_found(what: &str) -> Self {
        ArmError::new(404, "NotFound", format!("{what} could not be found."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_as_arm_names_it() {
        let said = ArmError::resource_not_found("Isobar.Storage/clusters/c1", Some("rg1"));
        let expected = "The Resource 'Isobar.Storage/clusters/c1' under resource group 'rg1' was not found.";
        assert_eq!((said.status(), said.message()), (404, expected));
        let said = ArmError::resource_not_found("Isobar.Storage/locations/uksouth", None);
        assert_eq!(said.message(), "The Resource 'Isobar.Storage/locations/uksouth' was not found.");
        let said = ArmError::resource_group_not_found("rg1").to_string();
        assert_eq!(said, "ResourceGroupNotFound: Resource group 'rg1' could not be found.");
        let said = ArmError::subscription_not_found("s").to_string();
        assert_eq!(said, "SubscriptionNotFound: The subscription 's' could not be found.");
        let said = ArmError::invalid_resource_type("Isobar.Storage", "snapshots", "2026-12-01").to_string();
        assert!(said.contains("'snapshots' could not be found in the namespace 'Isobar.Storage'"), "{said}");
        assert!(ArmError::parent_resource_not_found("c1").message().ends_with("'c1' not found."));
        assert!(ArmError::invalid_resource_namespace("A.B").message().contains("'A.B' is invalid"));
        assert_eq!(ArmError::not_found("The operation").message(), "The operation could not be found.");
    }
}
