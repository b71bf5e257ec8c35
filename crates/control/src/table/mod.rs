//! The table of operations: all that is known of them, as data.
//!
//! Everything else that speaks of operations is made of it: routes, the OpenAPI document, lists of operations
//! and permissions, what namespaces say about their types. So they cannot differ. What carries an operation
//! out stands beside it in a [`Row`](crate::handler::Row); nothing here knows of that.
//!
//! | file | what |
//! |---|---|
//! | `operation`, `method`, `command` | one operation, and what people type for it |
//! | `versions` | which versions of the API one takes |
//! | `template` | paths with parameters, and reading paths of requests |
//! | `routes` | from a request's method and path to an operation |
//! | `catalog` | namespaces, their types and actions |

mod catalog;
mod command;
mod method;
mod operation;
mod routes;
mod template;
mod versions;

pub(crate) use catalog::{Catalog, ResourceType};
pub use command::Command;
pub use method::Method;
pub use operation::{Answer, Display, Gate, Operation, Parameter};
pub(crate) use routes::{Found, Params, Routes};
pub(crate) use template::{Segment, Template, read_path};
pub use versions::{NAMESPACE, OUR_NEWEST_VERSION, OUR_VERSIONS, Versions};
