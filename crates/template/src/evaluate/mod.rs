//! Working expressions out.
//!
//! An [`Evaluator`] belongs to one deployment. What it gives follows from the template, the parameters'
//! values and the [`Facts`], and, where resources may be referred to, from what is known of them; so the same
//! is given again after a restart.
//!
//! It also watches which secrets and references an expression has used ([`Marks`]), a variable's own too:
//! what has used a secret is neither shown nor repeated in an error.

mod call;
mod loops;
mod resources;
mod special;
#[cfg(test)]
pub(crate) mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::{Reference, Stop, quoted};
use crate::expression::{self, Expression, Text};
use crate::facts::Facts;
use crate::limits::{EVALUATION_BYTES_MAX, EVALUATION_DEPTH_MAX};
pub(crate) use resources::Known;
use resources::Resources;

use crate::value::{VALUE_BYTES, bytes_of, kind_of, member, same_name};

/// Where an expression stands: what it may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The default of a parameter: the time and new ids, and no variables.
    Default,
    /// A variable, and whatever is decided before any resource is made: names, conditions, counts.
    Plan,
    /// Properties of resources, and outputs: also other resources.
    Properties,
}

/// One turn of a loop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Loop {
    /// Its name.
    pub name: String,
    /// The number of the turn, from 0.
    pub index: u64,
}

/// The value of a parameter.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Given {
    pub value: Value,
    pub secret: bool,
}

/// A variable, as it is written.
pub(crate) enum Variable {
    /// A value.
    Value(Value),
    /// A loop that makes its items.
    Loop(Value),
}

/// What is known of resources: their whole documents.
pub type Documents = BTreeMap<Reference, Value>;

/// The surroundings of an expression.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'f> {
    pub place: Place,
    /// The loops it is in, the innermost last.
    pub loops: &'f [Loop],
    /// What is known of resources.
    pub documents: Option<&'f Documents>,
    /// Whether expressions stay as they are written that use a secret, or a resource that is not known.
    pub shows: bool,
}

/// What an expression has used.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Marks {
    /// A secret parameter.
    pub secret: bool,
    /// Another resource.
    pub reference: bool,
    /// Something was left as it is written.
    pub unknown: bool,
}

impl Marks {
    fn and(self, other: Marks) -> Marks {
        Marks {
            secret: self.secret || other.secret,
            reference: self.reference || other.reference,
            unknown: self.unknown || other.unknown,
        }
    }
}

/// Works out the expressions of a deployment.
pub(crate) struct Evaluator {
    facts: Facts,
    variables: BTreeMap<String, Variable>,
    /// Parameters that have a value, by name in small letters.
    parameters: RefCell<BTreeMap<String, Given>>,
    /// Variables that were worked out, by name as it is written.
    known: RefCell<BTreeMap<String, (Value, Marks)>>,
    /// Names of variables that are being worked out.
    under_way: RefCell<Vec<String>>,
    /// The resources of the template.
    resources: RefCell<Resources>,
    marks: Cell<Marks>,
    depth: Cell<usize>,
    bytes_left: Cell<u64>,
    guids: Cell<u32>,
}

impl Evaluator {
    /// For these variables, as the template has them.
    pub(crate) fn new(facts: Facts, variables: &Map<String, Value>) -> Evaluator {
        Evaluator {
            facts,
            variables: loops::variables(variables),
            parameters: RefCell::default(),
            known: RefCell::default(),
            under_way: RefCell::default(),
            resources: RefCell::default(),
            marks: Cell::default(),
            depth: Cell::new(0),
            bytes_left: Cell::new(EVALUATION_BYTES_MAX),
            guids: Cell::new(0),
        }
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Gives a parameter its value.
    pub(crate) fn give(&self, name: &str, given: Given) {
        self.parameters.borrow_mut().insert(name.to_lowercase(), given);
    }

    /// Says which resources there are.
    pub(crate) fn set_resources(&self, resources: Vec<Known>) {
        *self.resources.borrow_mut() = Resources::new(resources);
    }

    /// The number of the resource of the template that an id or a name means.
    pub(crate) fn resource_named(&self, text: &str) -> Result<Option<usize>, Stop> {
        self.resources.borrow().named(text)
    }

    /// Begins a piece of work with a whole allowance.
    pub(crate) fn allow(&self) {
        self.bytes_left.set(EVALUATION_BYTES_MAX);
    }

    /// Works something out; also gives what it has used.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> Result<T, Stop>) -> Result<(T, Marks), Stop> {
        self.depth.set(0);
        self.under_way.borrow_mut().clear();
        self.marks.set(Marks::default());
        let done = work()?;
        Ok((done, self.marks.get()))
    }

    /// What was used so far by what is being worked out.
    pub(crate) fn marks(&self) -> Marks {
        self.marks.get()
    }

    /// Works out everything in a value.
    pub(crate) fn value(&self, frame: &Frame<'_>, value: &Value) -> Result<Value, Stop> {
        let _level = self.enter()?;
        self.take(VALUE_BYTES)?;
        match value {
            Value::String(text) => self.text(frame, text),
            Value::Array(items) => {
                let item =
                    |(at, item)| self.value(frame, item).map_err(|stop| stop.within(format!("[{at}]")));
                Ok(Value::Array(items.iter().enumerate().map(item).collect::<Result<_, _>>()?))
            }
            Value::Object(members) => self.object(frame, members),
            other => Ok(other.clone()),
        }
    }

    fn object(&self, frame: &Frame<'_>, members: &Map<String, Value>) -> Result<Value, Stop> {
        let mut object = Map::new();
        for (name, value) in members {
            let within = |stop: Stop| stop.within(name.as_str());
            if loops::is_of_properties(name, value) && frame.place != Place::Default {
                self.expand(frame, value, &mut object).map_err(within)?;
                continue;
            }
            let name = match self.text(frame, name).map_err(within)? {
                Value::String(name) => name,
                other => {
                    let why = format!("the name of a member has to be a text, not {}.", kind_of(&other));
                    return Err(within(Stop::wrong(why)));
                }
            };
            object.insert(name, self.value(frame, value).map_err(within)?);
        }
        Ok(Value::Object(object))
    }

    /// Works out a text.
    fn text(&self, frame: &Frame<'_>, text: &str) -> Result<Value, Stop> {
        // Also an expression that gives little is read each time.
        self.take(text.len() as u64)?;
        let expression = match expression::read(text)? {
            Text::Literal(literal) => return Ok(json!(literal)),
            Text::Expression(expression) => expression,
        };
        let before = self.marks.replace(Marks::default());
        let depth = self.depth.get();
        let result = self.expression(frame, &expression);
        let mut marks = self.marks.get();
        let stays = frame.shows
            && match &result {
                Ok(_) => marks.secret,
                Err(Stop::Needs(_)) => true,
                Err(Stop::Wrong(..)) => marks.reference,
            };
        if stays {
            self.depth.set(depth);
            marks.unknown = true;
        }
        self.marks.set(before.and(marks));
        match result {
            _ if stays => Ok(json!(text)),
            Err(Stop::Wrong(places, _)) if marks.secret => {
                let why = "an expression that uses a secure parameter cannot be worked out: nothing of it is shown.";
                Err(Stop::Wrong(places, why.to_owned()))
            }
            other => other,
        }
    }

    /// Works out an expression.
    pub(crate) fn expression(&self, frame: &Frame<'_>, expression: &Expression) -> Result<Value, Stop> {
        let _level = self.enter()?;
        let value = match expression {
            Expression::Text(text) => json!(text),
            Expression::Number(number) => json!(number),
            Expression::Call(name, arguments) => self.call(frame, name, arguments)?,
            Expression::Member(of, name) => member_of(&self.expression(frame, of)?, name)?,
            Expression::Index(of, by) => {
                let (of, by) = (self.expression(frame, of)?, self.expression(frame, by)?);
                match (&of, &by) {
                    (_, Value::String(name)) => member_of(&of, name)?,
                    (Value::Array(items), Value::Number(index)) => item_of(items, index.as_i64())?,
                    _ => {
                        let why = format!("{} cannot be indexed with {}.", kind_of(&of), kind_of(&by));
                        return Err(Stop::wrong(why));
                    }
                }
            }
        };
        self.charge(&value)?;
        Ok(value)
    }

    /// The value of a variable.
    fn variable(&self, name: &str) -> Result<Value, Stop> {
        let found = self.variables.get_key_value(name);
        let found = found.or_else(|| self.variables.iter().find(|(other, _)| same_name(other, name)));
        let Some((name, variable)) = found else {
            return Err(Stop::wrong(format!("the variable {} is not defined.", quoted(name))));
        };
        if let Some((value, marks)) = self.known.borrow().get(name) {
            self.marks.set(self.marks.get().and(*marks));
            return Ok(value.clone());
        }
        self.begin(name)?;
        let before = self.marks.replace(Marks::default());
        let frame = Frame { place: Place::Plan, loops: &[], documents: None, shows: false };
        let value = match variable {
            Variable::Value(value) => self.value(&frame, value),
            Variable::Loop(of) => self.members(&frame, of).map(|(_, items)| Value::Array(items)),
        };
        let marks = self.marks.get();
        self.marks.set(before.and(marks));
        self.under_way.borrow_mut().pop();
        let value = value.map_err(|stop| stop.within(name.as_str()).within("variables"))?;
        self.known.borrow_mut().insert(name.clone(), (value.clone(), marks));
        Ok(value)
    }

    /// Begins to work out something by name, which must not need itself.
    fn begin(&self, name: &str) -> Result<(), Stop> {
        let mut under_way = self.under_way.borrow_mut();
        if let Some(at) = under_way.iter().position(|other| other == name) {
            let circle = under_way[at..].join(" -> ");
            return Err(Stop::wrong(format!("there is a circle: {circle} -> {name}.")));
        }
        under_way.push(name.to_owned());
        Ok(())
    }

    fn enter(&self) -> Result<Level<'_>, Stop> {
        let depth = self.depth.get();
        if depth >= EVALUATION_DEPTH_MAX {
            let why = format!("more than {EVALUATION_DEPTH_MAX} values are inside each other.");
            return Err(Stop::wrong(why));
        }
        self.depth.set(depth + 1);
        Ok(Level(&self.depth))
    }

    /// Takes what a value needs from the allowance.
    fn charge(&self, value: &Value) -> Result<(), Stop> {
        self.take(bytes_of(value).map_err(Stop::wrong)?)
    }

    /// Takes so many bytes from the allowance.
    fn take(&self, bytes: u64) -> Result<(), Stop> {
        match self.bytes_left.get().checked_sub(bytes) {
            Some(left) => self.bytes_left.set(left),
            None => {
                let why = format!("to work this out takes more than {EVALUATION_BYTES_MAX} bytes.");
                return Err(Stop::wrong(why));
            }
        }
        Ok(())
    }
}

/// One level of what is being worked out; dropped, it is left.
struct Level<'l>(&'l Cell<usize>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

fn member_of(of: &Value, name: &str) -> Result<Value, Stop> {
    let Value::Object(members) = of else {
        return Err(Stop::wrong(format!("{} has no member {}.", kind_of(of), quoted(name))));
    };
    member(members, name).cloned().ok_or_else(|| {
        let names: Vec<&str> = members.keys().map(String::as_str).take(20).collect();
        Stop::wrong(format!("there is no member {}; there are: {}.", quoted(name), names.join(", ")))
    })
}

fn item_of(items: &[Value], index: Option<i64>) -> Result<Value, Stop> {
    let item = index.and_then(|index| usize::try_from(index).ok()).and_then(|index| items.get(index));
    item.cloned().ok_or_else(|| {
        Stop::wrong(format!(
            "the index is outside of the list, which has {} items, counted from 0.",
            items.len()
        ))
    })
}
