//! Ids of operations: random UUIDs (RFC 9562, version 4), as text.

use crate::environment::Random;
use crate::error::WorkflowError;

/// Draws one.
///
/// # Errors
/// `Random`.
pub(crate) fn uuid(random: &dyn Random) -> Result<String, WorkflowError> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes).map_err(WorkflowError::Random)?;
    // The version and the variant, at their places.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn an_id_is_a_uuid_of_version_4() {
        assert_eq!(uuid(&Always(0)).unwrap(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(&Always(0xff)).unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
