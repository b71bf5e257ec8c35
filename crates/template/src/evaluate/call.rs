//! Calls of functions: those that look at their arguments one by one, those of the surroundings, the others.

use serde_json::{Value, json};

use super::{Evaluator, Frame, Marks, special};
use crate::error::{Stop, quoted};
use crate::expression::Expression;
use crate::functions::{self, Arguments, check_count};
use crate::value::kind_of;

/// Functions that do not look at all of their arguments.
const LAZY: [&str; 4] = ["if", "and", "or", "coalesce"];

impl Evaluator {
    pub(super) fn call(
        &self,
        frame: &Frame<'_>,
        name: &str,
        arguments: &[Expression],
    ) -> Result<Value, Stop> {
        let lower = name.to_ascii_lowercase();
        if LAZY.contains(&lower.as_str()) {
            return self.lazy(frame, &lower, arguments);
        }
        let function = functions::find(name);
        if function.is_none() && !special::is_known(&lower) {
            return Err(Stop::wrong(unknown(name)));
        }
        let before = self.marks.replace(Marks::default());
        let values = arguments.iter().map(|argument| self.expression(frame, argument));
        let values: Result<Vec<Value>, Stop> = values.collect();
        let of_arguments = self.marks.get();
        self.marks.set(before.and(of_arguments));
        let values = values?;
        if of_arguments.secret && lower == "reference" {
            // Which resource is asked for is told wherever it cannot be had.
            return Err(Stop::wrong("a secure parameter cannot say which resource is meant."));
        }
        let arguments = Arguments(&values);
        let Some(function) = function else { return self.special(frame, &lower, &arguments) };
        let done = check_count(function.name, (function.least, function.most), values.len());
        let done = done.and_then(|()| {
            let named = |why: String| format!("{}: {why}", quoted(function.name));
            (function.call)(&arguments).map_err(named)
        });
        done.map_err(Stop::wrong)
    }

    fn lazy(&self, frame: &Frame<'_>, name: &str, arguments: &[Expression]) -> Result<Value, Stop> {
        let count = match name {
            "if" => (3, 3),
            "coalesce" => (1, usize::MAX),
            _ => (2, usize::MAX),
        };
        check_count(name, count, arguments.len()).map_err(Stop::wrong)?;
        match name {
            "if" => {
                let (condition, branches) =
                    arguments.split_first().ok_or_else(|| Stop::wrong("'if' is empty."))?;
                let branch = if self.truth(frame, name, condition)? { &branches[0] } else { &branches[1] };
                self.expression(frame, branch)
            }
            "coalesce" => {
                for argument in arguments {
                    let value = self.expression(frame, argument)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Value::Null)
            }
            // `and` ends with the first that is false, `or` with the first that is true.
            _ => {
                let ends = name == "or";
                for argument in arguments {
                    if self.truth(frame, name, argument)? == ends {
                        return Ok(json!(ends));
                    }
                }
                Ok(json!(!ends))
            }
        }
    }

    fn truth(&self, frame: &Frame<'_>, name: &str, argument: &Expression) -> Result<bool, Stop> {
        let value = self.expression(frame, argument)?;
        value.as_bool().ok_or_else(|| {
            Stop::wrong(format!("'{name}': a condition has to be of type bool, not {}.", kind_of(&value)))
        })
    }
}

/// What is said of a function that is not known.
fn unknown(name: &str) -> String {
    if name.to_ascii_lowercase().starts_with("list") {
        return format!("the function {} is not supported: what it gives is secret.", quoted(name));
    }
    let mut names: Vec<&str> = functions::names().chain(LAZY).chain(special::names()).collect();
    names.sort_unstable();
    format!("the function {} is not known. Known are: {}.", quoted(name), names.join(", "))
}
