//! What has to be different every time: ids and secrets, from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The operating system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(String);

/// Draws so many bytes.
///
/// # Errors
/// `NoRandomness`.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// Draws a random UUID (RFC 9562, version 4).
///
/// # Errors
/// `NoRandomness`.
pub(crate) fn uuid() -> Result<String, NoRandomness> {
    let mut bytes: [u8; 16] = bytes()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Draws a secret of 256 bits, as text that survives shells, forms and URLs: a hyphen in front would look
/// like an option.
///
/// # Errors
/// `NoRandomness`.
pub(crate) fn secret() -> Result<String, NoRandomness> {
    Ok(format!("s{}", URL_SAFE_NO_PAD.encode(bytes::<32>()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_secrets_have_their_form() {
        assert!(isobar_arm::names::is_guid(&uuid().unwrap()));
        assert_ne!(uuid().unwrap(), uuid().unwrap());
        assert_eq!(secret().unwrap().len(), 44);
    }
}
