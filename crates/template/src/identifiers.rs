//! Ids of resources, as functions and definitions make them from types and names.

use isobar_arm::ResourceId;

use crate::error::quoted;

/// `{scope}/providers/{namespace}/{type}/{name}/{type}/{name}…`, where each type has a name. A type may have
/// `providers` in it, whose name is the namespace of an extension. The error is a sentence.
pub(crate) fn id_of(scope: &str, resource_type: &str, names: &[&str]) -> Result<ResourceId, String> {
    let mut types = resource_type.split('/');
    let namespace = types.next().unwrap_or_default();
    let types: Vec<&str> = types.collect();
    if types.is_empty() || types.iter().any(|of| of.is_empty()) || namespace.is_empty() {
        return Err(format!("{} is no type: write Namespace/type.", quoted(resource_type)));
    }
    if types.len() != names.len() {
        return Err(format!(
            "the type {} needs {} names, one for each part after the namespace, and there are {}.",
            quoted(resource_type),
            types.len(),
            names.len()
        ));
    }
    let mut text = format!("{}/providers/{namespace}", scope.trim_end_matches('/'));
    for (of, name) in types.iter().zip(names) {
        if name.is_empty() {
            return Err(format!("a name of type {} is empty.", quoted(resource_type)));
        }
        text.push_str(&format!("/{of}/{name}"));
    }
    ResourceId::parse(&text).map_err(|error| format!("{} is no id: {error}.", quoted(&text)))
}

/// What `resourceId` gives for these arguments, of which a subscription and a group may be in front of the
/// type.
pub(crate) fn resource_id(group: &ResourceId, given: &[&str]) -> Result<ResourceId, String> {
    let (front, resource_type, names) = around_type(given)?;
    let subscription = group.subscription().unwrap_or_default();
    let (subscription, name) = match front {
        [] => (subscription, group.name()),
        [name] => (subscription, *name),
        [subscription, name] => (*subscription, *name),
        _ => return Err("in front of the type there can be a subscription and a group.".to_owned()),
    };
    id_of(&format!("/subscriptions/{subscription}/resourceGroups/{name}"), resource_type, names)
}

/// What `subscriptionResourceId` gives.
pub(crate) fn subscription_resource_id(group: &ResourceId, given: &[&str]) -> Result<ResourceId, String> {
    let (front, resource_type, names) = around_type(given)?;
    let subscription = match front {
        [] => group.subscription().unwrap_or_default(),
        [subscription] => subscription,
        _ => return Err("in front of the type there can be a subscription.".to_owned()),
    };
    id_of(&format!("/subscriptions/{subscription}"), resource_type, names)
}

/// What `extensionResourceId` gives.
pub(crate) fn extension_resource_id(given: &[&str]) -> Result<ResourceId, String> {
    match given {
        [scope, resource_type, names @ ..] => id_of(scope, resource_type, names),
        _ => Err("an id, a type and names are needed.".to_owned()),
    }
}

/// What `tenantResourceId` gives.
pub(crate) fn tenant_resource_id(given: &[&str]) -> Result<ResourceId, String> {
    match given {
        [resource_type, names @ ..] => id_of("", resource_type, names),
        _ => Err("a type and names are needed.".to_owned()),
    }
}

type AroundType<'g> = (&'g [&'g str], &'g str, &'g [&'g str]);

/// The type is the first one with a slash.
fn around_type<'g>(given: &'g [&'g str]) -> Result<AroundType<'g>, String> {
    let at = given.iter().position(|text| text.contains('/'));
    let at = at.ok_or("an argument has to be a type: Namespace/type.")?;
    Ok((&given[..at], given[at], &given[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> ResourceId {
        ResourceId::parse("/subscriptions/s/resourceGroups/g").expect("an id")
    }

    #[test]
    fn ids_are_made_as_documented() {
        let id = |given: &[&str]| resource_id(&group(), given).map(|id| id.to_string());
        let of_group = "/subscriptions/s/resourceGroups/g/providers";
        assert_eq!(id(&["A.B/c", "n"]), Ok(format!("{of_group}/A.B/c/n")));
        assert_eq!(id(&["A.B/c/d", "n", "m"]), Ok(format!("{of_group}/A.B/c/n/d/m")));
        let other = "/subscriptions/s/resourceGroups/other/providers/A.B/c/n";
        assert_eq!(id(&["other", "A.B/c", "n"]), Ok(other.to_owned()));
        let all = "/subscriptions/t/resourceGroups/other/providers/A.B/c/n";
        assert_eq!(id(&["t", "other", "A.B/c", "n"]), Ok(all.to_owned()));
        let of_subscription = subscription_resource_id(&group(), &["A.B/c", "n"]).map(|id| id.to_string());
        assert_eq!(of_subscription, Ok("/subscriptions/s/providers/A.B/c/n".to_owned()));
        let of_tenant = tenant_resource_id(&["A.B/c", "n"]).map(|id| id.to_string());
        assert_eq!(of_tenant, Ok("/providers/A.B/c/n".to_owned()));
        let extension = extension_resource_id(&[all, "X.Y/locks", "l"]).map(|id| id.to_string());
        assert_eq!(extension, Ok(format!("{all}/providers/X.Y/locks/l")));
        let old = id(&["A.B/c/providers/locks", "n", "X.Y", "l"]);
        assert_eq!(old, Ok(format!("{of_group}/A.B/c/n/providers/X.Y/locks/l")));
    }

    #[test]
    fn types_and_names_have_to_fit() {
        for (given, expected) in [
            (&["n"][..], "has to be a type"),
            (&["A.B/c"], "needs 1 names"),
            (&["A.B/c", "n", "m"], "needs 1 names"),
            (&["A.B/c", ""], "is empty"),
            (&["A.B/", "n"], "is no type"),
            (&["A.B/c", "a%b"], "is no id"),
            (&["a", "b", "d", "A.B/c", "n"], "a subscription and a group"),
        ] {
            let error = resource_id(&group(), given).expect_err("wrong");
            assert!(error.contains(expected), "{given:?}: {error}");
        }
    }
}
