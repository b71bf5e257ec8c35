//! Bounds on everything that a template can make grow. Where ARM has one, it is ARM's.

/// Bytes of an expression, brackets and all.
pub const EXPRESSION_BYTES_MAX: usize = 24_576;
/// Calls, indexes and members inside each other in an expression.
pub const EXPRESSION_DEPTH_MAX: usize = 64;
/// Arguments of a call.
pub const ARGUMENTS_MAX: usize = 1000;
/// Values, expressions and variables that are being worked out inside each other.
pub const EVALUATION_DEPTH_MAX: usize = 256;
/// Lists and objects inside each other in what an expression gives.
pub const VALUE_DEPTH_MAX: usize = 100;
/// Bytes of everything that is worked out to read a template with its values, for the body of one resource,
/// or for all outputs.
pub const EVALUATION_BYTES_MAX: u64 = 128 << 20;
/// Bytes of what `replace`, `split`, `join` or `format` makes.
pub const TEXT_BYTES_MAX: usize = 16 << 20;
/// Bytes of all delimiters of a `split`.
pub const DELIMITERS_BYTES_MAX: usize = 256;
/// Items that `range` makes.
pub const RANGE_ITEMS_MAX: i64 = 10_000;
/// Characters that `padLeft` makes.
pub const PADDED_CHARS_MAX: i64 = 16_384;

/// Parameters of a template.
pub const PARAMETERS_MAX: usize = 256;
/// Variables of a template.
pub const VARIABLES_MAX: usize = 256;
/// Outputs of a template.
pub const OUTPUTS_MAX: usize = 64;
/// Resources of a template, copies counted one by one.
pub const RESOURCES_MAX: usize = 800;
/// Resources inside each other in a template.
pub const RESOURCE_DEPTH_MAX: usize = 5;
/// Copies that one loop makes.
pub const COPIES_MAX: u64 = 800;
/// What one resource depends on, as it is written.
pub const DEPENDS_ON_MAX: usize = 800;
/// Resources that the expressions of one resource, or of all outputs, refer to.
pub const REFERENCES_MAX: usize = 200;
/// Changes that the difference of two documents lists.
pub const CHANGES_MAX: usize = 1000;
