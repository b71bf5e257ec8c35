//! A deployment: a template with values for its parameters, and what becomes of them.

use std::sync::Arc;

use isobar_arm::{ArmError, ResourceId};
use serde_json::{Map, Value, json};

use crate::document::{Body, Output, Parameter, Template};
use crate::error::{Halt, Reference, Stop, invalid, refusal};
use crate::evaluate::{Documents, Evaluator, Frame, Known, Loop, Marks, Place};
use crate::expand::{Draft, expand};
use crate::facts::Facts;
use crate::order::{dependencies, ordered};
use crate::parameters::resolve;
use crate::value::{check_depth, kind_of};

/// A resource that is to be made.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its id.
    pub id: ResourceId,
    /// The version of the API to make it with.
    pub api_version: String,
    /// Where it is in the template.
    pub place: String,
    /// The numbers of the resources that have to be there before, all of them smaller than its own.
    pub depends_on: Vec<usize>,
    body: Arc<Body>,
    loops: Vec<Loop>,
}

/// The body of the request that makes a resource.
#[derive(Clone, PartialEq, Debug)]
pub struct Made {
    /// The body.
    pub body: Value,
    /// Whether secure parameters have been used: then nothing of it is to be shown.
    pub secret: bool,
}

/// The same as it can be shown before anything is made.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    /// The body.
    pub body: Value,
    /// Whether something in it is still an expression.
    pub unknown: bool,
}

/// A deployment.
pub struct Deployment {
    evaluator: Evaluator,
    definitions: Vec<Parameter>,
    values: Vec<Value>,
    outputs: Vec<Output>,
    resources: Vec<Planned>,
}

impl Deployment {
    /// Reads a template and gives its parameters these values, or their defaults. Given all values that
    /// [`parameters`](Deployment::parameters) and [`secrets`](Deployment::secrets) had, and the same facts,
    /// it is the same deployment again.
    ///
    /// # Errors
    /// `InvalidTemplate`, which names the place and what is right there.
    pub fn read(template: &Value, given: &Map<String, Value>, facts: Facts) -> Result<Deployment, ArmError> {
        let Template { parameters: definitions, variables, resources, outputs } = Template::read(template)?;
        let evaluator = Evaluator::new(facts, &variables);
        evaluator.allow();
        let values = resolve(&evaluator, &definitions, given)?;
        let drafts = expand(&evaluator, &resources).map_err(refusal)?;
        let known = |draft: &Draft| Known {
            reference: Reference { id: draft.id.clone(), api_version: draft.api_version.clone() },
            name: draft.name.clone(),
            is_made: draft.is_made,
        };
        evaluator.set_resources(drafts.iter().map(known).collect());
        let needed = dependencies(&evaluator, &drafts)?;
        let order = ordered(&drafts, &needed)?;
        let mut numbers = vec![None; drafts.len()];
        order.iter().enumerate().for_each(|(number, at)| numbers[*at] = Some(number));
        let mut resources = Vec::new();
        for at in &order {
            let draft = &drafts[*at];
            let mut depends_on: Vec<usize> = needed[*at].iter().filter_map(|other| numbers[*other]).collect();
            depends_on.sort_unstable();
            resources.push(Planned {
                id: draft.id.clone(),
                api_version: draft.api_version.clone(),
                place: draft.place.clone(),
                depends_on,
                body: draft.body.clone(),
                loops: draft.loops.clone(),
            });
        }
        let deployment = Deployment { evaluator, definitions, values, outputs, resources };
        deployment.check()?;
        Ok(deployment)
    }

    /// What is wrong already, before any resource is known.
    fn check(&self) -> Result<(), ArmError> {
        let nothing = Documents::new();
        (0..self.resources.len()).try_for_each(|at| self.shown_within(at, &nothing).map(drop))?;
        self.outputs
            .iter()
            .try_for_each(|output| self.output(output, &nothing, true).map(drop))
            .map_err(refusal)
    }

    /// The resources, each behind those that it depends on.
    pub fn resources(&self) -> &[Planned] {
        &self.resources
    }

    /// The values of parameters as ARM shows them: secure ones without their values.
    pub fn parameters(&self) -> Map<String, Value> {
        let of = |(definition, value): (&Parameter, &Value)| {
            let kind = definition.kind;
            let shown = match kind.is_secure() {
                true => json!({"type": kind.name()}),
                false => json!({"type": kind.name(), "value": value}),
            };
            (definition.name.clone(), shown)
        };
        self.definitions.iter().zip(&self.values).map(of).collect()
    }

    /// The values of secure parameters.
    pub fn secrets(&self) -> Map<String, Value> {
        let all = self.definitions.iter().zip(&self.values);
        let secure = all.filter(|(definition, _)| definition.kind.is_secure());
        secure.map(|(definition, value)| (definition.name.clone(), value.clone())).collect()
    }

    /// The body of the request that makes a resource, by its number.
    ///
    /// # Errors
    /// Another resource has to be known first, or something is wrong.
    pub fn body(&self, at: usize, documents: &Documents) -> Result<Made, Halt> {
        self.evaluator.allow();
        let (body, marks) = self.work_out(at, documents, false)?;
        Ok(Made { body, secret: marks.secret })
    }

    /// The same as it can be shown: expressions that use a secret, or what is not known, stay as they are.
    ///
    /// # Errors
    /// Something is wrong.
    pub fn shown(&self, at: usize, documents: &Documents) -> Result<Shown, ArmError> {
        self.evaluator.allow();
        self.shown_within(at, documents)
    }

    /// The same, of an allowance for all.
    fn shown_within(&self, at: usize, documents: &Documents) -> Result<Shown, ArmError> {
        let (body, marks) = self.work_out(at, documents, true).map_err(refusal)?;
        Ok(Shown { body, unknown: marks.unknown })
    }

    fn work_out(&self, at: usize, documents: &Documents, shows: bool) -> Result<(Value, Marks), Stop> {
        let planned = self.resources.get(at).ok_or_else(|| Stop::wrong("there is no such resource."))?;
        let frame = |place| Frame { place, loops: &planned.loops, documents: Some(documents), shows };
        let Body { members, properties } = &*planned.body;
        let work = || {
            let mut body = Map::new();
            for (name, value) in members {
                let value = self.evaluator.value(&frame(Place::Plan), value);
                body.insert(name.clone(), value.map_err(|stop| stop.within(name.as_str()))?);
            }
            if let Some(properties) = properties {
                let value = self.evaluator.value(&frame(Place::Properties), properties);
                body.insert("properties".to_owned(), value.map_err(|stop| stop.within("properties"))?);
            }
            let body = Value::Object(body);
            check_depth(&body).map_err(Stop::wrong)?;
            Ok(body)
        };
        self.evaluator.run(work).map_err(|stop: Stop| stop.within(planned.place.as_str()))
    }

    /// The outputs, as ARM shows them: secure ones without their values.
    ///
    /// # Errors
    /// A resource has to be known first, or something is wrong.
    pub fn outputs(&self, documents: &Documents) -> Result<Map<String, Value>, Halt> {
        self.evaluator.allow();
        let mut outputs = Map::new();
        for output in &self.outputs {
            if let Some(value) = self.output(output, documents, false)? {
                outputs.insert(output.name.clone(), value);
            }
        }
        Ok(outputs)
    }

    fn output(&self, output: &Output, documents: &Documents, shows: bool) -> Result<Option<Value>, Stop> {
        let within = |stop: Stop| stop.within(output.name.as_str()).within("outputs");
        let frame = Frame { place: Place::Properties, loops: &[], documents: Some(documents), shows };
        let work = || {
            if let Some(condition) = &output.condition {
                let plan = Frame { place: Place::Plan, shows: false, ..frame };
                let holds = self.evaluator.value(&plan, condition)?;
                let wrong =
                    || Stop::wrong(format!("a condition has to be of type bool, not {}.", kind_of(&holds)));
                if !holds.as_bool().ok_or_else(wrong)? {
                    return Ok(None);
                }
            }
            match (&output.copy, &output.value) {
                (None, Some(value)) => {
                    self.evaluator.value(&frame, value).map_err(|stop| stop.within("value")).map(Some)
                }
                (Some(copy), None) => {
                    let plan = Frame { place: Place::Plan, shows: false, ..frame };
                    let count = self.evaluator.count(&plan, Some(&copy.count))?;
                    let input = copy.input.as_ref().unwrap_or(&Value::Null);
                    let turn = |index| {
                        let loops = [Loop { name: copy.name.clone(), index }];
                        self.evaluator.value(&Frame { loops: &loops, ..frame }, input)
                    };
                    Ok(Some(Value::Array((0..count).map(turn).collect::<Result<_, _>>()?)))
                }
                _ => Err(Stop::wrong("an output has a value, or a loop with an input.")),
            }
        };
        let (value, marks) = self.evaluator.run(work).map_err(within)?;
        let Some(value) = value else { return Ok(None) };
        check_depth(&value).map_err(|why| within(Stop::wrong(why)))?;
        let kind = output.kind;
        if marks.secret && !kind.is_secure() {
            let why = "it uses a secure parameter, so its type has to be secure as well.";
            return Err(within(Stop::wrong(why)));
        }
        if !marks.unknown && !kind.has(&value) {
            let why = format!("the value has to be of type {}, not {}.", kind.name(), kind_of(&value));
            return Err(within(Stop::wrong(why)));
        }
        Ok(Some(match kind.is_secure() {
            true => json!({"type": kind.name()}),
            false => json!({"type": kind.name(), "value": value}),
        }))
    }
}

/// A template as it may be kept: without the defaults of secure parameters, which may be secrets.
///
/// # Errors
/// It is no object.
pub fn without_secrets(template: &Value) -> Result<Value, ArmError> {
    let Value::Object(members) = template else {
        return Err(invalid("", "a template has to be an object."));
    };
    let mut kept = members.clone();
    if let Some(Value::Object(parameters)) = kept.get_mut("parameters") {
        for parameter in parameters.values_mut() {
            let kind = parameter.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
            if let (true, Value::Object(definition)) = (kind.starts_with("secure"), parameter) {
                definition.remove("defaultValue");
                definition.remove("allowedValues");
            }
        }
    }
    Ok(Value::Object(kept))
}
