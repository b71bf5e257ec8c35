//! Bounds on everything that a client can send, in one place.
//!
//! What has no limit here has one that follows from these: a body is at most [`REQUEST_BYTES_MAX`] long, so
//! is each list in it.

/// Bytes of a resource id.
pub const ID_BYTES_MAX: usize = 2048;
/// Segments of a resource id.
pub const ID_SEGMENTS_MAX: usize = 64;
/// Bytes of one segment of a resource id: the longest names have 260 characters or fewer.
pub const ID_SEGMENT_BYTES_MAX: usize = 512;

/// Bytes of a request's body. ARM takes 4 MB.
pub const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Lists and objects inside each other in a body: as many as `serde_json` reads.
pub const JSON_DEPTH_MAX: usize = 127;
/// Wrong fields that are listed one by one; the others are counted.
pub const PROBLEMS_MAX: usize = 100;

/// Characters of an error's message.
pub const MESSAGE_CHARS_MAX: usize = 2000;
/// Characters of something that a client sent, where a message repeats it.
pub const QUOTED_CHARS_MAX: usize = 120;

/// Tags of one resource.
pub const TAGS_MAX: usize = 50;
/// Characters of a tag's name.
pub const TAG_NAME_CHARS_MAX: usize = 512;
/// Characters of a tag's value.
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Availability zones of one resource.
pub const ZONES_MAX: usize = 16;
/// Characters of a location's name.
pub const LOCATION_CHARS_MAX: usize = 64;

/// Items on a page, whatever `$top` asks for.
pub const PAGE_ITEMS_MAX: u32 = 1000;
/// Items on a page when `$top` is not given.
pub const PAGE_ITEMS_DEFAULT: u32 = 200;
/// Bytes of a `$skipToken`: the longest key in hexadecimal digits, and its check.
pub const SKIP_TOKEN_BYTES_MAX: usize = 2 * ID_BYTES_MAX + 16;

/// Bytes of a `$filter`.
pub const FILTER_BYTES_MAX: usize = 4096;
/// Conditions of a `$filter`.
pub const FILTER_CONJUNCTS_MAX: usize = 16;

/// Bytes of `If-Match` or `If-None-Match`.
pub const CONDITION_BYTES_MAX: usize = 4096;

/// Characters of a time or a duration in text.
pub const TIME_CHARS_MAX: usize = 64;
/// Characters that are ever compared with a pattern.
pub const PATTERN_CHARS_MAX: usize = 1024;
