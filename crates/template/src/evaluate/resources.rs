//! The resources of the template, found by id and by name.

use std::collections::HashMap;

use isobar_arm::ResourceId;

use crate::error::{Reference, Stop, quoted};

/// What a resource of the template is called.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub reference: Reference,
    /// Its names, one below the other.
    pub name: String,
    /// Whether its condition holds: of two definitions of one resource, one at most is made.
    pub is_made: bool,
}

/// All of them.
#[derive(Default)]
pub(super) struct Resources {
    all: Vec<Known>,
    by_key: HashMap<String, usize>,
    /// By their names, and by `Namespace/type/name`, in small letters.
    by_name: HashMap<String, Vec<usize>>,
}

impl Resources {
    pub(super) fn new(all: Vec<Known>) -> Resources {
        let mut by_key: HashMap<String, usize> = HashMap::new();
        for (at, known) in all.iter().enumerate() {
            let at_key = by_key.entry(known.reference.id.key().to_owned()).or_insert(at);
            if known.is_made {
                *at_key = at;
            }
        }
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (key, at) in &by_key {
            let end = key.rsplit_once("/providers/").map_or("", |(_, end)| end);
            for name in [all[*at].name.to_lowercase(), end.to_owned()] {
                by_name.entry(name).or_default().push(*at);
            }
        }
        Resources { all, by_key, by_name }
    }

    pub(super) fn get(&self, at: usize) -> Option<&Known> {
        self.all.get(at)
    }

    /// The number of the one that an id or a name means.
    pub(super) fn named(&self, text: &str) -> Result<Option<usize>, Stop> {
        if text.starts_with('/') {
            let id = ResourceId::parse(text).ok();
            return Ok(id.and_then(|id| self.by_key.get(id.key())).copied());
        }
        match self.by_name.get(&text.to_lowercase()).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([one]) => Ok(Some(*one)),
            Some(_) => Err(Stop::wrong(format!(
                "{} means several resources of the template: name it with resourceId().",
                quoted(text)
            ))),
        }
    }
}
