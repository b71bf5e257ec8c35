//! The words of an expression.

use crate::error::{Stop, quoted};

/// A word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Number(i64),
    /// One of `( ) [ ] , .`
    Sign(char),
}

/// Splits an expression into words.
///
/// # Errors
/// A character that is in no word, or a word that does not end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Stop> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ' ' | '\t' | '\r' | '\n' => first.len_utf8(),
            '(' | ')' | '[' | ']' | ',' | '.' => {
                tokens.push(Token::Sign(first));
                1
            }
            '\'' => {
                let (token, length) = string(rest)?;
                tokens.push(token);
                length
            }
            '-' | '0'..='9' => {
                let (token, length) = number(rest)?;
                tokens.push(token);
                length
            }
            first if first.is_ascii_alphabetic() || first == '_' => {
                let others = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                let length = rest.find(others).unwrap_or(rest.len());
                tokens.push(Token::Name(rest[..length].to_owned()));
                length
            }
            other => {
                let hint = if other == '"' { ": texts in expressions have single quotes" } else { "" };
                return Err(Stop::wrong(format!("{other:?} cannot be in an expression{hint}.")));
            }
        };
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// A text in single quotes; two of them in it are one.
fn string(rest: &str) -> Result<(Token, usize), Stop> {
    let mut text = String::new();
    let mut at = 1;
    loop {
        let Some(end) = rest[at..].find('\'') else {
            return Err(Stop::wrong(format!("the text {} does not end with a single quote.", quoted(rest))));
        };
        text.push_str(&rest[at..at + end]);
        at += end + 1;
        if !rest[at..].starts_with('\'') {
            return Ok((Token::Text(text), at));
        }
        text.push('\'');
        at += 1;
    }
}

fn number(rest: &str) -> Result<(Token, usize), Stop> {
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    let sign = rest.len() - digits.len();
    let count = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let length = sign + count;
    let fraction =
        digits[count..].strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if fraction {
        return Err(Stop::wrong("numbers in expressions are whole."));
    }
    let number = rest[..length].parse();
    let number =
        number.map_err(|_| Stop::wrong(format!("{} is no whole number.", quoted(&rest[..length]))))?;
    Ok((Token::Number(number), length))
}
