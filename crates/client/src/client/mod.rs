//! The whole file system as calls: what the FUSE front end and every other one are made of.
//!
//! | file | calls |
//! |---|---|
//! | `core` | the client itself, and what all calls share |
//! | `connect` | the life of a client |
//! | `lookup` | names, attributes and lists, as they are |
//! | `change` | changes of names and attributes |
//! | `xattrs` | extended attributes |
//! | `delegated` | the same in directories delegated to this client, without waiting for anybody |
//! | `delegations` | how directories are delegated to it, and given up |
//! | `data` | open files |
//! | `locks` | fcntl and flock locks |
//! | `statfs` | room and counts |
//! | `background` | what it does unasked |

mod background;
mod change;
mod connect;
mod core;
mod data;
mod delegated;
mod delegations;
mod locks;
mod lookup;
mod statfs;
mod xattrs;

pub use core::{Client, Created, OpenDirectory, OpenFile, Result};
pub use statfs::StatFs;
