//! The lenient reader of deployments' bodies.
//!
//! `az deployment` splices the text of a template, as it is in its file, behind a key without quotes:
//! `{"properties": {"mode": "Incremental", template:{ …}}}`. So beside JSON this takes
//!
//! - keys without quotes: a letter, `_` or `$`, then also digits, `-` and `.`;
//! - comments, `// …` to the end of the line and `/* … */`;
//! - line ends and tabs inside strings, which stay as they are;
//! - a comma before a closing bracket;
//! - a byte order mark in front.
//!
//! Whatever is JSON means here what it means to `serde_json`: numbers are read by it, and of two members with
//! one name the last counts. Nothing else is tolerated. Bytes and depth are bounded.

mod string;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::error::ArmError;
use crate::limits::{JSON_DEPTH_MAX, REQUEST_BYTES_MAX};

/// Where a text is no document of this kind, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct JsoncError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong there, in a clause.
    pub what: String,
}

impl From<JsoncError> for ArmError {
    fn from(error: JsoncError) -> ArmError {
        ArmError::invalid_request_content(&error.to_string())
    }
}

/// Something wrong at a byte.
type Wrong = (usize, String);

/// Reads a document.
///
/// # Errors
/// It is too long, nested too deeply, or none.
pub fn parse(bytes: &[u8]) -> Result<Value, JsoncError> {
    if bytes.len() > REQUEST_BYTES_MAX {
        return Err(JsoncError { line: 1, column: 1, what: format!("more than {REQUEST_BYTES_MAX} bytes") });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        place(&good, good.len(), "this is not UTF-8".to_owned())
    })?;
    let mut reader = Reader { text, at: 0, depth: 0 };
    reader.document().map_err(|(at, what)| place(text, at, what))
}

fn place(text: &str, at: usize, what: String) -> JsoncError {
    let before = text.get(..at).unwrap_or(text);
    let line_begins = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    JsoncError { line, column: before[line_begins..].chars().count() + 1, what }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<Value, Wrong> {
        self.skip("\u{feff}");
        let value = self.value()?;
        self.blanks()?;
        match self.peek() {
            None => Ok(value),
            Some(c) => self.wrong(format!("{c:?} after the end of the document")),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// Takes this text, if it is the next.
    fn skip(&mut self, text: &str) -> bool {
        let is_next = self.text[self.at..].starts_with(text);
        self.at += if is_next { text.len() } else { 0 };
        is_next
    }

    fn wrong<T>(&self, what: impl Into<String>) -> Result<T, Wrong> {
        Err((self.at, what.into()))
    }

    /// Takes spaces, line ends and comments.
    fn blanks(&mut self) -> Result<(), Wrong> {
        loop {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            if self.skip("//") {
                self.at += self.text[self.at..].find(['\n', '\r']).unwrap_or(self.text.len() - self.at);
            } else if self.text[self.at..].starts_with("/*") {
                let Some(end) = self.text[self.at + 2..].find("*/") else {
                    return self.wrong("a comment without its */");
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Result<Value, Wrong> {
        self.blanks()?;
        match self.peek() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::list),
            Some('"') => {
                let (value, end) = string::read(self.text, self.at)?;
                self.at = end;
                Ok(Value::String(value))
            }
            Some('-' | '0'..='9') => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.word(),
            Some('\'') => self.wrong("strings have double quotes"),
            Some(c) => self.wrong(format!("{c:?} where a value has to be")),
            None => self.wrong("the document ends where a value has to be"),
        }
    }

    /// Reads what stands between brackets, one level deeper.
    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Wrong>) -> Result<Value, Wrong> {
        if self.depth == JSON_DEPTH_MAX {
            return self.wrong(format!("nested more than {JSON_DEPTH_MAX} levels deep"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, Wrong> {
        let mut members = Map::new();
        while !self.closes('}')? {
            let key = self.key()?;
            self.blanks()?;
            if !self.skip(":") {
                return self.wrong(format!("a colon is missing after the key {key:?}"));
            }
            let value = self.value()?;
            members.insert(key, value);
            self.separated('}')?;
        }
        Ok(Value::Object(members))
    }

    fn list(&mut self) -> Result<Value, Wrong> {
        let mut items = Vec::new();
        while !self.closes(']')? {
            items.push(self.value()?);
            self.separated(']')?;
        }
        Ok(Value::Array(items))
    }

    /// Whether the list or object ends here; its bracket is taken then.
    fn closes(&mut self, bracket: char) -> Result<bool, Wrong> {
        self.blanks()?;
        Ok(self.skip(bracket.encode_utf8(&mut [0; 4])))
    }

    /// Takes the comma after an item, unless the bracket follows.
    fn separated(&mut self, bracket: char) -> Result<(), Wrong> {
        self.blanks()?;
        match self.peek() {
            Some(',') => self.at += 1,
            Some(c) if c == bracket => {}
            Some(c) => return self.wrong(format!("{c:?} where ',' or '{bracket}' has to be")),
            None => return self.wrong(format!("the document ends before its '{bracket}'")),
        }
        Ok(())
    }

    fn key(&mut self) -> Result<String, Wrong> {
        match self.peek() {
            Some('"') => {
                let (key, end) = string::read(self.text, self.at)?;
                self.at = end;
                Ok(key)
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' || c == '$' => Ok(self.bare().to_owned()),
            Some(c) => self.wrong(format!("{c:?} where a key has to be")),
            None => self.wrong("the document ends where a key has to be"),
        }
    }

    /// Takes the letters, digits and signs that a key without quotes has.
    fn bare(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let others = |c: char| !(c.is_ascii_alphanumeric() || "_$-.".contains(c));
        let word = &rest[..rest.find(others).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn word(&mut self) -> Result<Value, Wrong> {
        let begin = self.at;
        match self.bare() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            word => {
                let word = crate::text::quoted(word);
                Err((begin, format!("{word} is no value: strings have double quotes")))
            }
        }
    }

    fn number(&mut self) -> Result<Value, Wrong> {
        let rest = &self.text[self.at..];
        let others = |c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c));
        let number = &rest[..rest.find(others).unwrap_or(rest.len())];
        let Ok(value) = serde_json::from_str::<serde_json::Number>(number) else {
            return self.wrong(format!("{} is no number", crate::text::quoted(number)));
        };
        self.at += number.len();
        Ok(Value::Number(value))
    }
}
