//! Entity tags and the requests that depend on them (RFC 9110, sections 8.8.3 and 13).
//!
//! A resource's tag is the number of its revision in quotes, and always strong. `If-Match` is compared
//! strongly (a weak tag never matches), `If-None-Match` weakly. `If-Match` is looked at first; where there is
//! no resource it fails whatever it says, and `If-None-Match` holds. `If-None-Match: *` on something that
//! exists is 412 for a write. Some clients leave the quotes out: such a tag is taken for the same one in
//! quotes.

use crate::error::ArmError;
use crate::limits::{CONDITION_BYTES_MAX, QUOTED_CHARS_MAX};
use crate::text::on_one_line;

/// What comes of a request's conditions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// They hold.
    Proceed,
    /// 304: the client has what it would be answered.
    NotModified,
    /// 412.
    PreconditionFailed,
}

/// What a request wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// GET or HEAD.
    Read,
    /// Any other method.
    Write,
}

/// The conditions of a request: its headers, as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Conditions<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
}

/// The tag of a revision, as it stands in the header and in the body.
pub fn of_revision(revision: u64) -> String {
    format!("\"{revision}\"")
}

impl Conditions<'_> {
    /// What comes of them for a resource whose tag this is; `None` when there is no resource.
    ///
    /// # Errors
    /// A header that is neither `*` nor a list of tags.
    pub fn evaluate(&self, access: Access, current: Option<&str>) -> Result<Verdict, ArmError> {
        if let Some(header) = self.if_match {
            let named = Named::read("If-Match", header)?;
            if !current.is_some_and(|current| named.has(current, Comparison::Strong)) {
                return Ok(Verdict::PreconditionFailed);
            }
        }
        if let Some(header) = self.if_none_match {
            let named = Named::read("If-None-Match", header)?;
            if current.is_some_and(|current| named.has(current, Comparison::Weak)) {
                return Ok(match access {
                    Access::Read => Verdict::NotModified,
                    Access::Write => Verdict::PreconditionFailed,
                });
            }
        }
        Ok(Verdict::Proceed)
    }

    /// The same for a write: goes on or refuses.
    ///
    /// # Errors
    /// The conditions do not hold, or are none.
    pub fn check_write(&self, current: Option<&str>) -> Result<(), ArmError> {
        match self.evaluate(Access::Write, current)? {
            Verdict::Proceed => Ok(()),
            Verdict::NotModified | Verdict::PreconditionFailed => Err(ArmError::precondition_failed()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// A tag in a header, without its quotes.
#[derive(PartialEq, Eq, Debug)]
struct Tag<'a> {
    is_weak: bool,
    text: &'a str,
}

/// What a header names.
#[derive(PartialEq, Eq, Debug)]
enum Named<'a> {
    Any,
    Tags(Vec<Tag<'a>>),
}

impl<'a> Named<'a> {
    fn read(name: &str, header: &'a str) -> Result<Named<'a>, ArmError> {
        let refusal = || {
            let given = on_one_line(header, QUOTED_CHARS_MAX);
            ArmError::invalid_parameter_value(name, &given, "It has to be * or a list of tags: \"1\", \"2\".")
        };
        if header.len() > CONDITION_BYTES_MAX {
            return Err(refusal());
        }
        if header.trim() == "*" {
            return Ok(Named::Any);
        }
        let mut tags = Vec::new();
        let mut rest = header;
        loop {
            // Empty elements of a list mean nothing.
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let (tag, after) = tag(rest).ok_or_else(refusal)?;
            tags.push(tag);
            rest = after.trim_start_matches([' ', '\t']);
            if !rest.is_empty() && !rest.starts_with(',') {
                return Err(refusal());
            }
        }
        if tags.is_empty() { Err(refusal()) } else { Ok(Named::Tags(tags)) }
    }

    fn has(&self, current: &str, comparison: Comparison) -> bool {
        let Named::Tags(tags) = self else { return true };
        let Some((current, _)) = tag(current) else { return false };
        let may_be_weak = comparison == Comparison::Weak;
        tags.iter().any(|tag| tag.text == current.text && (may_be_weak || !tag.is_weak && !current.is_weak))
    }
}

/// Takes a tag from the front of a list.
fn tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let (is_weak, text) = match text.strip_prefix("W/") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (text, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => match text.find([',', ' ', '\t']).unwrap_or(text.len()) {
            0 => return None,
            end => text.split_at(end),
        },
    };
    let fits = !text.contains(|c: char| c == '"' || c == ' ' || c.is_control());
    fits.then_some((Tag { is_weak, text }, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn verdict(access: Access, conditions: Conditions<'_>, revision: Option<u64>) -> Verdict {
        let current = revision.map(of_revision);
        conditions.evaluate(access, current.as_deref()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn if_match(header: &str) -> Conditions<'_> {
        Conditions { if_match: Some(header), if_none_match: None }
    }

    fn if_none_match(header: &str) -> Conditions<'_> {
        Conditions { if_match: None, if_none_match: Some(header) }
    }

    use Access::{Read, Write};
    use Verdict::{NotModified, PreconditionFailed, Proceed};

    #[test]
    fn a_request_without_conditions_proceeds() {
        for access in [Read, Write] {
            assert_eq!(verdict(access, Conditions::default(), Some(7)), Proceed);
            assert_eq!(verdict(access, Conditions::default(), None), Proceed);
        }
    }

    #[test]
    fn if_match_holds_for_the_revision_that_it_names() {
        for holds in ["\"7\"", "*", " * ", "\"6\", \"7\"", "\"6\",\"7\",", "7", ", \"7\"", "6, 7"] {
            assert_eq!(verdict(Write, if_match(holds), Some(7)), Proceed, "{holds}");
        }
        for fails in ["\"6\"", "\"77\"", "W/\"7\"", "\"\"", "8", "\"7 \""] {
            let verdict = if_match(fails).evaluate(Write, Some("\"7\""));
            assert!(verdict.is_err() || verdict == Ok(PreconditionFailed), "{fails}");
        }
        assert_eq!(verdict(Read, if_match("\"6\""), Some(7)), PreconditionFailed);
        for nothing_there in ["*", "\"7\""] {
            assert_eq!(verdict(Write, if_match(nothing_there), None), PreconditionFailed);
        }
    }

    #[test]
    fn if_none_match_asks_for_a_change_or_for_nothing_to_be_there() {
        assert_eq!(verdict(Write, if_none_match("*"), Some(7)), PreconditionFailed);
        assert_eq!(verdict(Write, if_none_match("*"), None), Proceed);
        assert_eq!(verdict(Read, if_none_match("\"7\""), Some(7)), NotModified);
        assert_eq!(verdict(Read, if_none_match("W/\"7\""), Some(7)), NotModified);
        assert_eq!(verdict(Read, if_none_match("\"1\", W/\"7\""), Some(7)), NotModified);
        assert_eq!(verdict(Read, if_none_match("*"), Some(7)), NotModified);
        assert_eq!(verdict(Read, if_none_match("\"6\""), Some(7)), Proceed);
        assert_eq!(verdict(Write, if_none_match("\"7\""), Some(7)), PreconditionFailed);
    }

    #[test]
    fn if_match_is_looked_at_first() {
        let both = Conditions { if_match: Some("\"6\""), if_none_match: Some("\"7\"") };
        assert_eq!(verdict(Read, both, Some(7)), PreconditionFailed);
        let both = Conditions { if_match: Some("\"7\""), if_none_match: Some("\"7\"") };
        assert_eq!(verdict(Read, both, Some(7)), NotModified);
    }

    #[test]
    fn a_write_goes_on_or_is_refused_with_412() {
        assert_eq!(if_match("\"7\"").check_write(Some("\"7\"")), Ok(()));
        let refused = if_match("\"6\"").check_write(Some("\"7\"")).expect_err("refused");
        assert_eq!((refused.status(), refused.code()), (412, "PreconditionFailed"));
        assert_eq!(if_none_match("*").check_write(Some("\"7\"")).expect_err("refused").status(), 412);
    }

    #[test]
    fn a_tag_in_quotes_may_have_commas() {
        assert_eq!(if_match("\"a,b\"").evaluate(Write, Some("\"a,b\"")), Ok(Proceed));
        assert_eq!(if_match("\"a,b\"").evaluate(Write, Some("\"a\"")), Ok(PreconditionFailed));
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        let long = "\"1\",".repeat(CONDITION_BYTES_MAX);
        for wrong in ["", " ", ",", "\"7", "\"6\" \"7\"", "7\"", "\"a\nb\"", "* x\"", &long] {
            for conditions in [if_match(wrong), if_none_match(wrong)] {
                let error = conditions.evaluate(Read, Some("\"7\"")).expect_err(wrong);
                assert!(error.status() == 400 && error.message().contains("list of tags"), "{error}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_revision_matches_itself_and_no_other(a: u64, b: u64) {
            let (a_tag, b_tag) = (of_revision(a), of_revision(b));
            let matches = if_match(&a_tag).evaluate(Write, Some(&b_tag)).expect("a tag") == Proceed;
            prop_assert_eq!(matches, a == b);
        }

        #[test]
        fn no_header_makes_it_panic(header in "[W/\", *a-c\\t]{0,16}|\\PC{0,16}") {
            let _ = if_match(&header).evaluate(Read, Some("\"1\""));
        }
    }
}
