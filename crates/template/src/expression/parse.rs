//! Reading an expression.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::Expression;
use super::token::{Token, tokens};
use crate::error::{Stop, quoted};
use crate::limits::{ARGUMENTS_MAX, EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX};

/// Reads an expression without its brackets.
///
/// # Errors
/// It is too long, nested too deeply, or none.
pub(super) fn parse(text: &str) -> Result<Expression, Stop> {
    if text.len() + 2 > EXPRESSION_BYTES_MAX {
        let why = format!("an expression has at most {EXPRESSION_BYTES_MAX} bytes.");
        return Err(Stop::wrong(why));
    }
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable() };
    let (expression, _) = parser.expression(EXPRESSION_DEPTH_MAX)?;
    match parser.tokens.next() {
        None => Ok(expression),
        Some(token) => Err(Stop::wrong(format!("{} follows where the expression has ended.", words(&token)))),
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
}

/// An expression, and how many levels it has.
type Leveled = (Expression, usize);

impl Parser {
    fn expression(&mut self, levels_left: usize) -> Result<Leveled, Stop> {
        let (mut expression, mut levels) = self.primary(levels_left)?;
        loop {
            if self.takes('.') {
                let Some(Token::Name(name)) = self.tokens.next() else {
                    return Err(Stop::wrong("the name of a member has to follow a '.'."));
                };
                if self.tokens.peek() == Some(&Token::Sign('(')) {
                    return Err(Stop::wrong(format!(
                        "{} is called with a namespace: functions of the template's own are not supported.",
                        quoted(&name)
                    )));
                }
                expression = Expression::Member(Box::new(expression), name);
            } else if self.takes('[') {
                let (index, of_index) = self.expression(one_less(levels_left)?)?;
                self.expect(']')?;
                expression = Expression::Index(Box::new(expression), Box::new(index));
                levels = levels.max(of_index);
            } else {
                return Ok((expression, levels));
            }
            levels += 1;
            if levels > levels_left {
                return Err(too_deep());
            }
        }
    }

    fn primary(&mut self, levels_left: usize) -> Result<Leveled, Stop> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok((Expression::Text(text), 1)),
            Some(Token::Number(number)) => Ok((Expression::Number(number), 1)),
            Some(Token::Name(name)) => self.call(name, levels_left),
            Some(token @ Token::Sign(_)) => {
                Err(Stop::wrong(format!("{} stands where a value has to be.", words(&token))))
            }
            None => Err(Stop::wrong("the expression ends where a value has to be.")),
        }
    }

    fn call(&mut self, name: String, levels_left: usize) -> Result<Leveled, Stop> {
        if !self.takes('(') {
            let namespaced = self.tokens.peek() == Some(&Token::Sign('.'));
            let hint = match name.to_ascii_lowercase().as_str() {
                word @ ("true" | "false" | "null") => format!("write {word}()"),
                _ if namespaced => "functions of the template's own are not supported".to_owned(),
                _ => "texts have single quotes, functions parentheses".to_owned(),
            };
            return Err(Stop::wrong(format!("{} is no value: {hint}.", quoted(&name))));
        }
        let left = one_less(levels_left)?;
        let (mut arguments, mut levels) = (Vec::new(), 0);
        while !self.takes(')') {
            if !arguments.is_empty() {
                self.expect(',')?;
            }
            if arguments.len() == ARGUMENTS_MAX {
                return Err(Stop::wrong(format!("a function has at most {ARGUMENTS_MAX} arguments.")));
            }
            let (argument, of_argument) = self.expression(left)?;
            levels = levels.max(of_argument);
            arguments.push(argument);
        }
        Ok((Expression::Call(name, arguments), levels + 1))
    }

    fn takes(&mut self, sign: char) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }

    fn expect(&mut self, sign: char) -> Result<(), Stop> {
        match self.tokens.next() {
            Some(Token::Sign(is)) if is == sign => Ok(()),
            Some(token) => Err(Stop::wrong(format!("{} stands where {sign:?} has to be.", words(&token)))),
            None => Err(Stop::wrong(format!("the expression ends before its {sign:?}."))),
        }
    }
}

fn one_less(levels_left: usize) -> Result<usize, Stop> {
    levels_left.checked_sub(1).filter(|left| *left > 0).ok_or_else(too_deep)
}

fn too_deep() -> Stop {
    Stop::wrong(format!("an expression is nested at most {EXPRESSION_DEPTH_MAX} levels deep."))
}

fn words(token: &Token) -> String {
    match token {
        Token::Name(name) => quoted(name),
        Token::Text(text) => format!("the text {}", quoted(text)),
        Token::Number(number) => format!("the number {number}"),
        Token::Sign(sign) => format!("{sign:?}"),
    }
}
