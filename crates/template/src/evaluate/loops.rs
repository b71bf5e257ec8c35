//! Loops: one definition, made so many times.
//!
//! ```text
//! of a resource or an output   "copy": {"name": "n", "count": 3, "mode": "serial", "batchSize": 1}
//! of properties and variables  "copy": [{"name": "disks", "count": 3, "input": {…}}]
//! ```

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Evaluator, Frame, Loop, Variable};
use crate::error::{Stop, quoted};
use crate::limits::COPIES_MAX;
use crate::value::{VALUE_BYTES, kind_of};

/// Whether a member of an object is a list of loops that make further members.
pub(super) fn is_of_properties(name: &str, value: &Value) -> bool {
    name.eq_ignore_ascii_case("copy") && value.is_array()
}

/// Variables by name, those that loops make among them.
pub(super) fn variables(written: &Map<String, Value>) -> BTreeMap<String, Variable> {
    let mut variables = BTreeMap::new();
    for (name, value) in written {
        if !is_of_properties(name, value) {
            variables.insert(name.clone(), Variable::Value(value.clone()));
            continue;
        }
        for of in value.as_array().into_iter().flatten() {
            if let Some(name) = of.get("name").and_then(Value::as_str) {
                variables.insert(name.to_owned(), Variable::Loop(of.clone()));
            }
        }
    }
    variables
}

impl Evaluator {
    /// Makes the members of these loops.
    pub(super) fn expand(
        &self,
        frame: &Frame<'_>,
        loops: &Value,
        into: &mut Map<String, Value>,
    ) -> Result<(), Stop> {
        for (at, of) in loops.as_array().into_iter().flatten().enumerate() {
            let within = |stop: Stop| stop.within(format!("[{at}]"));
            let (name, items) = self.members(frame, of).map_err(within)?;
            if into.insert(name.clone(), Value::Array(items)).is_some() {
                return Err(within(Stop::wrong(format!("there are two members {}.", quoted(&name)))));
            }
        }
        Ok(())
    }

    pub(super) fn members(&self, frame: &Frame<'_>, of: &Value) -> Result<(String, Vec<Value>), Stop> {
        let Value::Object(members) = of else {
            return Err(Stop::wrong(format!("a loop has to be an object, not {}.", kind_of(of))));
        };
        if let Some(other) = members.keys().find(|name| !["name", "count", "input"].contains(&name.as_str()))
        {
            return Err(Stop::wrong(format!(
                "{} is unknown. Known here: count, input, name.",
                quoted(other)
            )));
        }
        let name = members.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Stop::wrong("a loop needs a name."))?;
        let count = self.count(frame, members.get("count"))?;
        let input =
            members.get("input").ok_or_else(|| Stop::wrong("a loop of properties needs an input."))?;
        let mut items = Vec::new();
        for index in 0..count {
            let mut loops = frame.loops.to_vec();
            loops.push(Loop { name: name.to_owned(), index });
            self.take(loops.iter().map(|of| VALUE_BYTES + of.name.len() as u64).sum())?;
            let item = self.value(&Frame { loops: &loops, ..*frame }, input);
            items.push(item.map_err(|stop| stop.within("input"))?);
        }
        Ok((name.to_owned(), items))
    }

    /// How many turns there are.
    pub(crate) fn count(&self, frame: &Frame<'_>, count: Option<&Value>) -> Result<u64, Stop> {
        let within = |stop: Stop| stop.within("count");
        let count = count.ok_or_else(|| Stop::wrong("a loop needs a count."))?;
        let value = self.value(frame, count).map_err(within)?;
        let count = value.as_u64().filter(|count| *count <= COPIES_MAX);
        count.ok_or_else(|| {
            within(Stop::wrong(format!("a count has to be a whole number, 0 to {COPIES_MAX}.")))
        })
    }
}
