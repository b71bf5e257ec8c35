//! What is wrong with a template: where, and what would be right.
//!
//! While something is worked out the reason travels outwards, and each level adds where it is. At the edge of
//! this crate it becomes ARM's error `InvalidTemplate`.

use isobar_arm::{ArmError, ResourceId};

/// A resource that has to be known before something can be worked out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reference {
    /// Which one.
    pub id: ResourceId,
    /// The version of the API to ask for it with.
    pub api_version: String,
}

/// Why something was not worked out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Halt {
    /// Something is wrong.
    Wrong(ArmError),
    /// It depends on a resource that has to be looked at first.
    Needs(Reference),
}

impl From<ArmError> for Halt {
    fn from(error: ArmError) -> Halt {
        Halt::Wrong(error)
    }
}

/// The same on the way outwards.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something is wrong: where, innermost first, and why, in a sentence.
    Wrong(Vec<String>, String),
    /// It depends on a resource.
    Needs(Reference),
}

impl Stop {
    /// Something is wrong right here.
    pub(crate) fn wrong(why: impl Into<String>) -> Stop {
        Stop::Wrong(Vec::new(), why.into())
    }

    /// Adds where it is: a name, or an index in brackets.
    pub(crate) fn within(mut self, place: impl Into<String>) -> Stop {
        if let Stop::Wrong(places, _) = &mut self {
            places.push(place.into());
        }
        self
    }
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Halt {
        match stop {
            Stop::Wrong(places, why) => Halt::Wrong(invalid(&path(&places), &why)),
            Stop::Needs(reference) => Halt::Needs(reference),
        }
    }
}

/// The refusal where no resource can be waited for.
pub(crate) fn refusal(stop: Stop) -> ArmError {
    match Halt::from(stop) {
        Halt::Wrong(error) => error,
        Halt::Needs(reference) => {
            invalid("", &format!("the resource {} is not known at this point.", reference.id))
        }
    }
}

/// A template that is wrong at a place; `why` is a sentence.
pub(crate) fn invalid(place: &str, why: &str) -> ArmError {
    let at = if place.is_empty() { String::new() } else { format!("'{place}': ") };
    let message = format!("Deployment template validation failed: {at}{why}");
    ArmError::new(400, "InvalidTemplate", message).with_target(place)
}

/// `resources[0].properties.level`, from what was collected on the way outwards.
fn path(places: &[String]) -> String {
    let mut path = String::new();
    for place in places.iter().rev() {
        if !path.is_empty() && !place.starts_with('[') {
            path.push('.');
        }
        path.push_str(place);
    }
    path
}

/// What a client wrote, in quotes, on one line and not too long.
pub(crate) fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 120;
    let mut shown: String =
        text.chars().take(CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("'{shown}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_the_outside_inwards() {
        let stop = Stop::wrong("it is too long.").within("level").within("properties").within("[0]");
        let Halt::Wrong(error) = Halt::from(stop.within("resources")) else { panic!("wrong") };
        assert_eq!((error.code(), error.status()), ("InvalidTemplate", 400));
        assert_eq!(error.target(), Some("resources[0].properties.level"));
        assert!(error.message().ends_with("'resources[0].properties.level': it is too long."), "{error}");
    }
}
