//! From definitions to resources: loops, conditions, children, ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use isobar_arm::ResourceId;
use serde_json::Value;

use crate::document::{Body, Resource};
use crate::error::{Stop, quoted};
use crate::evaluate::{Evaluator, Frame, Loop, Place};
use crate::identifiers::id_of;
use crate::limits::RESOURCES_MAX;
use crate::value::kind_of;

/// A resource of a template, before it is known what it depends on.
pub(crate) struct Draft {
    pub id: ResourceId,
    pub api_version: String,
    /// Its names, one below the other: `cluster/node`.
    pub name: String,
    /// Where it is in the template.
    pub place: String,
    /// Whether its condition holds.
    pub is_made: bool,
    /// What it depends on, as it is written.
    pub depends_on: Vec<String>,
    pub body: Arc<Body>,
    pub loops: Vec<Loop>,
    /// How many copies of its loop are made at a time.
    pub batch_size: Option<u64>,
}

/// The type and the names of what a child is in.
type Parent<'p> = Option<(&'p str, &'p str)>;

/// Makes all resources.
pub(crate) fn expand(evaluator: &Evaluator, definitions: &[Resource]) -> Result<Vec<Draft>, Stop> {
    let mut drafts = Vec::new();
    for definition in definitions {
        let within = |stop: Stop| stop.within(definition.place.as_str());
        let frame = frame(&[]);
        let copy = definition.copy.as_ref();
        let Some(copy) = copy else {
            one(evaluator, definition, None, &[], &mut drafts).map_err(within)?;
            continue;
        };
        let counted = evaluator.run(|| evaluator.count(&frame, Some(&copy.count)));
        let (count, _) = counted.map_err(|stop| within(stop.within("copy")))?;
        for index in 0..count {
            let loops = [Loop { name: copy.name.clone(), index }];
            one(evaluator, definition, None, &loops, &mut drafts).map_err(within)?;
        }
    }
    let mut places: BTreeMap<&str, &str> = BTreeMap::new();
    for draft in drafts.iter().filter(|draft| draft.is_made) {
        if let Some(other) = places.insert(draft.id.key(), &draft.place) {
            let why =
                format!("the resource {} is defined at '{other}' as well.", quoted(&draft.id.to_string()));
            return Err(Stop::wrong(why).within(draft.place.as_str()));
        }
    }
    Ok(drafts)
}

/// The surroundings of what is decided before resources are made.
pub(crate) fn frame(loops: &[Loop]) -> Frame<'_> {
    Frame { place: Place::Plan, loops, documents: None, shows: false }
}

/// One resource, and its children.
fn one(
    evaluator: &Evaluator,
    definition: &Resource,
    parent: Parent<'_>,
    loops: &[Loop],
    drafts: &mut Vec<Draft>,
) -> Result<(), Stop> {
    if drafts.len() == RESOURCES_MAX {
        return Err(Stop::wrong(format!("a template makes at most {RESOURCES_MAX} resources.")));
    }
    let (made, _) = evaluator.run(|| draft(evaluator, definition, parent, loops))?;
    let (draft, kind) = made;
    let name = draft.name.clone();
    drafts.push(draft);
    for child in &definition.children {
        let stop = |stop: Stop| Stop::within(stop, inner_place(&definition.place, &child.place));
        one(evaluator, child, Some((&kind, &name)), loops, drafts).map_err(stop)?;
    }
    Ok(())
}

/// Where a child is, as seen from its parent.
fn inner_place(parent: &str, child: &str) -> String {
    child.strip_prefix(parent).unwrap_or(child).trim_start_matches('.').to_owned()
}

fn draft(
    evaluator: &Evaluator,
    definition: &Resource,
    parent: Parent<'_>,
    loops: &[Loop],
) -> Result<(Draft, String), Stop> {
    let frame = frame(loops);
    let text = |member: &str, value: &Value| {
        shown_text(evaluator, &frame, value).map_err(|stop| stop.within(member))
    };
    let mut kind = text("type", &definition.kind)?;
    let mut name = text("name", &definition.name)?;
    if let Some((of_parent, parent)) = parent {
        kind = format!("{of_parent}/{kind}");
        name = format!("{parent}/{name}");
    }
    let group = &evaluator.facts().group;
    let scope = match &definition.scope {
        None => group.to_string(),
        Some(scope) => {
            let scope = text("scope", scope)?;
            if scope.starts_with('/') { scope } else { format!("{group}/providers/{scope}") }
        }
    };
    let api_version = text("apiVersion", &definition.api_version)?;
    let depends_on = definition.depends_on.iter().enumerate().map(|(at, value)| {
        let within = |stop: Stop| stop.within(format!("[{at}]")).within("dependsOn");
        shown_text(evaluator, &frame, value).map_err(within)
    });
    let depends_on = depends_on.collect::<Result<_, _>>()?;
    // Behind all that must not use a secret: whether a resource is made may depend on one.
    let is_made = match &definition.condition {
        None => true,
        Some(condition) => {
            let within = |stop: Stop| stop.within("condition");
            let value = evaluator.value(&frame, condition).map_err(within)?;
            let wrong = || {
                within(Stop::wrong(format!("a condition has to be of type bool, not {}.", kind_of(&value))))
            };
            value.as_bool().ok_or_else(wrong)?
        }
    };
    let names: Vec<&str> = name.split('/').collect();
    let id = id_of(&scope, &kind, &names).map_err(|why| Stop::wrong(why).within("name"))?;
    if !id.is_within(group) {
        let why = format!("{} is outside of the resource group of the deployment.", quoted(&id.to_string()));
        return Err(Stop::wrong(why).within("scope"));
    }
    let draft = Draft {
        id,
        api_version,
        name: name.clone(),
        place: placed(&definition.place, loops),
        is_made,
        depends_on,
        body: definition.body.clone(),
        loops: loops.to_vec(),
        batch_size: definition.copy.as_ref().and_then(|copy| copy.batch_size),
    };
    Ok((draft, kind))
}

/// The place of a definition, and which copy it is.
fn placed(place: &str, loops: &[Loop]) -> String {
    match loops.first() {
        None => place.to_owned(),
        Some(of) => format!("{place} (copy {} of {})", of.index, of.name),
    }
}

/// A text that is kept and told: nothing that was worked out so far may have used a secret.
fn shown_text(evaluator: &Evaluator, frame: &Frame<'_>, value: &Value) -> Result<String, Stop> {
    match evaluator.value(frame, value)? {
        _ if evaluator.marks().secret => {
            Err(Stop::wrong("it uses a secure parameter, which would be kept and shown here."))
        }
        Value::String(text) => Ok(text),
        other => Err(Stop::wrong(format!("it has to be a text, not {}.", kind_of(&other)))),
    }
}
