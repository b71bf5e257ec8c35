//! What has to be there before what: `dependsOn`, references, parents, and loops that are made in turns.

use std::collections::{HashMap, HashSet};

use isobar_arm::ArmError;
use serde_json::Value;

use crate::error::{Stop, invalid, quoted, refusal};
use crate::evaluate::Evaluator;
use crate::expand::{Draft, frame};
use crate::expression::{self, Expression, Text};

/// For each resource the numbers of those that have to be there before.
pub(crate) fn dependencies(evaluator: &Evaluator, drafts: &[Draft]) -> Result<Vec<Vec<usize>>, ArmError> {
    let mut loops: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        if let Some(of) = draft.loops.first() {
            loops.entry(of.name.to_lowercase()).or_default().push(at);
        }
    }
    let mut all = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        let mut needed = Vec::new();
        let mut seen = HashSet::new();
        for (number, text) in draft.depends_on.iter().enumerate() {
            let within = |stop: Stop| {
                refusal(stop.within(format!("[{number}]")).within("dependsOn").within(draft.place.as_str()))
            };
            if seen.insert(text.to_lowercase()) {
                needed.extend(meant(evaluator, &loops, text).map_err(within)?);
            }
        }
        needed.extend(parents(evaluator, draft));
        for value in draft.body.members.values().chain(&draft.body.properties) {
            referred(evaluator, draft, value, &mut needed);
        }
        needed.extend(earlier_turns(drafts, draft));
        needed.retain(|other| drafts[*other].is_made);
        needed.sort_unstable();
        needed.dedup();
        if needed.contains(&at) {
            return Err(invalid(&draft.place, "the resource depends on itself."));
        }
        all.push(needed);
    }
    Ok(all)
}

/// The resources that an id, a name, or the name of a loop means.
fn meant(evaluator: &Evaluator, loops: &HashMap<String, Vec<usize>>, text: &str) -> Result<Vec<usize>, Stop> {
    match (evaluator.resource_named(text)?, loops.get(&text.to_lowercase())) {
        (Some(at), _) => Ok(vec![at]),
        (None, Some(copies)) => Ok(copies.clone()),
        (None, None) => {
            let why = format!("{} is not defined in the template, as a resource or as a loop.", quoted(text));
            Err(Stop::wrong(why))
        }
    }
}

/// What a resource is in, or extends.
fn parents(evaluator: &Evaluator, draft: &Draft) -> Vec<usize> {
    let above = draft.id.outwards().into_iter().skip(1);
    above.filter_map(|id| evaluator.resource_named(&id.to_string()).ok().flatten()).collect()
}

/// What the expressions of a value refer to. What cannot be worked out here is told when it is needed.
fn referred(evaluator: &Evaluator, draft: &Draft, value: &Value, into: &mut Vec<usize>) {
    match value {
        Value::String(text) => {
            let Ok(Text::Expression(expression)) = expression::read(text) else { return };
            expression.each_call("reference", &mut |arguments| {
                into.extend(arguments.first().and_then(|first| target(evaluator, draft, first)));
            });
        }
        Value::Array(items) => items.iter().for_each(|item| referred(evaluator, draft, item, into)),
        Value::Object(members) => members.values().for_each(|item| referred(evaluator, draft, item, into)),
        _ => {}
    }
}

fn target(evaluator: &Evaluator, draft: &Draft, argument: &Expression) -> Option<usize> {
    let frame = frame(&draft.loops);
    let (value, _) = evaluator.run(|| evaluator.expression(&frame, argument)).ok()?;
    evaluator.resource_named(value.as_str()?).ok().flatten()
}

/// The copies of its loop that were made in turns before its own.
fn earlier_turns(drafts: &[Draft], draft: &Draft) -> Vec<usize> {
    let (Some(of), Some(size)) = (draft.loops.first(), draft.batch_size) else { return Vec::new() };
    let before = |other: &Draft| {
        let other = other.loops.first().filter(|other| other.name == of.name);
        other.is_some_and(|other| other.index / size < of.index / size)
    };
    (0..drafts.len()).filter(|at| before(&drafts[*at])).collect()
}

/// The numbers of all that are made, each behind what it depends on; beside that in their own order.
///
/// # Errors
/// A circle, which is named.
pub(crate) fn ordered(drafts: &[Draft], needed: &[Vec<usize>]) -> Result<Vec<usize>, ArmError> {
    let mut open: Vec<usize> = (0..drafts.len()).filter(|at| drafts[*at].is_made).collect();
    let mut is_done = vec![false; drafts.len()];
    let mut order = Vec::new();
    while !open.is_empty() {
        let before = order.len();
        open.retain(|at| {
            let ready = needed[*at].iter().all(|other| is_done[*other]);
            if ready {
                is_done[*at] = true;
                order.push(*at);
            }
            !ready
        });
        if order.len() == before {
            let circle: Vec<String> =
                circle(&open, needed, &is_done).into_iter().map(|at| drafts[at].name.clone()).collect();
            let why = format!("the resources depend on each other in a circle: {}.", circle.join(" -> "));
            return Err(invalid("resources", &why));
        }
    }
    Ok(order)
}

/// A circle among those that are left: whoever goes from one to what it needs comes back some day.
fn circle(open: &[usize], needed: &[Vec<usize>], is_done: &[bool]) -> Vec<usize> {
    let mut way: Vec<usize> = open.first().copied().into_iter().collect();
    while let Some(at) = way.last() {
        let next = needed[*at].iter().copied().find(|other| !is_done[*other]);
        let Some(next) = next else { break };
        if let Some(begin) = way.iter().position(|passed| *passed == next) {
            way.drain(..begin);
            way.push(next);
            return way;
        }
        way.push(next);
    }
    way
}
