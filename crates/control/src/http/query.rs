//! Names and values of a query or a form.

use isobar_arm::ArmError;

use crate::limits::PARAMETERS_MAX;

/// Names and values, in their order. Names are compared without regard to case, and the first counts.
#[derive(Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query, which is bounded in bytes already. Bytes that are no UTF-8 become question marks.
    ///
    /// # Errors
    /// Too many parameters.
    pub(crate) fn parse(text: &[u8]) -> Result<Query, ArmError> {
        let pairs: Vec<_> = form_urlencoded::parse(text).take(PARAMETERS_MAX + 1).collect();
        if pairs.len() > PARAMETERS_MAX {
            let message = format!("There are more than {PARAMETERS_MAX} parameters.");
            return Err(ArmError::new(400, "InvalidRequestUri", message));
        }
        let owned = pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned()));
        Ok(Query(owned.collect()))
    }

    /// A value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_regard_to_case_and_decoded() {
        let query = Query::parse(b"API-Version=1&%24filter=a%20eq+b&empty=&api-version=2").expect("a query");
        assert_eq!(query.get("api-version"), Some("1"));
        assert_eq!(query.get("$filter"), Some("a eq b"));
        assert_eq!((query.get("empty"), query.get("none")), (Some(""), None));
        assert!(Query::parse("a=1&".repeat(100).as_bytes()).is_err());
    }
}
