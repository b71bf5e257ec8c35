//! Truth values and comparisons. `if`, `and`, `or` and `coalesce`, which do not look at all of their
//! arguments, are in `evaluate`.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{Arguments, Function};

pub(super) const TABLE: &[Function] = &[
    Function::of("true", (0, 0), |_| Ok(json!(true))),
    Function::of("false", (0, 0), |_| Ok(json!(false))),
    Function::of("null", (0, 0), |_| Ok(Value::Null)),
    Function::of("not", (1, 1), |a| Ok(json!(!a.bool(0)?))),
    Function::of("equals", (2, 2), |a| Ok(json!(a.any(0) == a.any(1)))),
    Function::of("less", (2, 2), |a| Ok(json!(compare(a)?.is_lt()))),
    Function::of("lessOrEquals", (2, 2), |a| Ok(json!(compare(a)?.is_le()))),
    Function::of("greater", (2, 2), |a| Ok(json!(compare(a)?.is_gt()))),
    Function::of("greaterOrEquals", (2, 2), |a| Ok(json!(compare(a)?.is_ge()))),
];

fn compare(arguments: &Arguments<'_>) -> Result<Ordering, String> {
    match (arguments.any(0), arguments.any(1)) {
        (Value::String(one), Value::String(other)) => Ok(one.cmp(other)),
        (Value::Number(_), Value::Number(_)) => Ok(arguments.int(0)?.cmp(&arguments.int(1)?)),
        _ => Err("both arguments have to be of type int, or both of type string.".to_owned()),
    }
}
