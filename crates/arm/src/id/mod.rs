//! Resource ids: `/subscriptions/S/resourceGroups/G/providers/NS/TYPE/NAME/CHILDTYPE/CHILDNAME`.
//!
//! An id is a scope (the tenant `/`, a subscription, a resource group) and, below it, any number of blocks
//! `/providers/NAMESPACE/TYPE/NAME[/TYPE/NAME]…`. The first block is a resource with its parents; one that
//! follows another is an *extension* of what stands before it (a lock, a role assignment). A block has at
//! least one type, so that `providers` right after a namespace is a type and not the next block.
//!
//! Ids are compared without regard to case, by [`ResourceId::key`]; what is displayed keeps the case of
//! names, and has `subscriptions`, `resourceGroups` and `providers` as ARM writes them. Doubled slashes and
//! one at the end mean nothing: real clients send them. Percent signs are refused, because decoding is the
//! caller's and must not happen twice. Reading is in `parse`.

mod error;
mod parse;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::ArmError;

pub use error::IdError;

/// The namespace of subscriptions, resource groups and deployments.
const RESOURCES: &str = "Microsoft.Resources";

/// `/providers/NAMESPACE` and what follows it, up to the next block. There is at least one pair.
#[derive(Clone, Debug)]
struct Block {
    namespace: String,
    /// Types and names.
    pairs: Vec<(String, String)>,
}

/// The id of a resource, or of a scope that holds resources.
#[derive(Clone, Debug)]
pub struct ResourceId {
    subscription: Option<String>,
    group: Option<String>,
    blocks: Vec<Block>,
    key: String,
}

/// All resources of a type below something: what a list asks for, and what an action looks like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
    /// The parent resource or the scope: a collection of children is below their parent.
    pub within: ResourceId,
    /// Namespace and types: `Isobar.Storage/clusters/nodes`.
    pub resource_type: String,
}

impl Collection {
    /// Reads a path that ends with a type, or with an action, which looks the same.
    ///
    /// # Errors
    /// The path is an id, or nothing that could be continued to one.
    pub fn parse(path: &str) -> Result<Collection, IdError> {
        let (parts, open) = parse::path(path)?;
        let within = ResourceId::from_parts(parts);
        match open {
            Some(open) => Ok(Collection { resource_type: open.resource_type, within }),
            None => Err(IdError::NoCollection(within.to_string())),
        }
    }
}

impl ResourceId {
    /// Reads an id.
    ///
    /// # Errors
    /// See [`IdError`].
    pub fn parse(text: &str) -> Result<ResourceId, IdError> {
        match parse::path(text)? {
            (parts, None) => Ok(ResourceId::from_parts(parts)),
            (_, Some(open)) => Err(IdError::NoName(open.last)),
        }
    }

    /// The scope of everything: `/`.
    pub fn tenant() -> ResourceId {
        ResourceId::from_parts(parse::Parts::default())
    }

    fn from_parts(parts: parse::Parts) -> ResourceId {
        let parse::Parts { subscription, group, blocks } = parts;
        let mut id = ResourceId { subscription, group, blocks, key: String::new() };
        id.key = id.to_string().to_lowercase();
        id
    }

    /// The resource `kind`/`name` of a namespace directly in this scope; an extension where this is a
    /// resource.
    ///
    /// # Errors
    /// A part that cannot be in an id.
    pub fn resource(&self, namespace: &str, kind: &str, name: &str) -> Result<ResourceId, IdError> {
        let [namespace, kind, name] = [namespace, kind, name].map(str::to_owned);
        parse::check_parts(&[&namespace, &kind], &name)?;
        let mut parts = self.parts();
        parts.blocks.push(Block { namespace, pairs: vec![(kind, name)] });
        ResourceId::parse(&ResourceId::from_parts(parts).to_string())
    }

    /// The child `kind`/`name` of this resource.
    ///
    /// # Errors
    /// A part that cannot be in an id, or this is a scope and no resource.
    pub fn child(&self, kind: &str, name: &str) -> Result<ResourceId, IdError> {
        parse::check_parts(&[kind], name)?;
        let mut parts = self.parts();
        let block = parts.blocks.last_mut().ok_or_else(|| IdError::NoProviders(kind.to_owned()))?;
        block.pairs.push((kind.to_owned(), name.to_owned()));
        ResourceId::parse(&ResourceId::from_parts(parts).to_string())
    }

    fn parts(&self) -> parse::Parts {
        parse::Parts {
            subscription: self.subscription.clone(),
            group: self.group.clone(),
            blocks: self.blocks.clone(),
        }
    }

    /// What ids are compared and looked up by: the canonical text in small letters.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The subscription's id.
    pub fn subscription(&self) -> Option<&str> {
        self.subscription.as_deref()
    }

    /// The resource group's name.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// The namespace; an extension's own. `None` for a tenant, a subscription or a group.
    pub fn namespace(&self) -> Option<&str> {
        self.blocks.last().map(|block| block.namespace.as_str())
    }

    /// Namespace and types, as `Isobar.Storage/clusters/nodes`.
    pub fn resource_type(&self) -> String {
        match (self.blocks.last(), &self.group, &self.subscription) {
            (Some(block), ..) => {
                block.pairs.iter().fold(block.namespace.clone(), |all, (kind, _)| all + "/" + kind)
            }
            (None, Some(_), _) => format!("{RESOURCES}/resourceGroups"),
            (None, None, Some(_)) => format!("{RESOURCES}/subscriptions"),
            (None, None, None) => format!("{RESOURCES}/tenants"),
        }
    }

    /// The last name; empty for the tenant.
    pub fn name(&self) -> &str {
        let named = self.blocks.last().and_then(|block| block.pairs.last()).map(|(_, name)| name.as_str());
        named.or(self.group()).or(self.subscription()).unwrap_or_default()
    }

    /// What this is directly in: the parent resource, or else the scope, the resource that is extended, the
    /// subscription, the tenant. `None` for the tenant.
    pub fn parent(&self) -> Option<ResourceId> {
        let mut parts = self.parts();
        match parts.blocks.last_mut() {
            Some(block) if block.pairs.len() > 1 => drop(block.pairs.pop()),
            Some(_) => drop(parts.blocks.pop()),
            None if parts.group.is_some() => parts.group = None,
            None if parts.subscription.is_some() => parts.subscription = None,
            None => return None,
        }
        Some(ResourceId::from_parts(parts))
    }

    /// What the last block is below: the resource that an extension extends, the group or subscription of any
    /// other resource. `None` for a tenant, a subscription or a group.
    pub fn scope(&self) -> Option<ResourceId> {
        let mut parts = self.parts();
        parts.blocks.pop()?;
        Some(ResourceId::from_parts(parts))
    }

    /// Itself and everything it is in, outwards: where locks and role assignments are looked for.
    pub fn outwards(&self) -> Vec<ResourceId> {
        std::iter::successors(Some(self.clone()), ResourceId::parent).collect()
    }

    /// Whether this is `scope` or below it.
    pub fn is_within(&self, scope: &ResourceId) -> bool {
        let below = self.key.strip_prefix(scope.key.trim_end_matches('/'));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The refusal of a request for this when it is not there.
    pub fn not_found(&self) -> ArmError {
        match (self.blocks.last(), &self.group, &self.subscription) {
            (Some(block), group, _) => {
                let pairs = block.pairs.iter();
                let path =
                    pairs.fold(block.namespace.clone(), |all, (kind, name)| all + "/" + kind + "/" + name);
                ArmError::resource_not_found(&path, group.as_deref())
            }
            (None, Some(group), _) => ArmError::resource_group_not_found(group),
            (None, None, Some(subscription)) => ArmError::subscription_not_found(subscription),
            (None, None, None) => ArmError::not_found("The tenant"),
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.subscription.is_none() && self.blocks.is_empty() {
            return f.write_str("/");
        }
        if let Some(subscription) = &self.subscription {
            write!(f, "/subscriptions/{subscription}")?;
        }
        if let Some(group) = &self.group {
            write!(f, "/resourceGroups/{group}")?;
        }
        for block in &self.blocks {
            write!(f, "/providers/{}", block.namespace)?;
            for (kind, name) in &block.pairs {
                write!(f, "/{kind}/{name}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for ResourceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<ResourceId, IdError> {
        ResourceId::parse(text)
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &ResourceId) -> bool {
        self.key == other.key
    }
}

impl Eq for ResourceId {}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &ResourceId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &ResourceId) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Serialize for ResourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ResourceId, D::Error> {
        let text = String::deserialize(deserializer)?;
        ResourceId::parse(&text).map_err(serde::de::Error::custom)
    }
}
