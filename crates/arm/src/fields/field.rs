//! One field of a body, and the kinds of values that it can have.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::problems::Problems;
use crate::duration::parse_duration;
use crate::id::ResourceId;
use crate::names::NameRule;
use crate::text::quoted;

const WRONG: &str = "InvalidParameter";
const MISSING: &str = "MissingRequiredParameter";

/// One field of a body; it need not be there.
pub struct Field<'v, 'p> {
    pub(super) value: Option<&'v Value>,
    pub(super) path: String,
    /// Whether it is missing when it is not there: not where its object is wrong already.
    pub(super) may_miss: bool,
    pub(super) problems: &'p Problems,
}

/// What kind of value it is, with its article.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// `3 to 9`, `at most 9`, `exactly 3`; of several things.
fn range_of<T: Display + PartialEq + Default>(range: &RangeInclusive<T>) -> String {
    match (range.start(), range.end()) {
        (from, to) if from == to => format!("exactly {from}"),
        (from, to) if *from == T::default() => format!("at most {to}"),
        (from, to) => format!("{from} to {to}"),
    }
}

impl<'v, 'p> Field<'v, 'p> {
    pub(super) fn new(
        value: Option<&'v Value>,
        path: String,
        may_miss: bool,
        problems: &'p Problems,
    ) -> Self {
        Field { value, path, may_miss, problems }
    }

    /// The whole body as a field.
    pub(super) fn root(body: &'v Value, problems: &'p Problems) -> Self {
        Field::new(Some(body), String::new(), true, problems)
    }

    /// Where it is in the body.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether there is a value.
    pub fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// The value, whatever it is.
    pub fn value(&self) -> Option<&'v Value> {
        self.value
    }

    /// Records that it is missing, if it is.
    #[must_use]
    pub fn required(self) -> Self {
        if self.value.is_none() && self.may_miss {
            self.problems.add(MISSING, &self.path, &format!("{} is required.", self.title()));
        }
        self
    }

    /// Records that it is missing, if it is, by ARM's own code for that.
    #[must_use]
    pub fn required_as(self, code: &'static str, sentence: &str) -> Self {
        if self.value.is_none() && self.may_miss {
            self.problems.add(code, &self.path, sentence);
        }
        self
    }

    /// Records that it is wrong. `what` follows its path: `must be a prime number`.
    pub fn refuse(&self, what: &str) {
        self.refuse_as(WRONG, what);
    }

    /// The same with a code of its own.
    pub fn refuse_as(&self, code: &'static str, what: &str) {
        self.problems.add(code, &self.path, &format!("{} {what}.", self.title()));
    }

    fn title(&self) -> String {
        match self.path.as_str() {
            "" => "The body".to_owned(),
            path => quoted(path),
        }
    }

    fn wrong<T>(&self, what: &str) -> Option<T> {
        self.refuse(what);
        None
    }

    fn text(&self, what: &str) -> Option<&'v str> {
        let value = self.value?;
        value.as_str().or_else(|| self.wrong(&format!("must be {what}, not {}", kind_of(value))))
    }

    /// A string of so many characters.
    pub fn string(self, chars: RangeInclusive<usize>) -> Option<&'v str> {
        let text = self.text("a string")?;
        let count = text.chars().count();
        if chars.contains(&count) {
            return Some(text);
        }
        self.wrong(&format!("must have {} characters, not {count}", range_of(&chars)))
    }

    /// A name by a rule.
    pub fn name(self, rule: &NameRule) -> Option<&'v str> {
        let text = self.text("a string")?;
        if rule.pattern.fits(text) {
            return Some(text);
        }
        let sentence = rule.sentence.trim_end_matches('.');
        self.wrong(&format!("cannot be {}. {sentence} (pattern {})", quoted(text), rule.pattern))
    }

    /// A whole number.
    pub fn integer(self, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value?;
        let number = value.as_u64().filter(|number| range.contains(number));
        number.or_else(|| {
            let given = match value {
                Value::Number(number) => number.to_string(),
                other => kind_of(other).to_owned(),
            };
            self.wrong(&format!("must be a whole number, {}, not {given}", range_of(&range)))
        })
    }

    /// `true` or `false`.
    pub fn bool(self) -> Option<bool> {
        let value = self.value?;
        value.as_bool().or_else(|| self.wrong(&format!("must be true or false, not {}", kind_of(value))))
    }

    /// One of these words, without regard to case.
    pub fn one_of<T: Clone>(self, words: &[(&str, T)]) -> Option<T> {
        let all = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let text = self.text(&format!("one of {}", all()))?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        found
            .map(|(_, meaning)| meaning.clone())
            .or_else(|| self.wrong(&format!("must be one of {}, not {}", all(), quoted(text))))
    }

    /// A duration in ISO 8601.
    pub fn duration(self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.text("a duration")?;
        let duration = parse_duration(text).filter(|duration| range.contains(duration));
        duration.or_else(|| {
            let (from, to) = (range.start().as_secs(), range.end().as_secs());
            self.wrong(&format!("must be a duration from {from} to {to} seconds, written as PT1H30M"))
        })
    }

    /// The id of a resource.
    pub fn id(self) -> Option<ResourceId> {
        let text = self.text("the id of a resource")?;
        ResourceId::parse(text).map_or_else(|error| self.wrong(&format!("is no id: {error}")), Some)
    }

    /// A list of so many items.
    pub fn list(self, items: RangeInclusive<usize>) -> Option<Vec<Field<'v, 'p>>> {
        let value = self.value?;
        let Some(list) = value.as_array() else {
            return self.wrong(&format!("must be a list, not {}", kind_of(value)));
        };
        if !items.contains(&list.len()) {
            return self.wrong(&format!("must have {} items, not {}", range_of(&items), list.len()));
        }
        let item = |(at, value): (usize, &'v Value)| {
            let path = format!("{}[{at}]", self.path);
            // A hole in a list is wrong, whatever the items are.
            Field::new(Some(value), path, true, self.problems)
        };
        Some(list.iter().enumerate().map(item).collect())
    }
}
