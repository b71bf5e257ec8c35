//! Paths with parameters, and reading the paths of requests.
//!
//! Real clients double slashes in the middle of paths and leave one at the end; neither means anything. Fixed
//! segments are compared without regard to case. Each segment is decoded once, and one that has a slash or a
//! control character in it then is no segment of ours.

use isobar_arm::ArmError;
use isobar_arm::limits::{ID_BYTES_MAX, ID_SEGMENTS_MAX};
use percent_encoding::percent_decode_str;

/// Stands for any resource id.
const SCOPE: &str = "{scope}";

/// One segment of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Segment {
    /// This word.
    Fixed(&'static str),
    /// Anything, by this name.
    Param(&'static str),
}

/// A path with parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Template {
    /// Whether any resource id stands in front.
    pub scoped: bool,
    /// What follows.
    pub segments: Vec<Segment>,
}

impl Template {
    /// Reads the path of an operation.
    pub(crate) fn parse(path: &'static str) -> Template {
        let mut words = path.split('/').filter(|word| !word.is_empty()).peekable();
        let scoped = words.next_if_eq(&SCOPE).is_some();
        let segment = |word: &'static str| {
            let name = word.strip_prefix('{').and_then(|word| word.strip_suffix('}'));
            name.map_or(Segment::Fixed(word), Segment::Param)
        };
        Template { scoped, segments: words.map(segment).collect() }
    }

    /// Matches a path: the values of parameters and the number of segments in front, or nothing.
    pub(crate) fn fits<'p>(&self, path: &'p [String]) -> Option<(Vec<(&'static str, &'p str)>, usize)> {
        let front = path.len().checked_sub(self.segments.len())?;
        if front > 0 && !self.scoped {
            return None;
        }
        let mut params = Vec::new();
        for (segment, given) in self.segments.iter().zip(&path[front..]) {
            match segment {
                Segment::Fixed(word) if word.eq_ignore_ascii_case(given) => {}
                Segment::Fixed(_) => return None,
                Segment::Param(name) => params.push((*name, given.as_str())),
            }
        }
        Some((params, front))
    }

    /// How exactly it says what it means; of two that fit the greater one counts.
    pub(crate) fn exactness(&self) -> (bool, usize) {
        let fixed = self.segments.iter().filter(|segment| matches!(segment, Segment::Fixed(_))).count();
        (!self.scoped, fixed)
    }
}

/// The segments of a request's path.
///
/// # Errors
/// It is too long, or a segment is no text.
pub(crate) fn read_path(path: &str) -> Result<Vec<String>, ArmError> {
    let refusal = |why: &str| ArmError::new(400, "InvalidRequestUri", format!("The path {why}."));
    if path.len() > 3 * ID_BYTES_MAX {
        return Err(refusal("is too long"));
    }
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let decoded = percent_decode_str(segment).decode_utf8();
        let decoded = decoded.map_err(|_| refusal("has bytes that are not UTF-8"))?;
        if decoded.contains('/') || decoded.chars().any(char::is_control) {
            return Err(refusal("has a segment with a slash or a control character in it"));
        }
        if segments.len() == ID_SEGMENTS_MAX {
            return Err(refusal("has too many segments"));
        }
        segments.push(decoded.into_owned());
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Vec<String> {
        read_path(path).expect("a path")
    }

    #[test]
    fn doubled_slashes_and_one_at_the_end_mean_nothing() {
        assert_eq!(read("//a///b/"), ["a", "b"]);
        assert_eq!(read("/a%20b/%C3%A9"), ["a b", "é"]);
        assert!(read("/").is_empty());
        for wrong in ["/a%2Fb", "/%ff", "/a%00", &"/a".repeat(100), &"a".repeat(10_000)] {
            assert_eq!(read_path(wrong).expect_err(wrong).status(), 400);
        }
    }

    #[test]
    fn fixed_segments_are_compared_without_regard_to_case() {
        let template = Template::parse("/subscriptions/{s}/resourceGroups/{g}");
        let path = read("/SUBSCRIPTIONS/x/resourcegroups/Y");
        assert_eq!(template.fits(&path), Some((vec![("s", "x"), ("g", "Y")], 0)));
        assert_eq!(template.fits(&read("/a/b/subscriptions/x/resourcegroups/y")), None);
        assert_eq!(template.fits(&read("/subscriptions/x")), None);
    }

    #[test]
    fn a_scope_is_any_number_of_segments() {
        let template = Template::parse("/{scope}/providers/A.B/locks/{name}");
        for front in 0..4 {
            let path = read(&format!("{}/providers/a.b/LOCKS/n", "/x".repeat(front)));
            assert_eq!(template.fits(&path), Some((vec![("name", "n")], front)));
        }
    }
}
