//! An object of a body: which of its fields were asked for, and which are there beside them.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::field::{Field, kind_of};
use super::problems::Problems;
use crate::text::{listed, quoted};

/// Stands among the known names of an object whose names are the client's own.
const ANY: &str = "*";

/// An object of a request body.
pub struct Fields<'v, 'p> {
    /// `None` when there is none; then nothing in it is missing, because that has been said of itself.
    map: Option<&'v Map<String, Value>>,
    path: String,
    known: RefCell<Vec<&'static str>>,
    problems: &'p Problems,
    absent: bool,
}

impl<'v, 'p> Fields<'v, 'p> {
    /// The whole body, which has to be an object.
    pub fn root(body: &'v Value, problems: &'p Problems) -> Fields<'v, 'p> {
        Field::root(body, problems).object_or_empty()
    }

    /// An object at a path. With neither `map` nor `absent` it is one that is wrong already.
    fn new(map: Option<&'v Map<String, Value>>, path: String, absent: bool, problems: &'p Problems) -> Self {
        Fields { map, path, known: RefCell::default(), problems, absent }
    }

    /// A field of it, which is known from now on.
    pub fn get(&self, name: &'static str) -> Field<'v, 'p> {
        self.ignore(&[name]);
        let value = self.map.and_then(|map| map.get(name)).filter(|value| !value.is_null());
        let path = self.path_of(name);
        Field::new(value, path, self.map.is_some() || self.absent, self.problems)
    }

    /// Fields that may be there and mean nothing: what a client has read and sends back.
    pub fn ignore(&self, names: &[&'static str]) {
        self.known.borrow_mut().extend_from_slice(names);
    }

    /// All fields that are there, for objects whose names are the client's own. All are known then.
    pub fn entries(&self) -> impl Iterator<Item = (&'v str, Field<'v, 'p>)> + '_ {
        self.ignore(&[ANY]);
        let entries = self.map.into_iter().flatten();
        entries.map(|(name, value)| {
            let field = Field::new(Some(value), self.path_of(name), true, self.problems);
            (name.as_str(), field)
        })
    }

    /// Records that the object as a whole is wrong. `what` is a sentence.
    pub fn refuse(&self, what: &str) {
        self.problems.add("InvalidParameter", &self.path, what);
    }

    /// Whether it is there.
    pub fn is_present(&self) -> bool {
        self.map.is_some()
    }

    fn path_of(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }
}

impl<'v, 'p> Field<'v, 'p> {
    /// An object, when there is one.
    pub fn object(self) -> Option<Fields<'v, 'p>> {
        self.value?;
        Some(self.object_or_empty()).filter(Fields::is_present)
    }

    /// An object; one without fields when there is none, so that its required fields are told as missing.
    pub fn object_or_empty(self) -> Fields<'v, 'p> {
        match self.value {
            None => Fields::new(None, self.path, self.may_miss, self.problems),
            Some(Value::Object(map)) => Fields::new(Some(map), self.path, false, self.problems),
            Some(other) => {
                self.refuse(&format!("must be an object, not {}", kind_of(other)));
                Fields::new(None, self.path, false, self.problems)
            }
        }
    }
}

impl Drop for Fields<'_, '_> {
    fn drop(&mut self) {
        let mut known = std::mem::take(self.known.get_mut());
        known.sort_unstable();
        known.dedup();
        let Some(map) = self.map else { return };
        for (name, value) in map {
            if !value.is_null() && !known.contains(&name.as_str()) && !known.contains(&ANY) {
                let path = self.path_of(name);
                let what = match known.as_slice() {
                    [] => format!("{} is unknown: nothing is expected here.", quoted(&path)),
                    known => format!("{} is unknown. Known here: {}.", quoted(&path), listed(known, ", ")),
                };
                self.problems.add("UnknownField", &path, &what);
            }
        }
    }
}
