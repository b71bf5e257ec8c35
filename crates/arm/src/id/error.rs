//! What can be wrong with an id.

use crate::error::ArmError;
use crate::limits::{ID_BYTES_MAX, ID_SEGMENTS_MAX};

/// What is wrong with an id. The same text is wrong every time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdError {
    /// No slash in front.
    #[error("a resource id begins with '/': '{0}' does not")]
    NoSlash(String),
    /// Too many bytes.
    #[error("a resource id has at most {max} bytes, not {0}", max = ID_BYTES_MAX)]
    TooLong(usize),
    /// Too many segments.
    #[error("a resource id has at most {max} segments", max = ID_SEGMENTS_MAX)]
    TooManySegments,
    /// A segment with something in it that no id has.
    #[error("'{segment}' in a resource id {why}")]
    Segment {
        /// The segment.
        segment: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something stands where a block has to begin.
    #[error("'{0}' in a resource id stands where 'providers' has to be")]
    NoProviders(String),
    /// An id that ends with `providers`.
    #[error("a resource id ends after 'providers': a namespace, a type and a name have to follow")]
    NoNamespace,
    /// An id that ends with a namespace.
    #[error("a resource id ends after the namespace '{0}': a type and a name have to follow")]
    NoType(String),
    /// An id that ends with a type.
    #[error("a resource id ends after the type '{0}': a name has to follow")]
    NoName(String),
    /// A path that was to end with a type, and does not.
    #[error("'{0}' is one resource and no collection: a type has to follow")]
    NoCollection(String),
}

impl From<IdError> for ArmError {
    fn from(error: IdError) -> ArmError {
        ArmError::new(400, "InvalidResourceId", format!("The resource id is invalid: {error}."))
    }
}
