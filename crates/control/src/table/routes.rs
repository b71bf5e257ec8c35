//! From a request's method and path to an operation.

use isobar_arm::{Collection, IdError, ResourceId};

use super::method::Method;
use super::operation::Operation;
use super::template::Template;

/// The values of a path's parameters.
#[derive(Clone, Default, Debug)]
pub(crate) struct Params(Vec<(&'static str, String)>);

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Found {
    /// An operation, by its number in the table.
    Operation {
        /// The number.
        at: usize,
        /// The values of its parameters.
        params: Params,
        /// What it is about: a resource, the one that a list is in, or the scope of an extension.
        target: ResourceId,
    },
    /// A path of an operation with something in it that no id has.
    Invalid(IdError),
    /// The path has other methods.
    OtherMethods(Vec<Method>),
    /// Nothing.
    Nothing,
}

/// All paths.
pub(crate) struct Routes(Vec<(Template, Method)>);

impl Params {
    /// A parameter; "" when the path has none of that name.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// A parameter, if the path has it.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

impl Routes {
    /// Those of a table.
    pub(crate) fn new(operations: impl IntoIterator<Item = &'static Operation>) -> Routes {
        let route = |operation: &'static Operation| (Template::parse(operation.path), operation.method);
        Routes(operations.into_iter().map(route).collect())
    }

    /// What a path leads to. `method` is `None` for one that no operation has.
    pub(crate) fn find(&self, method: Option<Method>, path: &[String]) -> Found {
        let fitting = || {
            let routes = self.0.iter().enumerate();
            routes.filter_map(|(at, (template, of))| Some((at, template, *of, template.fits(path)?)))
        };
        let best = fitting().map(|(_, template, ..)| template.exactness()).max();
        let mut others = Vec::new();
        for (at, template, of, (params, front)) in fitting() {
            if Some(template.exactness()) != best {
                continue;
            }
            if Some(of) != method {
                others.push(of);
                continue;
            }
            let params = Params(params.into_iter().map(|(name, value)| (name, value.to_owned())).collect());
            return match target(template, path, front, &params) {
                Ok(target) => Found::Operation { at, params, target },
                // What has nothing wrong in its segments is just no id.
                Err(IdError::Segment { segment, why }) => Found::Invalid(IdError::Segment { segment, why }),
                Err(_) => Found::Nothing,
            };
        }
        others.sort_unstable();
        others.dedup();
        if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
    }
}

/// What a path is about.
fn target(
    template: &Template,
    path: &[String],
    front: usize,
    params: &Params,
) -> Result<ResourceId, IdError> {
    if template.scoped {
        return ResourceId::parse(&format!("/{}", path[..front].join("/")));
    }
    let all = format!("/{}", path.join("/"));
    let exact = ResourceId::parse(&all).or_else(|_| Collection::parse(&all).map(|of| of.within));
    exact.or_else(|_| {
        let mut scope = String::from("/");
        if let Some(subscription) = params.find("subscriptionId") {
            scope.push_str(&format!("subscriptions/{subscription}"));
        }
        if let Some(group) = params.find("resourceGroupName") {
            scope.push_str(&format!("/resourceGroups/{group}"));
        }
        ResourceId::parse(&scope)
    })
}

#[cfg(test)]
mod tests {
    use super::super::template::read_path;
    use super::*;

    const TABLE: &[Operation] = &[
        Operation::get("a", "/subscriptions/{subscriptionId}/providers/{ns}"),
        Operation::get("b", "/subscriptions/{subscriptionId}/providers/A.B/things/{name}"),
        Operation::put("c", "/subscriptions/{subscriptionId}/providers/A.B/things/{name}"),
        Operation::get("d", "/{scope}/providers/A.B/locks/{name}"),
        Operation::get("e", "/subscriptions/{subscriptionId}/locations"),
        Operation::delete("f", "/{scope}/providers/A.B/{kind}/{name}"),
    ];

    fn find(method: Method, path: &str) -> Found {
        Routes::new(TABLE).find(Some(method), &read_path(path).expect("a path"))
    }

    fn target(path: &str) -> (&'static str, String) {
        match find(Method::Get, path) {
            Found::Operation { at, target, .. } => (TABLE[at].id, target.to_string()),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_path_leads_to_an_operation_and_says_what_it_is_about() {
        assert_eq!(target("/subscriptions/s/providers/X"), ("a", "/subscriptions/s".to_owned()));
        let thing = "/subscriptions/s/providers/A.B/things/t";
        assert_eq!(target(thing), ("b", thing.to_owned()));
        assert_eq!(target("/subscriptions/s/locations/"), ("e", "/subscriptions/s".to_owned()));
    }

    #[test]
    fn an_extension_is_about_its_scope() {
        for scope in ["/", "/subscriptions/s", "/subscriptions/s/resourceGroups/g/providers/X.Y/c/1"] {
            let path = format!("{scope}//providers/a.b/locks/l");
            assert_eq!(target(&path), ("d", scope.to_owned()));
        }
        assert!(matches!(find(Method::Get, "/nonsense/providers/A.B/locks/l"), Found::Nothing));
    }

    #[test]
    fn a_path_with_another_method_says_which_it_has() {
        let Found::OtherMethods(methods) = find(Method::Patch, "/subscriptions/s/providers/A.B/things/t")
        else {
            panic!("other methods")
        };
        assert_eq!(methods, [Method::Get, Method::Put]);
        assert!(matches!(find(Method::Get, "/nothing/at/all"), Found::Nothing));
    }
}
