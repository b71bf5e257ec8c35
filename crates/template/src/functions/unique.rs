//! Names that follow from other names: `uniqueString` and `guid`. Both give what Azure gives, so that a
//! template names the same things here and there.
//!
//! - `uniqueString`: a 64-bit variant of MurmurHash3 made of its two 32-bit lanes, as 13 digits of base 32.
//! - `guid`: a UUID of version 5 (RFC 9562) in the namespace that the public reference of `guid` names.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use serde_json::json;

use super::{ANY, Arguments, Function};

pub(super) const TABLE: &[Function] = &[
    Function::of("uniqueString", (1, ANY), |a| Ok(json!(unique_string(&joined(a)?)))),
    Function::of("guid", (1, ANY), |a| Ok(json!(guid_of(&joined(a)?)))),
];

/// 11fb06fb-712d-4ddd-98c7-e71bbd588830.
const NAMESPACE: [u8; 16] =
    [0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30];

fn joined(arguments: &Arguments<'_>) -> Result<String, String> {
    let texts: Result<Vec<&str>, String> = (0..arguments.0.len()).map(|at| arguments.text(at)).collect();
    Ok(texts?.join("-"))
}

/// The UUID of a name.
pub(crate) fn guid_of(name: &str) -> String {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(&NAMESPACE);
    context.update(name.as_bytes());
    let digest = context.finish();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, of_digest)| *byte = *of_digest);
    // The version and the variant, at their places.
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn unique_string(text: &str) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = hash(text.as_bytes());
    // The highest five bits first; the last digit has the lowest four and a zero.
    let digit = |at: u32| DIGITS[usize::try_from((hash << (5 * at)) >> 59).unwrap_or(0)] as char;
    (0..13).map(digit).collect()
}

const C1: u32 = 0x239b_961b;
const C2: u32 = 0xab0e_9789;

fn mixed_1(bytes: &[u8]) -> u32 {
    word(bytes).wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

fn mixed_2(bytes: &[u8]) -> u32 {
    word(bytes).wrapping_mul(C2).rotate_left(17).wrapping_mul(C1)
}

/// Up to four bytes, the lowest first.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn finished(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

fn hash(bytes: &[u8]) -> u64 {
    let (mut one, mut two) = (0_u32, 0_u32);
    let blocks = bytes.chunks_exact(8);
    let tail = blocks.remainder();
    for block in blocks {
        one = (one ^ mixed_1(&block[..4])).rotate_left(19).wrapping_add(two);
        one = one.wrapping_mul(5).wrapping_add(0x561c_cd1b);
        two = (two ^ mixed_2(&block[4..])).rotate_left(13).wrapping_add(one);
        two = two.wrapping_mul(5).wrapping_add(0x0bca_a747);
    }
    // Of nothing both are 0, which changes nothing.
    one ^= mixed_1(tail);
    two ^= mixed_2(tail.get(4..).unwrap_or_default());
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    one = (one ^ length).wrapping_add(two ^ length);
    two = (two ^ length).wrapping_add(one);
    let (one, two) = (finished(one), finished(two));
    let one = one.wrapping_add(two);
    let two = two.wrapping_add(one);
    u64::from(two) << 32 | u64::from(one)
}
