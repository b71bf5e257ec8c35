//! Functions of the surroundings: parameters, variables, loops, where and when something is deployed, ids,
//! and other resources.

use isobar_arm::ResourceId;
use serde_json::{Value, json};

use super::{Evaluator, Frame, Place};
use crate::error::{Reference, Stop, quoted};
use crate::functions::{Arguments, check_count, guid_of, utc_now};
use crate::identifiers::{extension_resource_id, resource_id, subscription_resource_id, tenant_resource_id};
use crate::value::same_name;

/// Names and numbers of arguments.
const SPECIAL: &[(&str, (usize, usize))] = &[
    ("parameters", (1, 1)),
    ("variables", (1, 1)),
    ("copyIndex", (0, 2)),
    ("resourceGroup", (0, 0)),
    ("subscription", (0, 0)),
    ("deployment", (0, 0)),
    ("tenant", (0, 0)),
    ("environment", (0, 0)),
    ("resourceId", (2, usize::MAX)),
    ("subscriptionResourceId", (2, usize::MAX)),
    ("tenantResourceId", (2, usize::MAX)),
    ("extensionResourceId", (3, usize::MAX)),
    ("reference", (1, 3)),
    ("utcNow", (0, 1)),
    ("newGuid", (0, 0)),
];

/// Whether there is such a function; `lower` is its name in small letters.
pub(super) fn is_known(lower: &str) -> bool {
    SPECIAL.iter().any(|(name, _)| name.eq_ignore_ascii_case(lower))
}

/// Their names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SPECIAL.iter().map(|(name, _)| *name)
}

impl Evaluator {
    pub(super) fn special(
        &self,
        frame: &Frame<'_>,
        lower: &str,
        arguments: &Arguments<'_>,
    ) -> Result<Value, Stop> {
        let known = SPECIAL.iter().find(|(name, _)| name.eq_ignore_ascii_case(lower));
        let (name, count) = *known.ok_or_else(|| Stop::wrong("the function is not known."))?;
        check_count(name, count, arguments.0.len()).map_err(Stop::wrong)?;
        let named = |why: String| Stop::wrong(format!("'{name}': {why}"));
        let group = &self.facts.group;
        let texts = || -> Result<Vec<&str>, Stop> {
            (0..arguments.0.len()).map(|at| arguments.text(at).map_err(named)).collect()
        };
        let id = |made: Result<ResourceId, String>| made.map(|id| json!(id)).map_err(named);
        match name {
            "parameters" => self.parameter(arguments.text(0).map_err(named)?),
            "variables" if frame.place == Place::Default => {
                Err(named("defaults of parameters use no variables.".to_owned()))
            }
            "variables" => self.variable(arguments.text(0).map_err(named)?),
            "copyIndex" => copy_index(frame, arguments).map_err(named),
            "resourceGroup" => Ok(self.facts.group_document.clone()),
            "subscription" => Ok(self.facts.subscription_document()),
            "deployment" => Ok(self.facts.deployment_document()),
            "tenant" => Ok(json!({"tenantId": self.facts.tenant})),
            "environment" => Ok(self.facts.environment_document()),
            "resourceId" => id(resource_id(group, &texts()?)),
            "subscriptionResourceId" => id(subscription_resource_id(group, &texts()?)),
            "tenantResourceId" => id(tenant_resource_id(&texts()?)),
            "extensionResourceId" => id(extension_resource_id(&texts()?)),
            "reference" => self.reference(frame, arguments).map_err(|stop| match stop {
                Stop::Wrong(_, why) => named(why),
                needs @ Stop::Needs(_) => needs,
            }),
            _ if frame.place != Place::Default => {
                Err(named("it can be used in the default of a parameter, and nowhere else.".to_owned()))
            }
            "utcNow" => {
                let format = arguments.get(0).map(|_| arguments.text(0)).transpose().map_err(named)?;
                utc_now(self.facts.now(), format).map(|text| json!(text)).map_err(named)
            }
            _ => {
                self.guids.set(self.guids.get() + 1);
                Ok(json!(guid_of(&format!("{} {}", self.facts.seed, self.guids.get()))))
            }
        }
    }

    fn parameter(&self, name: &str) -> Result<Value, Stop> {
        let parameters = self.parameters.borrow();
        let Some(given) = parameters.get(&name.to_lowercase()) else {
            return Err(Stop::wrong(format!("the parameter {} is not defined.", quoted(name))));
        };
        let mut marks = self.marks.get();
        marks.secret |= given.secret;
        self.marks.set(marks);
        Ok(given.value.clone())
    }

    /// What is known of another resource.
    fn reference(&self, frame: &Frame<'_>, arguments: &Arguments<'_>) -> Result<Value, Stop> {
        if frame.place != Place::Properties {
            let why = "it can be used in properties of resources and in outputs, and nowhere else.";
            return Err(Stop::wrong(why));
        }
        let mut marks = self.marks.get();
        marks.reference = true;
        self.marks.set(marks);
        let text = arguments.text(0).map_err(Stop::wrong)?;
        let whole = match arguments.get(2) {
            None => false,
            Some(Value::String(word)) if word.eq_ignore_ascii_case("full") => true,
            Some(_) => return Err(Stop::wrong("argument 3 can be 'Full', for the whole resource.")),
        };
        let version = arguments.get(1).map(|_| arguments.text(1)).transpose().map_err(Stop::wrong)?;
        let reference = self.referred(text, version)?;
        let document = frame.documents.and_then(|documents| documents.get(&reference));
        let document = document.ok_or(Stop::Needs(reference))?;
        match whole {
            true => Ok(document.clone()),
            false => Ok(document.get("properties").cloned().unwrap_or_default()),
        }
    }

    /// Which resource an id or a name means.
    fn referred(&self, text: &str, version: Option<&str>) -> Result<Reference, Stop> {
        let at = self.resource_named(text)?;
        let resources = self.resources.borrow();
        let known = at.and_then(|at| resources.get(at));
        let (id, version) = match known {
            Some(known) => {
                let reference = &known.reference;
                (reference.id.clone(), version.unwrap_or(&reference.api_version).to_owned())
            }
            None => {
                let id = ResourceId::parse(text).map_err(|_| {
                    let why = "is neither the name of a resource of the template nor the id of another one";
                    Stop::wrong(format!("{} {why}.", quoted(text)))
                })?;
                let why =
                    "argument 2 has to be the version of the API, since the resource is not in the template.";
                (id, version.ok_or_else(|| Stop::wrong(why))?.to_owned())
            }
        };
        Ok(Reference { id, api_version: version })
    }
}

/// The number of the copy: of the innermost loop, or of the one that is named, and an offset.
fn copy_index(frame: &Frame<'_>, arguments: &Arguments<'_>) -> Result<Value, String> {
    let (name, offset) = match (arguments.get(0), arguments.get(1)) {
        (None, _) => (None, 0),
        (Some(Value::String(name)), None) => (Some(name.as_str()), 0),
        (Some(Value::String(name)), Some(_)) => (Some(name.as_str()), arguments.int(1)?),
        (Some(_), None) => (None, arguments.int(0)?),
        (Some(_), Some(_)) => return Err(arguments.wrong(0, "string, the name of a loop")),
    };
    let of = match name {
        None => frame.loops.last(),
        Some(name) => frame.loops.iter().rev().find(|of| same_name(&of.name, name)),
    };
    let of = of.ok_or_else(|| match name {
        None => "there is no loop here.".to_owned(),
        Some(name) => format!("there is no loop {} here.", quoted(name)),
    })?;
    let index = i64::try_from(of.index).ok().and_then(|index| index.checked_add(offset));
    index.map(|index| json!(index)).ok_or_else(|| "the number is too large.".to_owned())
}
