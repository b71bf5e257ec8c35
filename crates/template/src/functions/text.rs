//! Functions of texts. Where a place in a text is counted, it is counted in characters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use super::{ANY, Arguments, Function};
use crate::limits::{DELIMITERS_BYTES_MAX, PADDED_CHARS_MAX, TEXT_BYTES_MAX};
use crate::value::{VALUE_BYTES, text_of};

pub(super) const TABLE: &[Function] = &[
    Function::of("concat", (1, ANY), concat),
    Function::of("toLower", (1, 1), |a| Ok(json!(a.text(0)?.to_lowercase()))),
    Function::of("toUpper", (1, 1), |a| Ok(json!(a.text(0)?.to_uppercase()))),
    Function::of("trim", (1, 1), |a| Ok(json!(a.text(0)?.trim()))),
    Function::of("substring", (2, 3), substring),
    Function::of("replace", (3, 3), replace),
    Function::of("split", (2, 2), split),
    Function::of("join", (2, 2), join),
    Function::of("padLeft", (2, 3), pad_left),
    Function::of("startsWith", (2, 2), |a| Ok(json!(lower(a, 0)?.starts_with(&lower(a, 1)?)))),
    Function::of("endsWith", (2, 2), |a| Ok(json!(lower(a, 0)?.ends_with(&lower(a, 1)?)))),
    Function::of("indexOf", (2, 2), |a| index(a, |text, what| text.find(what))),
    Function::of("lastIndexOf", (2, 2), |a| index(a, |text, what| text.rfind(what))),
    Function::of("uri", (2, 2), uri),
    Function::of("uriComponent", (1, 1), |a| {
        Ok(json!(utf8_percent_encode(a.text(0)?, COMPONENT).to_string()))
    }),
    Function::of("uriComponentToString", (1, 1), |a| {
        let decoded = percent_decode_str(a.text(0)?).decode_utf8();
        decoded.map(|text| json!(text)).map_err(|_| "argument 1 is no encoded text.".to_owned())
    }),
];

/// What stays as it is in a part of a URI (RFC 3986).
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn lower(arguments: &Arguments<'_>, at: usize) -> Result<String, String> {
    Ok(arguments.text(at)?.to_lowercase())
}

/// Refuses to make more than so many bytes.
fn check_bytes(bytes: usize) -> Result<(), String> {
    match bytes {
        0..=TEXT_BYTES_MAX => Ok(()),
        _ => Err(format!("what it makes has more than {TEXT_BYTES_MAX} bytes.")),
    }
}

/// Adds to a text: before there is too much of it, not after.
pub(super) fn push(text: &mut String, more: &str) -> Result<(), String> {
    check_bytes(text.len().saturating_add(more.len()))?;
    text.push_str(more);
    Ok(())
}

/// Joins texts, or lists.
fn concat(arguments: &Arguments<'_>) -> Result<Value, String> {
    if arguments.any(0).is_array() {
        let mut all = Vec::new();
        for at in 0..arguments.0.len() {
            all.extend_from_slice(arguments.list(at)?);
        }
        return Ok(Value::Array(all));
    }
    let mut all = String::new();
    for (at, value) in arguments.0.iter().enumerate() {
        if matches!(value, Value::Array(_) | Value::Object(_) | Value::Null) {
            return Err(arguments.wrong(at, "string, int or bool, as the first one is"));
        }
        all.push_str(&text_of(value));
    }
    Ok(json!(all))
}

fn substring(arguments: &Arguments<'_>) -> Result<Value, String> {
    let text = arguments.text(0)?;
    let chars = text.chars().count();
    let start = usize::try_from(arguments.int(1)?).ok().filter(|start| *start <= chars);
    let start = start.ok_or_else(|| format!("argument 2 has to be 0 to {chars}, the length of the text."))?;
    let left = chars - start;
    let length = match arguments.get(2) {
        None => left,
        Some(_) => {
            let length = usize::try_from(arguments.int(2)?).ok().filter(|length| *length <= left);
            length.ok_or_else(|| format!("argument 3 has to be 0 to {left}, what is left of the text."))?
        }
    };
    Ok(json!(text.chars().skip(start).take(length).collect::<String>()))
}

fn replace(arguments: &Arguments<'_>) -> Result<Value, String> {
    let (text, old, new) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    if old.is_empty() {
        return Err("argument 2 must not be empty.".to_owned());
    }
    let mut replaced = String::new();
    for (at, part) in text.split(old).enumerate() {
        push(&mut replaced, if at > 0 { new } else { "" })?;
        push(&mut replaced, part)?;
    }
    Ok(json!(replaced))
}

fn split(arguments: &Arguments<'_>) -> Result<Value, String> {
    let text = arguments.text(0)?;
    let delimiters: Vec<&str> = match arguments.any(1) {
        Value::String(delimiter) => vec![delimiter],
        Value::Array(delimiters) => {
            let all: Option<Vec<&str>> = delimiters.iter().map(Value::as_str).collect();
            all.ok_or_else(|| arguments.wrong(1, "string, or an array of them"))?
        }
        _ => return Err(arguments.wrong(1, "string, or an array of them")),
    };
    let delimiters: Vec<&str> = delimiters.into_iter().filter(|delimiter| !delimiter.is_empty()).collect();
    if delimiters.iter().map(|delimiter| delimiter.len()).sum::<usize>() > DELIMITERS_BYTES_MAX {
        return Err(format!("the delimiters have more than {DELIMITERS_BYTES_MAX} bytes."));
    }
    let (mut parts, mut begin, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        // Bytes will do: no character begins inside another one.
        let rest = &text.as_bytes()[at..];
        let found = delimiters.iter().filter(|delimiter| rest.starts_with(delimiter.as_bytes()));
        let Some(length) = found.map(|delimiter| delimiter.len()).min() else {
            at += 1;
            continue;
        };
        parts.push(json!(text[begin..at]));
        check_bytes(text.len().saturating_add(parts.len().saturating_mul(VALUE_BYTES as usize)))?;
        at += length;
        begin = at;
    }
    parts.push(json!(text[begin..]));
    Ok(Value::Array(parts))
}

fn join(arguments: &Arguments<'_>) -> Result<Value, String> {
    let items = arguments.list(0)?;
    if items.iter().any(|item| matches!(item, Value::Array(_) | Value::Object(_))) {
        return Err("the items of argument 1 have to be of type string, int or bool.".to_owned());
    }
    let delimiter = arguments.text(1)?;
    let mut joined = String::new();
    for (at, item) in items.iter().enumerate() {
        push(&mut joined, if at > 0 { delimiter } else { "" })?;
        push(&mut joined, &text_of(item))?;
    }
    Ok(json!(joined))
}

fn pad_left(arguments: &Arguments<'_>) -> Result<Value, String> {
    let value = arguments.any(0);
    if !value.is_string() && !value.is_i64() {
        return Err(arguments.wrong(0, "string or int"));
    }
    let text = text_of(value);
    let total = arguments.int(1)?;
    if !(0..=PADDED_CHARS_MAX).contains(&total) {
        return Err(format!("argument 2 has to be 0 to {PADDED_CHARS_MAX}."));
    }
    let mut signs = arguments.text_or(2, " ")?.chars();
    let (Some(sign), None) = (signs.next(), signs.next()) else {
        return Err("argument 3 has to be one character.".to_owned());
    };
    let missing = usize::try_from(total).unwrap_or(0).saturating_sub(text.chars().count());
    Ok(json!(sign.to_string().repeat(missing) + &text))
}

/// Where a text is in another one, without regard to case; -1 if it is not.
fn index(arguments: &Arguments<'_>, find: fn(&str, &str) -> Option<usize>) -> Result<Value, String> {
    let (text, what) = (lower(arguments, 0)?, lower(arguments, 1)?);
    let chars = find(&text, &what).map(|at| text[..at].chars().count());
    let index = chars.and_then(|chars| i64::try_from(chars).ok()).unwrap_or(-1);
    Ok(json!(index))
}

/// An address that begins with a base: what follows the last slash of the base is replaced.
fn uri(arguments: &Arguments<'_>) -> Result<Value, String> {
    let (base, relative) = (arguments.text(0)?, arguments.text(1)?);
    let host_at = base.find("//").map(|at| at + 2);
    let host_at = host_at.ok_or_else(|| "argument 1 has to be an absolute URI.".to_owned())?;
    let relative = relative.trim_start_matches('/');
    Ok(json!(match base[host_at..].rfind('/') {
        Some(at) => format!("{}/{relative}", &base[..host_at + at]),
        None => format!("{base}/{relative}"),
    }))
}
