//! Strings: JSON's, and line ends and tabs as they are.

use super::Wrong;

/// Reads the string that begins at a quote: what it means, and where it ends.
pub(super) fn read(text: &str, quote: usize) -> Result<(String, usize), Wrong> {
    let mut value = String::new();
    let mut at = quote + 1;
    loop {
        let rest = &text[at..];
        let special = |c: char| c == '"' || c == '\\' || c < ' ' && !matches!(c, '\n' | '\r' | '\t');
        let Some(plain) = rest.find(special) else {
            return Err((quote, "a string without its end".to_owned()));
        };
        value.push_str(&rest[..plain]);
        at += plain;
        match text.as_bytes()[at] {
            b'"' => return Ok((value, at + 1)),
            b'\\' => {
                let (meant, end) = escape(text, at)?;
                value.push(meant);
                at = end;
            }
            _ => return Err((at, "a control character in a string: write it as \\u00..".to_owned())),
        }
    }
}

/// Reads the escape that begins at a backslash: the character that is meant, and where it ends.
fn escape(text: &str, backslash: usize) -> Result<(char, usize), Wrong> {
    let end = backslash + 2;
    let meant = match text.as_bytes().get(backslash + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text, backslash),
        _ => return Err((backslash, "an unknown escape after a backslash".to_owned())),
    };
    Ok((meant, end))
}

/// Reads `\uXXXX`, or two of them that mean one character.
fn unicode(text: &str, backslash: usize) -> Result<(char, usize), Wrong> {
    let wrong = |what: &str| (backslash, what.to_owned());
    let first = unit(text, backslash).ok_or_else(|| wrong("four hexadecimal digits have to follow \\u"))?;
    let mut units = vec![first];
    let mut end = backslash + 6;
    if (0xd800..0xdc00).contains(&first) {
        units.extend(unit(text, end));
        end += 6;
    }
    match char::decode_utf16(units).collect::<Result<Vec<char>, _>>() {
        Ok(chars) if chars.len() == 1 => Ok((chars[0], end)),
        _ => Err(wrong("half a character: \\uD8.. to \\uDB.. and \\uDC.. to \\uDF.. go together")),
    }
}

/// The number of a `\uXXXX`.
fn unit(text: &str, backslash: usize) -> Option<u16> {
    let digits = text.get(backslash..backslash + 6)?.strip_prefix("\\u")?;
    let all_digits = digits.bytes().all(|b| b.is_ascii_hexdigit());
    all_digits.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}
