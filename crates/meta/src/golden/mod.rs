//! Formats, frozen. A test that fails here means that existing state or an existing log could not be read any
//! more: add a format version and a decoder for the old one instead of changing the bytes.
//!
//! [`values`] has a line for each kind of stored value and of key, [`log`] one for each operation, reply and
//! refusal: these are stored as the wire has them, and so the wire's encoding of them is frozen, too.

mod log;
mod values;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares what is encoded today with what was.
#[track_caller]
fn assert_frozen(today: Vec<(&str, Vec<u8>)>, frozen: &[(&str, &str)]) {
    let today: Vec<(&str, String)> = today.into_iter().map(|(what, bytes)| (what, hex(&bytes))).collect();
    let frozen: Vec<(&str, String)> = frozen.iter().map(|&(what, bytes)| (what, bytes.to_owned())).collect();
    assert_eq!(today, frozen);
}
