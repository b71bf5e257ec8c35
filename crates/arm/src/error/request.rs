//! What is wrong with a request itself: versions, content, locations, names (400, 405, 413, 415).

use std::fmt::Display;

use super::ArmError;
use crate::limits::QUOTED_CHARS_MAX;
use crate::text::{listed, on_one_line, quoted};

impl ArmError {
    /// A request without `api-version`.
    pub fn missing_api_version() -> Self {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        ArmError::new(400, "MissingApiVersionParameter", message)
    }

    /// An `api-version` that is none. `supported` may be empty, where any that is well-formed would do.
    pub fn invalid_api_version<V: Display>(given: &str, supported: &[V]) -> Self {
        let hint = match supported {
            [] => "It is written YYYY-MM-DD or YYYY-MM-DD-preview.".to_owned(),
            supported => format!("The supported versions are '{}'.", listed(supported, ",")),
        };
        let message = format!("The api-version {} is invalid. {hint}", quoted(given));
        ArmError::new(400, "InvalidApiVersionParameter", message)
    }

    /// An `api-version` or a location for which nobody serves the type. `kind` is without its namespace.
    pub fn no_registered_provider<V: Display, L: Display>(
        (location, version, kind): (&str, &str, &str),
        supported: &[V],
        locations: &[L],
    ) -> Self {
        let message = format!(
            "No registered resource provider found for location {} and API version {} for type {}. \
             The supported api-versions are '{}'. The supported locations are '{}'.",
            quoted(location),
            quoted(version),
            quoted(kind),
            listed(supported, ", "),
            listed(locations, ", ")
        );
        ArmError::new(400, "NoRegisteredProviderFound", message)
    }

    /// A body that is not JSON, or not the JSON it has to be. `why` is a clause without a full stop.
    pub fn invalid_request_content(why: &str) -> Self {
        let message =
            format!("The request content was invalid and could not be deserialized: {}", quoted(why));
        ArmError::new(400, "InvalidRequestContent", message + ".")
    }

    /// Fields that are wrong, each a detail with its target. `more` are wrong beside these. Without any
    /// detail there is nothing to say, so somebody else is to blame.
    pub fn validation(details: Vec<ArmError>, more: usize) -> Self {
        let Some(first) = details.first() else {
            return ArmError::internal_server_error("a request was refused for no reason");
        };
        let others = match details.len() - 1 + more {
            0 => String::new(),
            others => format!(" (and {others} more: see the details)"),
        };
        let message = format!("The request content is not valid: {}{others}", first.message());
        let target = first.target().unwrap_or_default().to_owned();
        ArmError::new(400, "InvalidRequestContent", message).with_target(target).with_details(details)
    }

    /// A query parameter or a header whose value is wrong. `hint` is a sentence.
    pub fn invalid_parameter_value(parameter: &str, given: &str, hint: &str) -> Self {
        let message = format!("The value {} of {parameter} is invalid. {hint}", quoted(given));
        ArmError::new(400, "InvalidParameterValue", message).with_target(parameter)
    }

    /// A `$filter` that is not understood. `hint` is a sentence.
    pub fn invalid_filter(given: &str, hint: &str) -> Self {
        let message = format!("Invalid $filter {} specified in the query string. {hint}", quoted(given));
        ArmError::new(400, "InvalidFilterInQueryString", message).with_target("$filter")
    }

    /// A tracked resource without a location.
    pub fn location_required() -> Self {
        let message = "The location property is required for this definition.";
        ArmError::new(400, "LocationRequired", message).with_target("location")
    }

    /// A location in which there is none of a type (namespace and all).
    pub fn location_not_available<L: Display>(location: &str, resource_type: &str, locations: &[L]) -> Self {
        let message = format!(
            "The provided location {} is not available for resource type {}. \
             List of available regions for the resource type is '{}'.",
            quoted(location),
            quoted(resource_type),
            listed(locations, ",")
        );
        ArmError::new(400, "LocationNotAvailableForResourceType", message).with_target("location")
    }

    /// A subscription's id that is no GUID.
    pub fn invalid_subscription_id(given: &str) -> Self {
        let message =
            format!("The provided subscription identifier {} is malformed or invalid.", quoted(given));
        ArmError::new(400, "InvalidSubscriptionId", message)
    }

    /// A name that breaks the rule of its kind. `rule` is a sentence.
    pub fn invalid_resource_name(kind: &str, name: &str, rule: &str) -> Self {
        let message = format!("The name {} of a {kind} is invalid. {rule}", quoted(name));
        ArmError::new(400, "InvalidResourceName", message).with_target("name")
    }

    /// A name that no resource group can have. `rule` is a sentence.
    pub fn invalid_resource_group(name: &str, rule: &str) -> Self {
        let message = format!("The provided resource group name {} is invalid. {rule}", quoted(name));
        ArmError::new(400, "InvalidResourceGroup", message)
    }

    /// A method that this path does not have.
    pub fn method_not_allowed(method: &str, allowed: &[&str]) -> Self {
        let method = on_one_line(method, QUOTED_CHARS_MAX);
        let message = format!(
            "The requested resource does not support http method '{method}'. It supports {}.",
            listed(allowed, ", ")
        );
        ArmError::new(405, "MethodNotAllowed", message)
    }

    /// A body that is too long.
    pub fn request_too_large(bytes_max: usize) -> Self {
        let message = format!("The request content size exceeds the maximum size of {bytes_max} bytes.");
        ArmError::new(413, "RequestContentTooLarge", message)
    }

    /// A body that says that it is something else than JSON.
    pub fn unsupported_media_type(given: &str) -> Self {
        let message = format!("The content type {} is not supported. Send application/json.", quoted(given));
        ArmError::new(415, "UnsupportedMediaType", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_versions_are_told_which_are_right() {
        let said = ArmError::invalid_api_version("x", &["2026-12-01", "2027-01-01-preview"]);
        let expected =
            "The api-version 'x' is invalid. The supported versions are '2026-12-01,2027-01-01-preview'.";
        assert_eq!((said.status(), said.message()), (400, expected));
        let none: [&str; 0] = [];
        assert!(ArmError::invalid_api_version("x", &none).message().ends_with("YYYY-MM-DD-preview."));
        let said =
            ArmError::no_registered_provider(("uksouth", "2020-01-01", "clusters"), &["v"], &["a", "b"]);
        let expected = "No registered resource provider found for location 'uksouth' and API version \
             '2020-01-01' for type 'clusters'. The supported api-versions are 'v'. \
             The supported locations are 'a, b'.";
        assert_eq!((said.code(), said.message()), ("NoRegisteredProviderFound", expected));
        assert!(ArmError::missing_api_version().message().contains("is required for all requests"));
    }

    #[test]
    fn a_validation_error_names_the_first_field_and_lists_all() {
        let wrong =
            |target: &str| ArmError::new(400, "InvalidParameter", "It is 1 to 9.").with_target(target);
        let said = ArmError::validation(vec![wrong("a"), wrong("b.c")], 3);
        assert_eq!(
            said.message(),
            "The request content is not valid: It is 1 to 9. (and 4 more: see the details)"
        );
        assert_eq!((said.target(), said.details().len()), (Some("a"), 2));
        let one = ArmError::validation(vec![wrong("a")], 0);
        assert_eq!(one.message(), "The request content is not valid: It is 1 to 9.");
        assert_eq!(ArmError::validation(Vec::new(), 0).status(), 500);
    }

    #[test]
    fn refusals_of_content_say_what_to_send() {
        let said = ArmError::invalid_request_content("line 3, column 7: a comma is missing");
        assert!(said.message().ends_with("deserialized: 'line 3, column 7: a comma is missing'."), "{said}");
        assert_eq!(ArmError::request_too_large(7).status(), 413);
        assert_eq!(ArmError::unsupported_media_type("text/html").status(), 415);
        let said = ArmError::method_not_allowed("TRACE", &["GET", "PUT"]);
        assert_eq!(said.status(), 405);
        assert!(said.message().ends_with("It supports GET, PUT."), "{said}");
        let said = ArmError::location_not_available("moon", "Isobar.Storage/clusters", &["a", "b"]);
        assert!(said.message().ends_with("is 'a,b'."), "{said}");
        assert_eq!(ArmError::location_required().target(), Some("location"));
        assert_eq!(ArmError::invalid_parameter_value("$top", "-1", "Hm.").target(), Some("$top"));
        assert!(ArmError::invalid_filter("a", "Hm.").message().contains("$filter 'a'"));
        assert!(ArmError::invalid_subscription_id("s").message().contains("'s' is malformed"));
        assert!(ArmError::invalid_resource_name("cluster", "C", "R.").message().ends_with("R."));
        assert!(ArmError::invalid_resource_group("C", "R.").message().ends_with("R."));
    }
}
