//! Bounds on what a server, or a file, can make grow.

use std::time::Duration;

pub use isobar_https::limits::{ANSWER_BYTES_MAX, PAUSE};

/// How often a request is sent while the server says that too much is going on.
pub const TRIES_MAX: u32 = 8;
/// Pages of a list.
pub const PAGES_MAX: u32 = 10_000;
/// How long an operation is waited for.
pub const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long a server may be away while an operation is waited for.
pub const AWAY_MAX: Duration = Duration::from_secs(60);
/// Bytes of a profile.
pub const PROFILE_BYTES_MAX: u64 = 1 << 20;
/// A token that is good for less than this is renewed before it is used.
pub const TOKEN_LEFT_MIN: Duration = Duration::from_secs(120);
/// How deep the objects of a body are looked into for options.
pub const FIELD_DEPTH_MAX: usize = 8;
