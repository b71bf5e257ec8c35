//! The file system as front ends see it: every call is made by somebody, and POSIX says what they may do.
//!
//! ```text
//! front end (FUSE, and others) ─► Vfs ─► client
//!                                  ├─ permission   who may do what
//!                                  ├─ acl, acls    access control lists
//!                                  ├─ setid        when set-id bits go
//!                                  ├─ locks        waiting for them
//!                                  └─ path         whole paths, directories and files
//! ```
//! Start reading at [`Vfs`]. [`Checks`] says who judges permissions: a kernel that has the attributes does so
//! itself before it asks, and is not asked to pay for it twice; everybody else leaves it to this crate. The
//! client below knows nothing of permissions and trusts its caller.
//!
//! Calls named `try_…` never wait and may be made from any thread; all others run within the client's
//! runtime.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod acl;
mod acls;
mod create;
mod credentials;
mod data;
mod file;
mod lock_queue;
mod locks;
mod names;
mod path;
mod permission;
mod setid;
mod vfs;
mod xattrs;

pub use acl::is_list;
pub use acls::NewMode;
pub use create::Opened;
pub use credentials::Credentials;
pub use data::{Allocation, WriteIntent};
pub use file::File;
pub use permission::Access;
pub use vfs::{Checks, Vfs};

/// What a call gives.
pub type Result<T> = std::result::Result<T, isobar_base::Errno>;
