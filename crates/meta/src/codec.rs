//! How values become bytes: a format version, then postcard.

use postcard::ser_flavors::Flavor;
use serde::{Serialize, de::DeserializeOwned};

/// Version of every value's format. A changed format gets the next number and a decoder for the old.
const FORMAT_VERSION: u8 = 1;

/// A postcard sink behind bytes that are there already.
struct Sink(Vec<u8>);

impl Flavor for Sink {
    type Output = Vec<u8>;
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// Values up to this size are encoded on the stack first, so that what is kept is as long as it must be.
const SMALL_VALUE_BYTES: usize = 256;

/// The bytes to store for `value`.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut small = [0; SMALL_VALUE_BYTES];
    small[0] = FORMAT_VERSION;
    if let Ok(used) = postcard::to_slice(value, &mut small[1..]) {
        let len = 1 + used.len();
        return small[..len].to_vec();
    }
    encode_versioned(FORMAT_VERSION, 2 * SMALL_VALUE_BYTES, value)
}

/// Postcard of `value` behind a version byte.
pub(crate) fn encode_versioned<T: Serialize + ?Sized>(version: u8, room: usize, value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(room + 1);
    bytes.push(version);
    match postcard::serialize_with_flavor(value, Sink(bytes)) {
        Ok(bytes) => bytes,
        Err(error) => panic!("a value of the state cannot be encoded: {error}"),
    }
}

/// The value that was stored.
///
/// # Panics
/// When the bytes were not written by [`encode`]: the state is damaged or newer than this program, and
/// going on would make replicas differ (I11).
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    match bytes.split_first() {
        Some((&FORMAT_VERSION, rest)) => match postcard::from_bytes(rest) {
            Ok(value) => value,
            Err(error) => panic!("I11: a {} in the state is damaged: {error}", std::any::type_name::<T>()),
        },
        other => panic!(
            "I11: a {} in the state has format {:?}, this program knows {FORMAT_VERSION}",
            std::any::type_name::<T>(),
            other.map(|(version, _)| version)
        ),
    }
}
