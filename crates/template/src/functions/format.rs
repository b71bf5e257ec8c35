//! `format`: texts with places for values, as .NET's composite formatting.

use serde_json::{Value, json};

use super::text::push;
use super::{ANY, Arguments, Function};
use crate::limits::PADDED_CHARS_MAX;
use crate::value::text_of;

pub(super) const TABLE: &[Function] = &[Function::of("format", (1, ANY), format)];

/// Digits that a format may ask for.
const DIGITS_MAX: usize = 99;

fn format(arguments: &Arguments<'_>) -> Result<Value, String> {
    let mut rest = arguments.text(0)?;
    let mut text = String::new();
    while let Some(at) = rest.find(['{', '}']) {
        push(&mut text, &rest[..at])?;
        let sign = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(doubled) = rest.strip_prefix(sign) {
            push(&mut text, sign)?;
            rest = doubled;
            continue;
        }
        let end = rest.find('}').filter(|_| sign == "{");
        let end = end.ok_or("a brace that stands for itself is doubled: {{ or }}.")?;
        push(&mut text, &place(&rest[..end], arguments)?)?;
        rest = &rest[end + 1..];
    }
    push(&mut text, rest)?;
    Ok(json!(text))
}

/// What stands for `index[,width][:format]`.
fn place(place: &str, arguments: &Arguments<'_>) -> Result<String, String> {
    let (front, format) = place.split_once(':').map_or((place, ""), |(front, format)| (front, format));
    let (index, width) = front.split_once(',').map_or((front, "0"), |(index, width)| (index, width));
    let last = arguments.0.len().saturating_sub(1);
    let value = index.trim().parse::<usize>().ok().filter(|index| *index < last);
    let value = value.and_then(|index| arguments.get(index + 1));
    let value = value.ok_or_else(|| {
        format!("the places in argument 1 are numbered from 0, and there are {last} values for them.")
    })?;
    let width: i64 = width.trim().parse().map_err(|_| "the width of a place has to be a whole number.")?;
    if width.abs() > PADDED_CHARS_MAX {
        return Err(format!("the width of a place is at most {PADDED_CHARS_MAX}."));
    }
    let text = match value {
        Value::Array(_) | Value::Object(_) => {
            return Err("the values have to be of type string, int or bool.".to_owned());
        }
        Value::Number(number) if !format.is_empty() => {
            number_as(number.as_i64().unwrap_or_default(), format)?
        }
        _ => text_of(value),
    };
    let columns = usize::try_from(width.unsigned_abs()).unwrap_or(0);
    Ok(if width < 0 { format!("{text:<columns$}") } else { format!("{text:>columns$}") })
}

/// A number by one of .NET's standard formats.
fn number_as(number: i64, format: &str) -> Result<String, String> {
    let mut chars = format.chars();
    let letter = chars.next().unwrap_or(' ');
    let digits = match chars.as_str() {
        "" => None,
        digits => Some(digits.parse::<usize>().ok().filter(|digits| *digits <= DIGITS_MAX)),
    };
    let unknown =
        || "the formats of numbers that are known are D, G, N, F and X, each with or without digits.";
    let digits = match digits {
        Some(None) => return Err(unknown().to_owned()),
        Some(digits) => digits,
        None => None,
    };
    let sign = if number < 0 { "-" } else { "" };
    let whole = number.unsigned_abs().to_string();
    let decimals = match digits.unwrap_or(2) {
        0 => String::new(),
        count => format!(".{}", "0".repeat(count)),
    };
    Ok(match letter {
        'D' | 'd' => format!("{sign}{whole:0>digits$}", digits = digits.unwrap_or(0)),
        'G' | 'g' if digits.is_none() => format!("{sign}{whole}"),
        'F' | 'f' => format!("{sign}{whole}{decimals}"),
        'N' | 'n' => format!("{sign}{}{decimals}", grouped(&whole)),
        'X' => format!("{number:0>digits$X}", digits = digits.unwrap_or(0)),
        'x' => format!("{number:0>digits$x}", digits = digits.unwrap_or(0)),
        _ => return Err(unknown().to_owned()),
    })
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
