//! What Microsoft says, as it may be shown: one line of printable characters, without secrets.
//!
//! Microsoft may repeat what it was sent. So the secrets of a question are taken out of its answer, and so is
//! whatever is too long to be a word.

use serde_json::Value;

use crate::limits::{MARKETPLACE_WORD_CHARS_MAX, MARKETPLACE_WORDS_CHARS_MAX};

/// What stands for what is left out.
const LEFT_OUT: &str = "…";

/// What an answer says of why something was not done; nothing where it has no words.
pub(super) fn words_of(answer: &Value, secrets: &[&str]) -> Option<String> {
    let text = |value: &Value| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let error = &answer["error"];
    // A page for people has no words for us.
    let bare = || text(answer).filter(|text| !text.trim_start().starts_with('<'));
    let said = text(&error["message"])
        .or_else(|| text(&answer["error_description"]))
        .or_else(|| text(&answer["message"]))
        .or_else(|| text(&answer["Message"]))
        .or_else(|| text(error))
        .or_else(bare)?;
    let details = [&answer["details"][0]["message"], &error["details"][0]["message"]];
    let said = match details.into_iter().find_map(text) {
        Some(detail) if detail != said => format!("{said} {detail}"),
        _ => said,
    };
    Some(one_line(&said, secrets))
}

/// A text in one line of printable characters, without these secrets and without what looks like one.
pub(super) fn one_line(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, LEFT_OUT);
    }
    let is_shown = |c: char| c.is_ascii_graphic() || c.is_alphanumeric() || "…’‘“”–".contains(c);
    let shown: String = text.chars().map(|c| if is_shown(c) { c } else { ' ' }).collect();
    let line = shown.split_whitespace().map(without_tokens).collect::<Vec<_>>().join(" ");
    match line.chars().count() > MARKETPLACE_WORDS_CHARS_MAX {
        true => line.chars().take(MARKETPLACE_WORDS_CHARS_MAX).chain(LEFT_OUT.chars()).collect(),
        false => line,
    }
}

/// A word without the parts of it that are as long as tokens are.
fn without_tokens(word: &str) -> String {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "+/=_.%-~".contains(c);
    let mut kept = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_of_token(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        kept.push_str(if run.len() < MARKETPLACE_WORD_CHARS_MAX { run } else { LEFT_OUT });
        let between = after.find(is_of_token).unwrap_or(after.len());
        kept.push_str(&after[..between]);
        rest = &after[between..];
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_found_wherever_microsoft_puts_them() {
        let said = |answer: Value| words_of(&answer, &[]);
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(said(json!({"error": {"code": "a", "message": "No plan."}})), is("No plan."));
        assert_eq!(said(json!({"error": "e", "error_description": "A1: no."})), is("A1: no."));
        let details = json!({"message": "Errors.", "details": [{"message": "The resourceId is required."}]});
        assert_eq!(said(details), is("Errors. The resourceId is required."));
        assert_eq!((said(json!({"Message": "No."})), said(json!("No."))), (is("No."), is("No.")));
        for nothing in [json!({}), json!(null), json!([1]), json!("<html>x</html>"), json!({"message": " "})]
        {
            assert_eq!(said(nothing.clone()), None, "{nothing}");
        }
    }

    #[test]
    fn words_are_one_line_that_can_be_printed() {
        assert_eq!(one_line("a\r\n\tb\u{1b}[31m\u{202e}c  ü ", &[]), "a b [31m c ü");
        let long = one_line(&"word ".repeat(1000), &[]);
        assert_eq!(long.chars().count(), MARKETPLACE_WORDS_CHARS_MAX + 1);
        assert!(long.ends_with('…'), "{long}");
    }

    #[test]
    fn no_secret_is_among_words() {
        assert_eq!(one_line("'hush' is wrong, hush!", &["hush", ""]), "'…' is wrong, …!");
        let token = "eyJ0eXAiOiJKV1Qi.eyJhdWQiOiIyMGU5NDBiMy00Yzc3LTRiMGIi.c2lnbmVkIGJ5IG5vYm9keQ";
        assert_eq!(one_line(&format!("token ({token}) expired"), &[]), "token (…) expired");
        let id = "37f9dea2-4345-438f-b0bd-03d40d28c7e0";
        assert_eq!(one_line(&format!("no '{id}'."), &[]), format!("no '{id}'."));
    }
}
