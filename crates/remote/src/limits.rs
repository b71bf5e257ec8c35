//! Bounds on what a server, or a file, can make grow.

use std::time::Duration;

/// How long connecting and the TLS handshake may take.
pub const CONNECT_MAX: Duration = Duration::from_secs(15);
/// How long an answer may take; servers give up earlier.
pub const ANSWER_MAX: Duration = Duration::from_secs(120);
/// Bytes of an answer.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Bytes of the head of an answer.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// How often a request is sent while the server says that too much is going on.
pub const TRIES_MAX: u32 = 8;
/// The longest that is waited between two tries or two looks, whatever the server says.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long is waited between two where the server does not say.
pub const PAUSE: Duration = Duration::from_secs(2);
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
