//! Who may do what: roles, and the rights that their assignments give. Whatever is not allowed is denied.
//!
//! An assignment gives a role to a principal at a scope: the tenant, a subscription, a group, a resource. It
//! holds for everything within the scope. A role allows actions by patterns, less those of its `notActions`;
//! what one role takes out another one may allow.

mod rights;
mod roles;

pub(crate) use rights::{ASSIGNMENT_KIND, Rights};
pub(crate) use roles::{OWNER, ROLES, Role};
