//! Functions by tables of cases, most of them those of the public reference of template functions.

use serde_json::{Map, Value, json};

use crate::error::Stop;
use crate::evaluate::tests::facts;
use crate::evaluate::{Evaluator, Frame, Place};

fn work_out(expression: &str) -> Result<Value, String> {
    let evaluator = Evaluator::new(facts(), &Map::new());
    let frame = Frame { place: Place::Plan, loops: &[], documents: None, shows: false };
    let done = evaluator.run(|| evaluator.value(&frame, &json!(format!("[{expression}]"))));
    done.map(|(value, _)| value).map_err(|stop| match stop {
        Stop::Wrong(_, why) => why,
        Stop::Needs(reference) => format!("needs {}", reference.id),
    })
}

#[track_caller]
fn gives(cases: &[(&str, Value)]) {
    for (expression, expected) in cases {
        assert_eq!(work_out(expression).as_ref(), Ok(expected), "{expression}");
    }
}

#[track_caller]
fn refuses(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        let error = work_out(expression).expect_err(expression);
        assert!(error.contains(expected), "{expression}: {error}");
    }
}

#[test]
fn texts() {
    gives(&[
        ("concat('prefix', '-', 5, true())", json!("prefix-5True")),
        ("concat(createArray('1-1', '1-2'), createArray('2-1'))", json!(["1-1", "1-2", "2-1"])),
        ("toLower('One Two Three')", json!("one two three")),
        ("toUpper('One Two Three')", json!("ONE TWO THREE")),
        ("trim('    one two three   ')", json!("one two three")),
        ("substring('one two three', 4, 3)", json!("two")),
        ("substring('héllo', 1)", json!("éllo")),
        ("substring('abc', 3, 0)", json!("")),
        ("replace('123-123-1234', '-', '')", json!("1231231234")),
        ("replace('123-123-1234', '1234', 'xxxx')", json!("123-123-xxxx")),
        ("split('one,two,three', ',')", json!(["one", "two", "three"])),
        ("split('one;two,three', createArray(',', ';'))", json!(["one", "two", "three"])),
        ("split('', ',')", json!([""])),
        ("join(createArray('one', 'two', 'three'), ',')", json!("one,two,three")),
        ("join(createArray('one', 2), ';')", json!("one;2")),
        ("padLeft('123', 10, '0')", json!("0000000123")),
        ("padLeft(5, 3)", json!("  5")),
        ("padLeft('12345', 3, '0')", json!("12345")),
        ("startsWith('abcdef', 'ab')", json!(true)),
        ("startsWith('abcdef', 'A')", json!(true)),
        ("startsWith('abcdef', 'e')", json!(false)),
        ("endsWith('abcdef', 'F')", json!(true)),
        ("endsWith('abcdef', 'e')", json!(false)),
        ("indexOf('test', 't')", json!(0)),
        ("lastIndexOf('test', 't')", json!(3)),
        ("indexOf('abcdef', 'CD')", json!(2)),
        ("indexOf('abcdef', 'z')", json!(-1)),
        ("indexOf('éa', 'a')", json!(1)),
        (
            "uri('http://contoso.com/resources/', 'nested/azuredeploy.json')",
            json!("http://contoso.com/resources/nested/azuredeploy.json"),
        ),
        ("uri('https://a.b/c/d.json', 'e/f.json')", json!("https://a.b/c/e/f.json")),
        ("uri('https://a.b', 'e')", json!("https://a.b/e")),
        ("uri('https://a.b/', '/e')", json!("https://a.b/e")),
        ("uriComponent('http://a.b/c d')", json!("http%3A%2F%2Fa.b%2Fc%20d")),
        ("uriComponentToString('http%3A%2F%2Fa.b')", json!("http://a.b")),
    ]);
    refuses(&[
        ("concat('a', createArray())", "argument 2 has to be of type string, int or bool"),
        ("concat(createArray(), 'a')", "argument 2 has to be of type array, not string"),
        ("substring('abc', 4)", "argument 2 has to be 0 to 3"),
        ("substring('abc', 1, 3)", "argument 3 has to be 0 to 2"),
        ("substring('abc', -1)", "argument 2 has to be 0 to 3"),
        ("toLower(5)", "'toLower': argument 1 has to be of type string, not int"),
        ("replace('a', '', 'b')", "argument 2 must not be empty"),
        ("padLeft('a', 999999999)", "argument 2 has to be 0 to 16384"),
        ("padLeft('a', 5, 'xy')", "one character"),
        ("join(createArray(createArray()), ',')", "items of argument 1"),
        ("uri('a', 'b')", "an absolute URI"),
        ("split('a', 1)", "argument 2 has to be of type string, or an array of them"),
        ("trim()", "the function 'trim' has 1 arguments, not 0"),
        ("replace('a')", "has 3 arguments, not 1"),
        ("concat()", "at least 1"),
    ]);
}

#[test]
fn formats() {
    gives(&[
        (
            "format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)",
            json!("Hello, User. Formatted number: 8,175,133"),
        ),
        ("format('{0}{0}{{1}}', 'a')", json!("aa{1}")),
        ("format('vm-{0:D3}', 7)", json!("vm-007")),
        ("format('{0:X2}|{1:N}|{2:F1}|{3:G}', 10, 1234, -5, 3)", json!("0A|1,234.00|-5.0|3")),
        ("format('[{0,5}|{1,-5}]', 'a', 'b')", json!("[    a|b    ]")),
        ("format('{0}', true())", json!("True")),
        ("format('nothing')", json!("nothing")),
    ]);
    refuses(&[
        ("format('{1}', 'a')", "there are 1 values"),
        ("format('{x}', 'a')", "numbered from 0"),
        ("format('{0', 'a')", "is doubled"),
        ("format('a}b')", "is doubled"),
        ("format('{0:Q}', 1)", "the formats of numbers that are known"),
        ("format('{0,99999999}', 1)", "the width of a place is at most"),
        ("format('{0}', createArray())", "have to be of type string, int or bool"),
    ]);
}

#[test]
fn lists_and_objects() {
    gives(&[
        ("array(1)", json!([1])),
        ("array('a')", json!(["a"])),
        ("array(createObject('a', 'b'))", json!([{"a": "b"}])),
        ("array(createArray(1))", json!([1])),
        ("createArray('a', 1, createArray())", json!(["a", 1, []])),
        (
            "createObject('intProp', 1, 'objectProp', createObject('key1', 'value1'))",
            json!({"intProp": 1, "objectProp": {"key1": "value1"}}),
        ),
        ("contains('OneTwoThree', 'e')", json!(true)),
        ("contains('OneTwoThree', 'z')", json!(false)),
        ("contains('OneTwoThree', 'one')", json!(false)),
        ("contains(createObject('one', 'a'), 'ONE')", json!(true)),
        ("contains(createArray('one', 'two'), 'two')", json!(true)),
        ("contains(createArray('one', 'two'), 'TWO')", json!(false)),
        ("contains(createArray(1, 2), 2)", json!(true)),
        ("empty(createArray())", json!(true)),
        ("empty(createObject())", json!(true)),
        ("empty('')", json!(true)),
        ("empty(null())", json!(true)),
        ("empty('a')", json!(false)),
        ("first(createArray('one', 'two'))", json!("one")),
        ("first('One Two Three')", json!("O")),
        ("first('')", json!("")),
        ("last('One Two Three')", json!("e")),
        ("last(createArray('one', 'two'))", json!("two")),
        ("length(createArray('one', 'two', 'three'))", json!(3)),
        ("length('One Two Three')", json!(13)),
        ("length(createObject('a', 1))", json!(1)),
        ("range(5, 3)", json!([5, 6, 7])),
        ("range(-2, 2)", json!([-2, -1])),
        ("range(0, 0)", json!([])),
        ("skip(createArray('one', 'two', 'three'), 2)", json!(["three"])),
        ("skip('one two three', 4)", json!("two three")),
        ("skip('abc', 9)", json!("")),
        ("skip('abc', -1)", json!("abc")),
        ("take(createArray('one', 'two', 'three'), 2)", json!(["one", "two"])),
        ("take('one two three', 2)", json!("on")),
        ("take('abc', -1)", json!("")),
        ("take('abc', 9)", json!("abc")),
        ("flatten(createArray(createArray(1, 2), createArray(3)))", json!([1, 2, 3])),
        ("items(createObject('b', 1, 'a', 2))", json!([{"key": "a", "value": 2}, {"key": "b", "value": 1}])),
    ]);
    refuses(&[
        ("createObject('a')", "each with a value"),
        ("createObject(1, 2)", "argument 1 has to be of type string"),
        ("range(0, 99999)", "argument 2 has to be 0 to 10000"),
        ("range(9223372036854775807, 5)", "too large"),
        ("length(5)", "string, array or object, not int"),
        ("union(createArray(), createObject())", "argument 2 has to be of type array, not object"),
        ("createArray(1)[1]", "outside of the list, which has 1 items"),
        ("createArray(1)[-1]", "outside of the list"),
        ("createObject('a', 1).b", "there is no member 'b'; there are: a"),
        ("createArray().a", "array has no member 'a'"),
        ("createObject('a', 1)[0]", "object cannot be indexed with int"),
    ]);
}

#[test]
fn unions_intersections_and_members() {
    gives(&[
        (
            "union(createObject('one', 'a', 'two', 'b', 'three', 'c1'), createObject('three', 'c2', 'four', 'd'))",
            json!({"one": "a", "two": "b", "three": "c2", "four": "d"}),
        ),
        (
            "union(createObject('a', createObject('b', 1)), createObject('a', createObject('c', 2)))",
            json!({"a": {"b": 1, "c": 2}}),
        ),
        (
            "union(createArray('one', 'two', 'three'), createArray('three', 'four'))",
            json!(["one", "two", "three", "four"]),
        ),
        (
            "intersection(createObject('one', 'a', 'two', 'b', 'three', 'c'), createObject('one', 'a', 'two', 'z', 'three', 'c'))",
            json!({"one": "a", "three": "c"}),
        ),
        (
            "intersection(createArray('one', 'two', 'three'), createArray('two', 'three'))",
            json!(["two", "three"]),
        ),
        ("createArray(1, 2)[1]", json!(2)),
        ("createObject('A', 1).a", json!(1)),
        ("createObject('a b', 1)['a b']", json!(1)),
    ]);
}

#[test]
fn of_two_objects_of_one_name_the_members_are_united_whatever_the_case() {
    gives(&[
        (
            "union(createObject('A', createObject('x', 1, 'y', 2)), createObject('a', createObject('Y', 3)))",
            json!({"A": {"x": 1, "y": 3}}),
        ),
        (
            "union(createObject('a', createObject('b', 1)), createObject('a', 5), createObject('a', createObject('c', 2)))",
            json!({"a": {"c": 2}}),
        ),
        ("union(createObject('a', createObject('b', 1)), createObject('a', 5))", json!({"a": 5})),
        ("union(createArray(1, 1), createArray(2, 1))", json!([1, 2])),
        ("intersection(createArray(1, 2, 1), createArray(1, 3))", json!([1])),
        ("intersection(createObject('a', 1, 'b', 2), createObject('A', 1, 'B', 3))", json!({"a": 1})),
    ]);
}

#[test]
fn what_would_be_too_much_is_not_made() {
    let many = "padLeft('', 16384, 'x')";
    let places = "{0}".repeat(2000);
    let delimiter = "x".repeat(300);
    for (expression, why) in [
        (format!("replace({many}, 'x', {many})"), "'replace': what it makes has more than 16777216 bytes"),
        (format!("join(range(0, 10000), {many})"), "'join': what it makes has more than 16777216 bytes"),
        (format!("format('{places}', {many})"), "'format': what it makes has more than 16777216 bytes"),
        (
            format!("split(replace({many}, 'x', padLeft('', 100, 'x')), 'x')"),
            "'split': what it makes has more than 16777216 bytes",
        ),
        (format!("split('a', '{delimiter}')"), "the delimiters have more than 256 bytes"),
    ] {
        let made = work_out(&expression);
        assert!(made.as_ref().is_err_and(|error| error.contains(why)), "{why}: {made:?}");
    }
    // Nearly as much is.
    assert_eq!(
        work_out(&format!("length(replace({many}, 'x', padLeft('', 1000, 'y')))")),
        Ok(json!(16_384_000))
    );
}

#[test]
fn what_is_large_is_united_compared_and_split_in_a_moment() {
    let call = |name: &str, arguments: &[Value]| {
        let function = super::find(name).expect("a function");
        (function.call)(&super::Arguments(arguments)).expect("a value")
    };
    let object = |name: &str| -> Value {
        (0..100_000).map(|at| (format!("{name}{at}"), json!(at))).collect::<Map<String, Value>>().into()
    };
    let list = |from: u32| json!((from..from + 300_000).collect::<Vec<u32>>());
    let begun = std::time::Instant::now();
    let length = |value: Value| value.as_array().map(Vec::len).or(value.as_object().map(Map::len));
    assert_eq!(length(call("union", &[list(0), list(100_000)])), Some(400_000));
    assert_eq!(length(call("intersection", &[list(0), list(100_000)])), Some(200_000));
    assert_eq!(length(call("union", &[object("a"), object("A"), object("b")])), Some(200_000));
    assert_eq!(length(call("intersection", &[object("a"), object("A")])), Some(100_000));
    let text = json!("xy".repeat(800_000));
    assert_eq!(length(call("split", &[text, json!(["x", "z"])])), Some(800_001));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn logic_and_numbers() {
    gives(&[
        ("if(equals('a', 'a'), 'yes', 'no')", json!("yes")),
        // The branch that is not taken is not worked out.
        ("if(true(), 'yes', div(1, 0))", json!("yes")),
        ("and(bool('true'), bool('false'))", json!(false)),
        ("or(bool('true'), bool('false'))", json!(true)),
        ("not(bool('true'))", json!(false)),
        ("or(true(), equals(div(1, 0), 1))", json!(true)),
        ("coalesce(null(), 'two', 'three')", json!("two")),
        ("coalesce(null(), null())", json!(null)),
        ("equals(1, 1)", json!(true)),
        ("equals('a', 'A')", json!(false)),
        ("equals(createArray('a', 'b'), createArray('a', 'b'))", json!(true)),
        ("equals(createObject('a', 1), createObject('a', 2))", json!(false)),
        ("equals('1', 1)", json!(false)),
        ("less(1, 2)", json!(true)),
        ("less('A', 'a')", json!(true)),
        ("lessOrEquals(2, 2)", json!(true)),
        ("greater('A', 'a')", json!(false)),
        ("greaterOrEquals(1, 2)", json!(false)),
        ("add(5, 3)", json!(8)),
        ("sub(7, 3)", json!(4)),
        ("mul(5, 3)", json!(15)),
        ("div(8, 3)", json!(2)),
        ("mod(7, 3)", json!(1)),
        ("min(createArray(0, 3, 2, 5, 4))", json!(0)),
        ("max(0, 3, 2, 5, 4)", json!(5)),
        ("add(-5, 3)", json!(-2)),
    ]);
    refuses(&[
        ("div(1, 0)", "argument 2 must not be 0"),
        ("mod(1, 0)", "argument 2 must not be 0"),
        ("add(9223372036854775807, 1)", "too large"),
        ("less(1, 'a')", "both arguments"),
        ("if('a', 1, 2)", "a condition has to be of type bool, not string"),
        ("and(true())", "has at least 2 arguments, not 1"),
        ("max()", "at least 1"),
        ("min('a')", "of type int"),
    ]);
}

#[test]
fn conversions() {
    gives(&[
        ("string(5)", json!("5")),
        ("string(true())", json!("True")),
        ("string(createArray('a', 1))", json!(r#"["a",1]"#)),
        ("string(createObject('valueA', 10))", json!(r#"{"valueA":10}"#)),
        ("int('4')", json!(4)),
        ("int(4)", json!(4)),
        ("bool('TRUE')", json!(true)),
        ("bool(0)", json!(false)),
        ("json('null')", json!(null)),
        (r#"json('{"a":"b"}').a"#, json!("b")),
        ("base64('one, two, three')", json!("b25lLCB0d28sIHRocmVl")),
        ("base64ToString('b25lLCB0d28sIHRocmVl')", json!("one, two, three")),
        (r#"base64ToJson(base64('{"one": "a"}'))"#, json!({"one": "a"})),
    ]);
    refuses(&[
        ("int('x')", "a whole number"),
        ("bool('yes')", "the text true or false"),
        ("json('{')", "argument 1 is no JSON"),
        ("base64ToString('*')", "no text in base64"),
    ]);
}

#[test]
fn unique_names_are_those_of_azure() {
    gives(&[
        ("uniqueString('test')", json!("rbgf3xv4ufgzg")),
        ("uniqueString('hello', 'world')", json!("a7wkljktk6wne")),
        ("uniqueString('abc')", json!("cgtzqvhu4i23s")),
        ("uniqueString('foo', 'bar', 'baz')", json!("xzi4ioaxtmth4")),
        (
            "uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my-rg')",
            json!("bmg7c6xu4tw46"),
        ),
    ]);
    // Python: uuid.uuid5(uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830"), "a-b").
    let guid = work_out("guid('a', 'b')").expect("one");
    assert_eq!(guid, json!("2d796349-8c7e-55ec-9624-54ece82ed031"));
    assert_eq!(work_out("guid('a-b')"), Ok(guid));
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    refuses(&[
        ("frobnicate('a')", "the function 'frobnicate' is not known. Known are: add, and, array"),
        ("listKeys('a', '2020-01-01')", "'listKeys' is not supported: what it gives is secret"),
        ("utcNow()", "in the default of a parameter, and nowhere else"),
        ("newGuid()", "in the default of a parameter, and nowhere else"),
        ("reference('x')", "in properties of resources and in outputs, and nowhere else"),
        ("copyIndex()", "there is no loop here"),
        ("parameters('x')", "the parameter 'x' is not defined"),
        ("variables('x')", "the variable 'x' is not defined"),
    ]);
}

#[test]
fn names_of_functions_are_compared_without_regard_to_case() {
    gives(&[
        ("TOLOWER('A')", json!("a")),
        ("IF(TRUE(), 1, 2)", json!(1)),
        ("resourcegroup().Name", json!("rg1")),
    ]);
}
