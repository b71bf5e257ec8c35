//! What the table says about namespaces: their types and actions.

use isobar_arm::ApiVersion;

use super::operation::{Display, Operation};

/// All operations, to look something up in.
pub(crate) struct Catalog(Vec<&'static Operation>);

/// An action: what a role allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Action {
    /// Its name.
    pub name: &'static str,
    /// What people are told about it.
    pub display: Display,
}

/// A type of a namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ResourceType {
    /// Without the namespace.
    pub name: &'static str,
    /// The versions that it has, the newest first.
    pub versions: Vec<ApiVersion>,
    /// Whether its resources have a location and tags.
    pub tracked: bool,
}

/// Namespace and type of an action.
fn parts(action: &'static str) -> Option<(&'static str, &'static str)> {
    let (namespace, rest) = action.split_once('/')?;
    let (kind, verb) = rest.rsplit_once('/')?;
    // `clusters/listSecrets/action` is an action of `clusters`.
    let kind = if verb == "action" { kind.rsplit_once('/').map_or("", |(kind, _)| kind) } else { kind };
    Some((namespace, kind))
}

impl Catalog {
    /// Of a table.
    pub(crate) fn new(operations: impl IntoIterator<Item = &'static Operation>) -> Catalog {
        Catalog(operations.into_iter().collect())
    }

    /// All operations.
    pub(crate) fn operations(&self) -> &[&'static Operation] {
        &self.0
    }

    /// All namespaces, by name.
    pub(crate) fn namespaces(&self) -> Vec<&'static str> {
        let of = |operation: &&'static Operation| parts(operation.action).map(|(namespace, _)| namespace);
        let mut namespaces: Vec<_> = self.0.iter().filter_map(of).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        namespaces
    }

    /// The namespace of this name, as it is written.
    pub(crate) fn namespace(&self, name: &str) -> Option<&'static str> {
        self.namespaces().into_iter().find(|namespace| namespace.eq_ignore_ascii_case(name))
    }

    /// The actions of a namespace, by name.
    pub(crate) fn actions(&self, namespace: &str) -> Vec<Action> {
        let of_namespace = self.0.iter().filter(|operation| {
            parts(operation.action).is_some_and(|(of, _)| of.eq_ignore_ascii_case(namespace))
        });
        let mut actions: Vec<Action> = of_namespace
            .map(|operation| Action { name: operation.action, display: operation.display })
            .collect();
        actions.sort_by_key(|action| action.name);
        actions.dedup_by_key(|action| action.name);
        actions
    }

    /// The types of a namespace, by name.
    pub(crate) fn types(&self, namespace: &str) -> Vec<ResourceType> {
        let mut types: Vec<ResourceType> = Vec::new();
        for operation in &self.0 {
            let Some((of, name)) = parts(operation.action) else { continue };
            if !of.eq_ignore_ascii_case(namespace) {
                continue;
            }
            let at = types.iter().position(|other| other.name.eq_ignore_ascii_case(name));
            let at = at.unwrap_or_else(|| {
                types.push(ResourceType { name, versions: Vec::new(), tracked: false });
                types.len() - 1
            });
            types[at].versions.extend(operation.versions.told());
            types[at].tracked |= operation.tracked;
        }
        for of in &mut types {
            of.versions.sort_unstable_by(|a, b| b.cmp(a));
            of.versions.dedup();
        }
        types.sort_by_key(|of| of.name);
        types
    }

    /// The type that an operation belongs to, without its namespace.
    pub(crate) fn type_of(operation: &'static Operation) -> &'static str {
        parts(operation.action).map_or("", |(_, kind)| kind)
    }

    /// The namespace that an operation belongs to.
    pub(crate) fn namespace_of(operation: &'static Operation) -> &'static str {
        parts(operation.action).map_or("", |(namespace, _)| namespace)
    }
}
