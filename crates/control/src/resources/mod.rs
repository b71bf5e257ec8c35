//! The operations, a file for each kind of resource: rows of the table, and the functions that carry them
//! out.

pub(crate) mod activity_log;
pub(crate) mod audit_entries;
pub(crate) mod cluster_places;
pub(crate) mod clusters;
pub(crate) mod credentials;
pub(crate) mod deployments;
pub(crate) mod description;
pub(crate) mod directory;
pub(crate) mod group_deletion;
pub(crate) mod groups;
pub(crate) mod locations;
pub(crate) mod locks;
pub(crate) mod login;
pub(crate) mod metadata;
pub(crate) mod metrics;
pub(crate) mod nodes;
pub(crate) mod operation_status;
mod places;
pub(crate) mod provider_operations;
pub(crate) mod providers;
pub(crate) mod reservations;
pub(crate) mod resource_lists;
pub(crate) mod role_assignments;
pub(crate) mod role_definitions;
pub(crate) mod scopes;
pub(crate) mod subscriptions;
pub(crate) mod tags;
pub(crate) mod validations;
mod versions;
