//! Lists, page by page: `{"value": […], "nextLink": "…"}`.
//!
//! A list is ordered by a key; a page ends anywhere, and its `nextLink` is the address of the request with a
//! `$skipToken` that names the last key: the next page begins after it, whether or not that item still is
//! there. Clients follow the link as it is. A token is only good for the list it was made for, and one that
//! was changed on the way is refused; that is no protection against forgery, which would gain nothing:
//! whoever may list may list from anywhere.

use serde::Serialize;

use crate::error::ArmError;
use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, SKIP_TOKEN_BYTES_MAX};

/// The form of tokens; another one begins with another digit.
const FORM: &str = "1";
/// Hexadecimal digits of a token's check.
const CHECK_DIGITS: usize = 8;

/// A page as it is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// Items, in the order of their keys.
    pub value: Vec<T>,
    /// Where the next page is, unless this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_link: Option<String>,
}

/// Which part of a list a request asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paging {
    /// At most so many items.
    pub top: u32,
    /// Those with a greater key than this.
    pub after: Option<String>,
}

impl Paging {
    /// From the parameters `$top` and `$skipToken` of a request for `list`, which is its path without regard
    /// to case. More items than a page has are a page.
    ///
    /// # Errors
    /// `$top` is no number from 1 on; the token is none, or another list's.
    pub fn read(top: Option<&str>, skip_token: Option<&str>, list: &str) -> Result<Paging, ArmError> {
        let top = match top.filter(|top| !top.is_empty()) {
            None => PAGE_ITEMS_DEFAULT,
            Some(text) => top_of(text)?,
        };
        let after =
            skip_token.filter(|token| !token.is_empty()).map(|token| decode(list, token)).transpose()?;
        Ok(Paging { top, after })
    }

    /// How many items to fetch: one more than a page has, to know whether there is a next one.
    pub fn fetch(&self) -> usize {
        // A `usize` has at least the bits of a `u32` wherever this runs.
        self.top as usize + 1
    }

    /// Makes a page of what was fetched (up to [`Paging::fetch`] items in order). `url` is the address of the
    /// request as the client sees it, with its parameters; `key` gives an item's key.
    pub fn page<T>(&self, mut items: Vec<T>, url: &str, list: &str, key: impl Fn(&T) -> String) -> Page<T> {
        let more = items.len() >= self.fetch();
        items.truncate(self.top as usize);
        let last = items.last().filter(|_| more);
        let next_link = last.map(|last| with_token(url, &encode(list, &key(last))));
        Page { value: items, next_link }
    }
}

impl<T> Page<T> {
    /// All of a short list.
    pub fn whole(value: Vec<T>) -> Page<T> {
        Page { value, next_link: None }
    }
}

fn top_of(text: &str) -> Result<u32, ArmError> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let value = text.trim_start_matches('0');
    match (digits, value) {
        (true, "") | (false, _) => {
            let hint = format!("It has to be a whole number from 1 to {PAGE_ITEMS_MAX}.");
            Err(ArmError::invalid_parameter_value("$top", text, &hint))
        }
        // Too many digits are a large number.
        (true, value) => Ok(value.parse().unwrap_or(u32::MAX).min(PAGE_ITEMS_MAX)),
    }
}

/// The address with this token in place of the one that it may have.
fn with_token(url: &str, token: &str) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let is_token = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default().to_ascii_lowercase();
        name == "$skiptoken" || name == "%24skiptoken"
    };
    let others = query.split('&').filter(|parameter| !parameter.is_empty() && !is_token(parameter));
    let kept: String = others.map(|parameter| format!("{parameter}&")).collect();
    format!("{path}?{kept}$skipToken={token}")
}

/// The token of a key: its form, a check and the key in hexadecimal digits.
fn encode(list: &str, key: &str) -> String {
    let key_digits: String = key.bytes().map(|b| format!("{b:02x}")).collect();
    format!("{FORM}{:0CHECK_DIGITS$x}{key_digits}", check(list, key))
}

fn decode(list: &str, token: &str) -> Result<String, ArmError> {
    let refusal = || {
        let hint = "Follow the nextLink of the page before, or ask for the list from its beginning.";
        ArmError::invalid_parameter_value("$skipToken", token, hint)
    };
    let fits = token.len() <= SKIP_TOKEN_BYTES_MAX && token.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = fits.then(|| token.strip_prefix(FORM)).flatten().ok_or_else(refusal)?;
    let (given, key_digits) = digits.split_at_checked(CHECK_DIGITS).ok_or_else(refusal)?;
    let byte = |at: usize| key_digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..key_digits.len()).step_by(2).map(byte).collect();
    let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refusal)?;
    match u32::from_str_radix(given, 16) == Ok(check(list, &key)) {
        true => Ok(key),
        false => Err(refusal()),
    }
}

/// FNV-1a, 32 bits, of a list and a key.
fn check(list: &str, key: &str) -> u32 {
    let list = list.to_lowercase();
    let bytes = list.bytes().chain([0]).chain(key.bytes());
    bytes.fold(0x811c_9dc5, |hash, b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = "/subscriptions/S/resourceGroups";

    fn read(top: Option<&str>, token: Option<&str>) -> Result<Paging, ArmError> {
        Paging::read(top, token, LIST)
    }

    fn token_of(url: &str) -> &str {
        url.split_once("$skipToken=").expect("a token").1
    }

    #[test]
    fn pages_follow_each_other_to_the_end_of_a_list() {
        let all: Vec<String> = (0..7).map(|at| format!("rg{at}")).collect();
        let mut seen = Vec::new();
        let mut url = "https://h:1/subscriptions/S/resourcegroups?api-version=2024-11-01&$top=3".to_owned();
        let mut token = None;
        for expected in [3, 3, 1] {
            let paging = read(Some("3"), token.as_deref()).expect("right parameters");
            let left = all.iter().filter(|key| paging.after.as_ref().is_none_or(|after| *key > after));
            let page = paging.page(left.take(paging.fetch()).cloned().collect(), &url, LIST, String::clone);
            assert_eq!(page.value.len(), expected);
            seen.extend(page.value);
            let Some(next) = page.next_link else { break };
            assert!(
                next.starts_with("https://h:1/subscriptions/S/resourcegroups?api-version=2024-11-01&$top=3&")
            );
            assert_eq!(next.matches("kipToken").count(), 1, "{next}");
            token = Some(token_of(&next).to_owned());
            url = next;
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_full_page_that_is_the_last_has_no_link() {
        let paging = read(Some("2"), None).expect("right parameters");
        let page = paging.page(vec!["a", "b"], "https://h/x", LIST, |key| (*key).to_owned());
        assert_eq!(serde_json::to_string(&page).expect("JSON"), r#"{"value":["a","b"]}"#);
        let more = paging.page(vec!["a", "b", "c"], "https://h/x", LIST, |key| (*key).to_owned());
        assert_eq!(more.value, ["a", "b"]);
        let json = serde_json::to_value(&more).expect("JSON");
        assert!(json["nextLink"].as_str().is_some_and(|link| link.starts_with("https://h/x?$skipToken=1")));
        assert_eq!(Page::whole(vec![1]).next_link, None);
    }

    #[test]
    fn a_token_replaces_the_one_before_however_it_is_written() {
        for before in ["$skipToken=1", "$skiptoken=1", "%24skipToken=1", "%24SKIPTOKEN"] {
            let url = with_token(&format!("https://h/x?a=1&{before}&b=2"), "T");
            assert_eq!(url, "https://h/x?a=1&b=2&$skipToken=T", "{before}");
        }
    }

    #[test]
    fn the_number_of_items_is_bounded() {
        let top = |text| read(Some(text), None).map(|paging| paging.top);
        assert_eq!((top("1"), top("0999")), (Ok(1), Ok(999)));
        assert_eq!((top("1000000"), top("99999999999999999999")), (Ok(PAGE_ITEMS_MAX), Ok(PAGE_ITEMS_MAX)));
        assert_eq!((read(None, None), top("")), (read(Some(""), Some("")), Ok(PAGE_ITEMS_DEFAULT)));
        for wrong in ["0", "00", "-1", "ten", "1.5", "+1", " 1"] {
            let error = top(wrong).expect_err(wrong);
            assert_eq!((error.status(), error.target()), (400, Some("$top")));
        }
    }

    #[test]
    fn tokens_that_were_changed_or_belong_elsewhere_are_refused() {
        let token = encode(LIST, "rg1");
        assert_eq!(decode(&LIST.to_uppercase(), &token), Ok("rg1".to_owned()));
        assert!(decode("/subscriptions/S2/resourceGroups", &token).is_err(), "another list's");
        let cut = &token[..token.len() - 1];
        let long = token.clone() + &"00".repeat(SKIP_TOKEN_BYTES_MAX);
        let next_form = token.replacen('1', "2", 1);
        for wrong in ["1", "x", "1é", cut, &long, &next_form, &(token.clone() + "é"), "100000000ff"] {
            let error = decode(LIST, wrong).expect_err(wrong);
            assert!(error.status() == 400 && error.message().contains("nextLink"), "{error}");
        }
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
            assert!(decode(LIST, std::str::from_utf8(&changed).expect("ASCII")).is_err(), "{at}");
        }
    }

    proptest! {
        #[test]
        fn keys_come_back_from_their_tokens(list in "\\PC{0,30}", key in "\\PC{0,60}") {
            let token = encode(&list, &key);
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric()));
            prop_assert_eq!(decode(&list, &token), Ok(key));
        }

        #[test]
        fn no_token_makes_it_panic(token in "1?[0-9a-f]{0,20}\\PC{0,3}") {
            let _ = decode(LIST, &token);
        }
    }
}
