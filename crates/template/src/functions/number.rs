//! Whole numbers.

use serde_json::{Value, json};

use super::{ANY, Arguments, Function};

pub(super) const TABLE: &[Function] = &[
    Function::of("add", (2, 2), |a| calculate(a, i64::checked_add)),
    Function::of("sub", (2, 2), |a| calculate(a, i64::checked_sub)),
    Function::of("mul", (2, 2), |a| calculate(a, i64::checked_mul)),
    Function::of("div", (2, 2), |a| divide(a, i64::checked_div)),
    Function::of("mod", (2, 2), |a| divide(a, i64::checked_rem)),
    Function::of("min", (1, ANY), |a| Ok(json!(a.ints()?.into_iter().min()))),
    Function::of("max", (1, ANY), |a| Ok(json!(a.ints()?.into_iter().max()))),
];

fn calculate(arguments: &Arguments<'_>, by: fn(i64, i64) -> Option<i64>) -> Result<Value, String> {
    let number = by(arguments.int(0)?, arguments.int(1)?);
    number.map(|number| json!(number)).ok_or_else(|| "the number is too large.".to_owned())
}

fn divide(arguments: &Arguments<'_>, by: fn(i64, i64) -> Option<i64>) -> Result<Value, String> {
    match arguments.int(1)? {
        0 => Err("argument 2 must not be 0.".to_owned()),
        _ => calculate(arguments, by),
    }
}
