//! What options are called.
//!
//! - The parameter that names what the command is about is `--name` or `--id`; one that names what that is in
//!   is called after it: `--group`, `--cluster`.
//! - A field is called by its place in the body, without `properties`: `properties.nodeCount` is
//!   `--node-count`. An object's name stands for the object: `sku.name` is `--sku`.

use isobar_remote::description::{Field, Operation, Parameter};

/// Parameters that have one name everywhere.
const SUBSCRIPTION: &str = "subscriptionId";

/// The option of a parameter, and its letter.
pub fn of_parameter(operation: &Operation, parameter: &Parameter) -> (String, Option<char>) {
    let is_own = operation.own_name() == Some(parameter);
    let name = parameter.name.trim_start_matches('$');
    let (long, short) = match name {
        SUBSCRIPTION => ("subscription", None),
        "location" => ("location", Some('l')),
        _ if is_own && name.ends_with("Name") => ("name", Some('n')),
        _ if is_own && name.ends_with("Id") => ("id", None),
        "resourceGroupName" => ("group", Some('g')),
        _ => (name.strip_suffix("Name").or(name.strip_suffix("Id")).unwrap_or(name), None),
    };
    (hyphenated(long), short)
}

/// The option of a field.
pub fn of_field(field: &Field) -> String {
    let path: Vec<&str> = field.path.iter().map(String::as_str).collect();
    let path = path.strip_prefix(&["properties"]).filter(|rest| !rest.is_empty()).unwrap_or(&path);
    let path = match path {
        [before @ .., "name"] if !before.is_empty() => before,
        path => path,
    };
    path.iter().map(|name| hyphenated(name)).collect::<Vec<_>>().join("-")
}

/// `nodeCount` as `node-count`.
fn hyphenated(name: &str) -> String {
    apart(name, '-')
}

/// `nodeCount` as `node count`.
pub fn in_words(name: &str) -> String {
    apart(name, ' ')
}

fn apart(name: &str, between: char) -> String {
    let mut apart = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_uppercase() => {
                let begins = apart.is_empty() || apart.ends_with(between);
                apart.extend((!begins).then_some(between));
                apart.push(c.to_ascii_lowercase());
            }
            c if c.is_ascii_alphanumeric() => apart.push(c),
            _ => apart.push(between),
        }
    }
    apart.trim_matches(between).to_owned()
}

#[cfg(test)]
mod tests {
    use isobar_remote::description::{Description, Kind};
    use serde_json::json;

    use super::*;

    fn names(method: &str, path: &str) -> Vec<String> {
        let in_path = path.split('{').skip(1).map(|part| part.split('}').next().unwrap());
        let parameters: Vec<_> = in_path.map(|name| json!({"name": name, "in": "path"})).collect();
        let described = json!({"x-isobar-command": "a b", "parameters": parameters});
        let document = json!({"paths": {path: {method: described}}});
        let operation = Description::read(&document).operations.remove(0);
        operation.in_path().map(|parameter| of_parameter(&operation, parameter).0).collect()
    }

    #[test]
    fn parameters_are_called_after_what_they_name() {
        const GROUP: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}";
        let of = |method: &str, rest: &str| names(method, &format!("{GROUP}{rest}"))[1..].join(" ");
        assert_eq!(of("get", ""), "name");
        assert_eq!(of("get", "/clusters"), "group");
        assert_eq!(of("put", "/clusters/{clusterName}"), "group name");
        assert_eq!(of("post", "/clusters/{clusterName}/checkHealth"), "group name");
        assert_eq!(of("get", "/clusters/{clusterName}/nodes"), "group cluster");
        assert_eq!(of("post", "/clusters/{clusterName}/nodes/{nodeName}/restart"), "group cluster name");
        assert_eq!(names("post", "/servicePrincipals/{objectId}/addPassword"), ["id"]);
        assert_eq!(names("get", "/subscriptions/{subscriptionId}"), ["subscription"]);
    }

    #[test]
    fn fields_are_called_by_their_places() {
        let of = |path: &str| {
            let path = path.split('.').map(str::to_owned).collect();
            let kind = Kind::Switch;
            of_field(&Field { path, description: String::new(), kind, default: None, required: false })
        };
        for (path, name) in [
            ("properties.nodeCount", "node-count"),
            ("sku.name", "sku"),
            ("name", "name"),
            ("properties.retry.maxTimes", "retry-max-times"),
            ("properties", "properties"),
        ] {
            assert_eq!(of(path), name);
        }
        assert_eq!(in_words("provisioningState"), "provisioning state");
        assert_eq!(in_words("@odata.type"), "odata type");
    }
}
