//! From one type to another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Arguments, Function};
use crate::value::text_of;

pub(super) const TABLE: &[Function] = &[
    Function::of("string", (1, 1), |a| Ok(json!(text_of(a.any(0))))),
    Function::of("int", (1, 1), int),
    Function::of("bool", (1, 1), boolean),
    Function::of("json", (1, 1), |a| read_json(a.text(0)?)),
    Function::of("base64", (1, 1), |a| Ok(json!(STANDARD.encode(a.text(0)?)))),
    Function::of("base64ToString", (1, 1), |a| Ok(json!(decoded(a)?))),
    Function::of("base64ToJson", (1, 1), |a| read_json(&decoded(a)?)),
];

fn int(arguments: &Arguments<'_>) -> Result<Value, String> {
    let number = match arguments.any(0) {
        Value::String(text) => text.trim().parse::<i64>().ok(),
        other => other.as_i64(),
    };
    number
        .map(|number| json!(number))
        .ok_or_else(|| "argument 1 has to be a whole number, or a text with one.".to_owned())
}

fn boolean(arguments: &Arguments<'_>) -> Result<Value, String> {
    let truth = match arguments.any(0) {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    };
    let wrong = "argument 1 has to be a bool, an int, or the text true or false.";
    truth.map(|truth| json!(truth)).ok_or_else(|| wrong.to_owned())
}

fn read_json(text: &str) -> Result<Value, String> {
    // Its error says where, and may say what is there.
    serde_json::from_str(text).map_err(|_| "argument 1 is no JSON.".to_owned())
}

fn decoded(arguments: &Arguments<'_>) -> Result<String, String> {
    let bytes = STANDARD.decode(arguments.text(0)?).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| "argument 1 is no text in base64.".to_owned())
}
