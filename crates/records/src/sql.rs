//! Statements: parameters that both databases take, and the text of lists with optional conditions.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::RecordsError;
use crate::limits::{DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, LIST_MAX};

/// What stands for a `$n`.
pub(crate) enum Param<'a> {
    /// A number, or null.
    Int(Option<i64>),
    /// A text, or null.
    Text(Option<Cow<'a, str>>),
}

/// Parameters in the order of their numbers.
macro_rules! params {
    ($($param:expr),* $(,)?) => { [$($crate::sql::Param::from($param)),*] };
}
pub(crate) use params;

impl Param<'_> {
    /// Whether PostgreSQL could not keep it.
    pub(crate) fn has_zero_byte(&self) -> bool {
        matches!(self, Param::Text(Some(text)) if text.contains('\0'))
    }
}

impl From<i64> for Param<'_> {
    fn from(number: i64) -> Self {
        Param::Int(Some(number))
    }
}

impl From<Option<i64>> for Param<'_> {
    fn from(number: Option<i64>) -> Self {
        Param::Int(number)
    }
}

impl From<bool> for Param<'_> {
    fn from(is: bool) -> Self {
        Param::Int(Some(i64::from(is)))
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Param::Text(Some(Cow::Borrowed(text)))
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(text: &'a String) -> Self {
        Param::from(text.as_str())
    }
}

impl From<String> for Param<'_> {
    fn from(text: String) -> Self {
        Param::Text(Some(Cow::Owned(text)))
    }
}

impl From<Option<String>> for Param<'_> {
    fn from(text: Option<String>) -> Self {
        Param::Text(text.map(Cow::Owned))
    }
}

/// A document as it is kept: whatever this gives can be read back. `what` names it in an error.
///
/// # Errors
/// `TooDeep`, `TooLarge`.
pub fn document(what: &'static str, value: &Value) -> Result<String, RecordsError> {
    if is_deeper(value, DOCUMENT_DEPTH_MAX) {
        return Err(RecordsError::TooDeep { what, depth_max: DOCUMENT_DEPTH_MAX });
    }
    let text = value.to_string();
    match text.len() {
        bytes if bytes > DOCUMENT_BYTES_MAX => {
            Err(RecordsError::TooLarge { what, bytes, bytes_max: DOCUMENT_BYTES_MAX })
        }
        _ => Ok(text),
    }
}

/// Whether more lists and objects are inside each other than so many.
fn is_deeper(value: &Value, levels: usize) -> bool {
    match (value, levels.checked_sub(1)) {
        (Value::Array(_) | Value::Object(_), None) => true,
        (Value::Array(items), Some(left)) => items.iter().any(|item| is_deeper(item, left)),
        (Value::Object(members), Some(left)) => members.values().any(|member| is_deeper(member, left)),
        _ => false,
    }
}

/// A `select` with as many conditions as the caller has.
pub(crate) struct Select<'a> {
    /// The statement so far.
    pub text: String,
    /// Its parameters so far.
    pub params: Vec<Param<'a>>,
    has_condition: bool,
}

impl<'a> Select<'a> {
    /// Begins with a `select … from …` without conditions.
    pub(crate) fn new(text: impl Into<String>) -> Select<'a> {
        Select { text: text.into(), params: Vec::new(), has_condition: false }
    }

    /// Adds a condition without a parameter.
    pub(crate) fn only(mut self, condition: &str) -> Select<'a> {
        self.text.push_str(if self.has_condition { " and " } else { " where " });
        self.text.push_str(condition);
        self.has_condition = true;
        self
    }

    /// Adds a condition that ends where its parameter stands, such as `kind =`.
    pub(crate) fn with(mut self, condition: &str, param: impl Into<Param<'a>>) -> Select<'a> {
        self.params.push(param.into());
        let number = self.params.len();
        self.only(&format!("{condition} ${number}"))
    }

    /// Adds such a condition on two columns, compared like the words of a dictionary: `(a, b) <`.
    pub(crate) fn with_pair(
        mut self,
        condition: &str,
        first: impl Into<Param<'a>>,
        second: impl Into<Param<'a>>,
    ) -> Select<'a> {
        self.params.extend([first.into(), second.into()]);
        let number = self.params.len();
        self.only(&format!("{condition} (${}, ${number})", number - 1))
    }

    /// Adds such a condition if there is something to compare with.
    pub(crate) fn maybe(self, condition: &str, param: Option<impl Into<Param<'a>>>) -> Select<'a> {
        match param {
            Some(param) => self.with(condition, param),
            None => self,
        }
    }

    /// Ends it with an order and the number of rows wanted, at most [`LIST_MAX`].
    pub(crate) fn page(mut self, order: &str, limit: u32) -> Select<'a> {
        self.params.push(i64::from(limit.min(LIST_MAX)).into());
        self.text.push_str(&format!(" order by {order} limit ${}", self.params.len()));
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_kept_if_and_only_if_it_can_be_read_back() {
        assert_eq!(DOCUMENT_DEPTH_MAX, 127);
        let lists = |depth| (1..depth).fold(json!([]), |inner, _| json!([1, inner]));
        let objects = |depth| (1..depth).fold(json!({}), |inner, _| json!({"a": 1, "b": inner}));
        for (deep, too_deep) in [(lists(127), lists(128)), (objects(127), objects(128))] {
            let kept = document("it", &deep).expect("it is kept");
            assert_eq!(serde_json::from_str::<Value>(&kept).expect("it is read"), deep);
            let error = document("it", &too_deep).expect_err("it is refused");
            assert!(matches!(error, RecordsError::TooDeep { .. }), "{error}");
            assert!(serde_json::from_str::<Value>(&too_deep.to_string()).is_err());
        }
    }

    #[test]
    fn conditions_are_joined_and_numbered() {
        let select = Select::new("select a from b")
            .maybe("c =", Some("x"))
            .maybe("d =", None::<i64>)
            .only("e is null")
            .with("f <", 7)
            .with_pair("(g, h) <", 8, "y")
            .page("a", 2000);
        let conditions = "c = $1 and e is null and f < $2 and (g, h) < ($3, $4)";
        assert_eq!(select.text, format!("select a from b where {conditions} order by a limit $5"));
        assert!(matches!(select.params[4], Param::Int(Some(most)) if most == i64::from(LIST_MAX)));
    }
}
