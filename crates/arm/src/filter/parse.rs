//! Reading a `$filter`. What is refused is told in one sentence.

use super::{Condition, Kind, Test, Vocabulary};
use crate::limits::{FILTER_BYTES_MAX, FILTER_CONJUNCTS_MAX};
use crate::text::quoted;
use crate::time::Timestamp;

/// A word, a text or a sign.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Token<'t> {
    /// Without quotes: a field, an operator, a function, a time.
    Word(&'t str),
    /// What stood in quotes.
    Text(String),
    /// One of `(`, `)` and `,`.
    Sign(char),
}

/// Reads all conditions.
pub(super) fn conditions(text: &str, vocabulary: &Vocabulary) -> Result<Vec<Condition>, String> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(format!("It may have {FILTER_BYTES_MAX} bytes."));
    }
    let mut reader = Reader { rest: text, vocabulary };
    let mut conditions = Vec::new();
    if reader.peek()?.is_none() {
        return Ok(conditions);
    }
    loop {
        if conditions.len() == FILTER_CONJUNCTS_MAX {
            return Err(format!("It may have {FILTER_CONJUNCTS_MAX} conditions."));
        }
        conditions.push(reader.condition()?);
        match reader.next()? {
            None => return Ok(conditions),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("and") => {}
            Some(other) => {
                return Err(format!("{} cannot follow a condition: only 'and' can.", other.shown()));
            }
        }
    }
}

impl Token<'_> {
    fn shown(&self) -> String {
        match self {
            Token::Word(word) => quoted(word),
            Token::Text(text) => format!("the text {}", quoted(text)),
            Token::Sign(sign) => format!("'{sign}'"),
        }
    }
}

struct Reader<'t, 'v> {
    rest: &'t str,
    vocabulary: &'v Vocabulary,
}

impl<'t> Reader<'t, '_> {
    /// Takes the next token.
    fn next(&mut self) -> Result<Option<Token<'t>>, String> {
        let rest = self.rest.trim_start();
        let Some(first) = rest.chars().next() else {
            self.rest = rest;
            return Ok(None);
        };
        let (token, rest) = match first {
            '(' | ')' | ',' => (Token::Sign(first), &rest[1..]),
            '\'' => text(rest)?,
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "(),'".contains(c)).unwrap_or(rest.len());
                (Token::Word(&rest[..end]), &rest[end..])
            }
        };
        self.rest = rest;
        Ok(Some(token))
    }

    fn peek(&mut self) -> Result<Option<Token<'t>>, String> {
        let before = self.rest;
        let token = self.next();
        self.rest = before;
        token
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let word = match self.next()? {
            Some(Token::Word(word)) => word,
            Some(other) => return Err(format!("A condition cannot begin with {}.", other.shown())),
            None => return Err("A condition is missing at its end.".to_owned()),
        };
        if self.peek()? == Some(Token::Sign('(')) {
            self.next()?;
            return self.call(word);
        }
        let (subject, kind) = self.field(word)?;
        let operator = self.word("an operator")?.to_ascii_lowercase();
        let value = self.value()?;
        let test = match (kind, operator.as_str()) {
            (Kind::Text | Kind::Name, "eq") => Test::Is(value),
            (Kind::Text | Kind::Name, "ne") => Test::IsNot(value),
            (Kind::Time, "ge") => Test::NotBefore(time(&value)?),
            (Kind::Time, "le") => Test::NotAfter(time(&value)?),
            (Kind::Text | Kind::Name, other) => {
                return Err(format!("{subject} has the operators 'eq' and 'ne', not {}.", quoted(other)));
            }
            (Kind::Time, other) => {
                return Err(format!("{subject} has the operators 'ge' and 'le', not {}.", quoted(other)));
            }
        };
        Ok(Condition { subject, test })
    }

    /// Reads what follows the parenthesis of a function.
    fn call(&mut self, function: &str) -> Result<Condition, String> {
        let condition = match function.to_ascii_lowercase().as_str() {
            "substringof" => {
                let part = self.value()?;
                self.sign(',')?;
                Condition { subject: self.name()?, test: Test::Contains(part) }
            }
            "startswith" => {
                let subject = self.name()?;
                self.sign(',')?;
                Condition { subject, test: Test::StartsWith(self.value()?) }
            }
            other => {
                let known = self.vocabulary.functions.iter().find(|name| name.eq_ignore_ascii_case(other));
                let subject = *known.ok_or_else(|| self.unknown(function))?;
                let closes = self.peek()? == Some(Token::Sign(')'));
                let argument = if closes { None } else { Some(self.value()?) };
                Condition { subject, test: Test::Function(argument) }
            }
        };
        self.sign(')')?;
        Ok(condition)
    }

    fn field(&self, word: &str) -> Result<(&'static str, Kind), String> {
        let found = self.vocabulary.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.copied().ok_or_else(|| self.unknown(word))
    }

    /// A field of which a part may be asked for.
    fn name(&mut self) -> Result<&'static str, String> {
        let word = self.word("a field")?;
        match self.field(word)? {
            (name, Kind::Name) => Ok(name),
            (other, _) => Err(format!("{other} has no substringof and no startswith.")),
        }
    }

    fn unknown(&self, word: &str) -> String {
        let fields = self.vocabulary.fields.iter().map(|(name, _)| (*name).to_owned());
        let functions = self.vocabulary.functions.iter().map(|name| format!("{name}()"));
        let known: Vec<String> = fields.chain(functions).collect();
        format!("{} is unknown. Known here, joined by 'and': {}.", quoted(word), known.join(", "))
    }

    fn word(&mut self, what: &str) -> Result<&'t str, String> {
        match self.next()? {
            Some(Token::Word(word)) => Ok(word),
            Some(other) => Err(format!("{} stands where {what} has to be.", other.shown())),
            None => Err(format!("It ends where {what} has to be.")),
        }
    }

    fn value(&mut self) -> Result<String, String> {
        match self.next()? {
            Some(Token::Text(text)) => Ok(text),
            Some(Token::Word(word)) => Ok(word.to_owned()),
            Some(other) => Err(format!("{} stands where a value has to be.", other.shown())),
            None => Err("It ends where a value has to be.".to_owned()),
        }
    }

    fn sign(&mut self, sign: char) -> Result<(), String> {
        match self.next()? {
            Some(Token::Sign(found)) if found == sign => Ok(()),
            Some(other) => Err(format!("{} stands where '{sign}' has to be.", other.shown())),
            None => Err(format!("It ends where '{sign}' has to be.")),
        }
    }
}

/// Takes what stands in quotes.
fn text(rest: &str) -> Result<(Token<'static>, &str), String> {
    let mut text = String::new();
    let mut rest = &rest[1..];
    loop {
        let (part, after) = rest.split_once('\'').ok_or("A text has no quote at its end.")?;
        text.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                rest = more;
            }
            None => return Ok((Token::Text(text), after)),
        }
    }
}

fn time(value: &str) -> Result<Timestamp, String> {
    Timestamp::parse(value).map_err(|error| format!("{error}."))
}
