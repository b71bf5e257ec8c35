//! What is an expression, and what is said of what is none.

use super::*;
use crate::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX};

fn call(name: &str, arguments: Vec<Expression>) -> Expression {
    Expression::Call(name.to_owned(), arguments)
}

fn text(text: &str) -> Expression {
    Expression::Text(text.to_owned())
}

fn why(given: &str) -> String {
    match read(given) {
        Err(Stop::Wrong(_, why)) => why,
        other => panic!("{given}: {other:?}"),
    }
}

#[test]
fn only_texts_in_brackets_are_expressions() {
    // As documented: "[[test value]" is "[test value]", "[test] value" is itself.
    for (given, expected) in [
        ("plain", "plain"),
        ("[[test value]", "[test value]"),
        ("[test] value", "[test] value"),
        ("[[test] value", "[[test] value"),
        ("a [b]", "a [b]"),
        ("", ""),
        ("[", "["),
    ] {
        assert_eq!(read(given).expect(given), Text::Literal(expected.into()), "{given}");
    }
    assert_eq!(read("[a()]").expect("one"), Text::Expression(call("a", vec![])));
}

#[test]
fn calls_members_indexes_and_literals_are_read() {
    let read = |given| match read(given) {
        Ok(Text::Expression(expression)) => expression,
        other => panic!("{given}: {other:?}"),
    };
    let parameters = call("parameters", vec![text("a")]);
    let member = Expression::Member(Box::new(parameters.clone()), "b".to_owned());
    assert_eq!(read("[parameters('a').b]"), member);
    let index = Expression::Index(Box::new(member), Box::new(Expression::Number(-3)));
    assert_eq!(read("[ parameters ( 'a' ) . b [ -3 ] ]"), index);
    assert_eq!(read("['it''s']"), text("it's"));
    assert_eq!(read("[concat('(', ',')]"), call("concat", vec![text("("), text(",")]));
    assert_eq!(
        read("[f(g(1), h())]"),
        call("f", vec![call("g", vec![Expression::Number(1)]), call("h", vec![])])
    );
}

#[test]
fn what_is_none_is_told_why() {
    for (given, expected) in [
        ("[]", "ends where a value"),
        ("[a]", "'a' is no value"),
        ("[true]", "write true()"),
        ("[a(]", "ends where a value"),
        ("[a(]]", "']' stands where a value"),
        ("[a() b]", "'b' follows where the expression has ended"),
        ("[a('x]", "does not end with a single quote"),
        ("[\"a\"]", "single quotes"),
        ("[a(1 2)]", "the number 2 stands where ','"),
        ("[a(1.5)]", "numbers in expressions are whole"),
        ("[a(99999999999999999999)]", "no whole number"),
        ("[a(-)]", "no whole number"),
        ("[ns.f()]", "the template's own are not supported"),
        ("[f().g()]", "the template's own are not supported"),
        ("[a().1]", "the name of a member"),
        ("[a(,)]", "stands where a value"),
        ("[a(1,)]", "stands where a value"),
        ("[a{}]", "cannot be in an expression"),
    ] {
        assert!(why(given).contains(expected), "{given}: {}", why(given));
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let nested = |levels: usize| format!("[{}1{}]", "f(".repeat(levels), ")".repeat(levels));
    read(&nested(EXPRESSION_DEPTH_MAX - 1)).expect("it is read");
    assert!(why(&nested(EXPRESSION_DEPTH_MAX)).contains("levels deep"));
    assert!(why(&nested(5000)).contains("levels deep"));
    assert!(why(&format!("[f(){}]", ".a".repeat(5000))).contains("levels deep"));
    assert!(
        why(&format!("[f({})]", vec!["f().a[1]"; 300].join(",") + &"[1]".repeat(100)))
            .contains("levels deep")
    );
    assert!(why(&format!("['{}']", "x".repeat(EXPRESSION_BYTES_MAX))).contains("bytes"));
    assert!(why(&format!("[f({})]", vec!["1"; 2000].join(","))).contains("arguments"));
}

#[test]
fn calls_are_found_wherever_they_are() {
    let Ok(Text::Expression(expression)) =
        read("[a(reference('x').b, c()[Reference('y')], REFERENCE(reference('z')))]")
    else {
        panic!("an expression")
    };
    let mut found = 0;
    expression.each_call("reference", &mut |_| found += 1);
    assert_eq!(found, 4);
}
