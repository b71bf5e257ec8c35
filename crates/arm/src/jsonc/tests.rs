//! What `az` sends, what editors write, and everything that is JSON.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(text: &str) -> Value {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    let error = parse(text.as_bytes()).expect_err(text).to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn the_body_of_a_deployment_by_az_is_read() {
    let template = "{\r\n  // what it makes\r\n  \"$schema\": \"https://schema.example/x#\", /* two\r\n \
        lines */\r\n  \"resources\": [\r\n    {\"type\": \"Isobar.Storage/clusters\", \
        \"name\": \"[\r\n  variables('n')\r\n]\"},\r\n  ],\r\n}";
    let body =
        "{\"properties\": {\"parameters\": {\"a\": {\"value\": 1}}, \"mode\": \"Incremental\", template:"
            .to_owned()
            + template
            + "}}";
    let expected = json!({"properties": {
        "parameters": {"a": {"value": 1}},
        "mode": "Incremental",
        "template": {
            "$schema": "https://schema.example/x#",
            "resources": [{"type": "Isobar.Storage/clusters", "name": "[\r\n  variables('n')\r\n]"}],
        },
    }});
    assert_eq!(read(&body), expected);
}

#[test]
fn keys_need_no_quotes_and_commas_may_come_last() {
    assert_eq!(read("{a: 1, $b_c-d.e: [1, 2,], true: {x: null,},}"), {
        json!({"a": 1, "$b_c-d.e": [1, 2], "true": {"x": null}})
    });
    assert_eq!(read("\u{feff}{ }"), json!({}));
    assert_eq!(read("[ ]"), json!([]));
    assert_eq!(read("{a: 1, \"a\": 2}"), json!({"a": 2}), "the last counts");
}

#[test]
fn comments_may_stand_wherever_spaces_may() {
    let text = "/*a*/{/*b*/x/*c*/:/*d*/[/*e*/1/*f*/,/*g*/2/*h*/]/*i*/}//end";
    assert_eq!(read(text), json!({"x": [1, 2]}));
    assert_eq!(read("[\"// no /* comment */\", 1 // one\n, 2]"), json!(["// no /* comment */", 1, 2]));
    assert_eq!(read("//\n//\r\n1//"), json!(1));
    assert_eq!(read("/***/1/* * / */"), json!(1));
}

#[test]
fn strings_keep_line_ends_and_know_all_escapes() {
    assert_eq!(read("\"a\n\tb\r\nc\""), json!("a\n\tb\r\nc"));
    assert_eq!(read(r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#), json!("\"\\/\u{8}\u{c}\n\r\té😀"));
    assert!(refused(r#""\x""#).contains("unknown escape"));
    assert!(refused(r#""\u12g4""#).contains("four hexadecimal digits"));
    assert!(refused(r#""\u+123""#).contains("four hexadecimal digits"));
    assert!(refused(r#""\u12"#).contains("four hexadecimal digits"));
    for half in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx""#, r#""\ud83d\u0041""#, r#""\ud83d\"#] {
        assert!(refused(half).contains("half a character"), "{half}");
    }
    assert!(refused("\"a\u{1}b\"").contains("control character"));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    assert_eq!(refused("{\n  \"é\": 1\n  \"b\": 2}"), "line 3, column 3: '\"' where ',' or '}' has to be");
    assert_eq!(refused("{\"é\": 'x'}"), "line 1, column 7: strings have double quotes");
    assert_eq!(refused(""), "line 1, column 1: the document ends where a value has to be");
    assert_eq!(refused("{a}"), "line 1, column 3: a colon is missing after the key \"a\"");
    assert_eq!(refused("[1"), "line 1, column 3: the document ends before its ']'");
    assert_eq!(refused("{"), "line 1, column 2: the document ends where a key has to be");
    assert_eq!(refused("[1 2]"), "line 1, column 4: '2' where ',' or ']' has to be");
    assert_eq!(refused("{} x"), "line 1, column 4: 'x' after the end of the document");
    assert_eq!(refused("\n /* x"), "line 2, column 2: a comment without its */");
    assert_eq!(refused("[\"a]"), "line 1, column 2: a string without its end");
    assert_eq!(refused("[yes]"), "line 1, column 2: 'yes' is no value: strings have double quotes");
    assert_eq!(refused("01"), "line 1, column 1: '01' is no number");
    assert_eq!(refused("{,}"), "line 1, column 2: ',' where a key has to be");
    assert_eq!(refused("{1a: 2}"), "line 1, column 2: '1' where a key has to be");
    assert_eq!(refused("[,]"), "line 1, column 2: ',' where a value has to be");
    for wrong in
        ["[1,,2]", "{a:1,,}", "1.", "-", "+1", "1e", "NaN", ".5", "0x10", "1 /", "nulll", "{a 1}", "]"]
    {
        refused(wrong);
    }
    let error = parse(b"[\n\"\xff\"]").expect_err("not UTF-8");
    assert_eq!(error.to_string(), "line 2, column 2: this is not UTF-8");
    let answer = ArmError::from(error);
    assert_eq!((answer.status(), answer.code()), (400, "InvalidRequestContent"));
}

#[test]
fn size_and_depth_are_bounded() {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let (deep, too_deep) = (nested(JSON_DEPTH_MAX), nested(JSON_DEPTH_MAX + 1));
    assert_eq!(read(&deep), serde_json::from_str::<Value>(&deep).expect("a strict reader takes it"));
    assert!(refused(&too_deep).contains("nested more than 127 levels deep"));
    assert!(serde_json::from_str::<Value>(&too_deep).is_err(), "a strict reader stops there, too");
    assert!(refused(&"{a:".repeat(100_000)).contains("nested more than"));
    let wide = "[".to_owned() + &"[],".repeat(1000) + "]";
    assert_eq!(read(&wide).as_array().map(Vec::len), Some(1000), "depth goes down again");
    assert!(parse(&vec![b' '; REQUEST_BYTES_MAX + 1]).expect_err("too long").what.contains("bytes"));
}

#[test]
fn many_comments_do_not_make_it_deep() {
    assert_eq!(read(&("/**/ //\n".repeat(100_000) + "1")), json!(1));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_means_what_it_means_to_a_strict_reader(value in values(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.expect("JSON");
        let strict: Value = serde_json::from_str(&text).expect("JSON");
        prop_assert_eq!(parse(text.as_bytes()), Ok(strict));
    }

    #[test]
    fn whatever_a_strict_reader_takes_is_taken(text in "[\\[\\]{}\":,0-9eE.+tfn\\\\u \\n-]{0,24}") {
        if let Ok(strict) = serde_json::from_str::<Value>(&text) {
            prop_assert_eq!(parse(text.as_bytes()), Ok(strict));
        }
    }

    #[test]
    fn numbers_of_all_forms_are_taken(
        text in "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?",
    ) {
        match serde_json::from_str::<Value>(&text) {
            Ok(strict) => prop_assert_eq!(parse(text.as_bytes()), Ok(strict)),
            Err(_) => prop_assert!(parse(text.as_bytes()).is_err()),
        }
    }

    #[test]
    fn no_text_makes_it_panic(
        text in "([\\[\\]{}\":,a'é\n1/*\\\\-]|//|/\\*|\\*/|\\\\u){0,30}",
        bytes in any::<Vec<u8>>(),
    ) {
        let _ = (parse(text.as_bytes()), parse(&bytes));
    }
}
