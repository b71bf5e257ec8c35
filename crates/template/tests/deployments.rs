//! Whole templates: parameters, order, loops, conditions, children, outputs, and what is said of wrong ones.

use isobar_arm::{ArmError, ResourceId};
use isobar_template::{Deployment, Documents, Facts, Halt, Reference, given_values, without_secrets};
use serde_json::{Map, Value, json};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1";

fn facts() -> Facts {
    Facts {
        group: ResourceId::parse(GROUP).expect("an id"),
        group_document: json!({"id": GROUP, "name": "rg1", "location": "uksouth"}),
        subscription_name: "s".to_owned(),
        tenant: "t".to_owned(),
        deployment: "d1".to_owned(),
        endpoint: "https://localhost".to_owned(),
        // 2026-11-27T20:53:00.123Z
        now_ms: 1_795_812_780_123,
        seed: "seed".to_owned(),
    }
}

/// A template with these members.
fn template(members: Value) -> Value {
    let mut template = json!({"$schema": "https://schema", "contentVersion": "1.0.0.0", "resources": []});
    for (name, value) in members.as_object().expect("an object") {
        template[name] = value.clone();
    }
    template
}

fn read_with(members: Value, given: Value) -> Result<Deployment, ArmError> {
    let given = given.as_object().expect("an object").clone();
    Deployment::read(&template(members), &given, facts())
}

fn read(members: Value) -> Result<Deployment, ArmError> {
    read_with(members, json!({}))
}

#[track_caller]
fn refused(members: Value, why: &str) {
    let error = read(members).err().unwrap_or_else(|| panic!("it is right: {why}"));
    assert_eq!((error.status(), error.code()), (400, "InvalidTemplate"), "{error}");
    let all: String = std::iter::once(&error).chain(error.details()).map(|of| format!("{of}\n")).collect();
    assert!(all.contains(why), "{all} has no {why}");
}

fn names(deployment: &Deployment) -> Vec<&str> {
    deployment.resources().iter().map(|planned| planned.id.name()).collect()
}

fn thing(name: &str, more: Value) -> Value {
    let mut thing = json!({"type": "A.B/things", "apiVersion": "2020-01-01", "name": name});
    for (name, value) in more.as_object().expect("an object") {
        thing[name] = value.clone();
    }
    thing
}

fn outputs(deployment: &Deployment) -> Map<String, Value> {
    deployment.outputs(&Documents::new()).expect("outputs")
}

#[test]
fn values_come_from_whoever_deploys_or_from_defaults() {
    let members = json!({
        "parameters": {
            "name": {"type": "String", "metadata": {"description": "x"}},
            "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
            "full": {"type": "string", "defaultValue": "[concat(parameters('zero'), parameters('name'))]"},
            "zero": {"type": "string", "defaultValue": "[string(0)]"},
            "time": {"type": "string", "defaultValue": "[utcNow()]"},
            "day": {"type": "string", "defaultValue": "[utcNow('yyyy-MM-dd')]"},
            "id": {"type": "string", "defaultValue": "[newGuid()]"},
            "other": {"type": "string", "defaultValue": "[newGuid()]"},
            "count": {"type": "int", "minValue": 1, "maxValue": 3, "defaultValue": 2},
            "list": {"type": "array", "defaultValue": [1, "[parameters('count')]"]},
        },
    });
    let deployment = read_with(members.clone(), json!({"NAME": "n"})).expect("a deployment");
    let parameters = deployment.parameters();
    let value = |name: &str| parameters[name]["value"].clone();
    assert_eq!((value("location"), value("full")), (json!("uksouth"), json!("0n")));
    assert_eq!((value("time"), value("day")), (json!("20261127T205300Z"), json!("2026-11-27")));
    assert_eq!(value("list"), json!([1, 2]));
    assert_ne!(value("id"), value("other"));
    assert_eq!(parameters["name"], json!({"type": "String", "value": "n"}));
    // Read again with all values it is the same, whatever the time.
    let kept = given_values(Some(&json!(parameters))).expect("values");
    let later = Facts { now_ms: 0, seed: "another".to_owned(), ..facts() };
    let again = Deployment::read(&template(members), &kept, later).expect("a deployment");
    assert_eq!(again.parameters(), parameters);
}

#[test]
fn wrong_values_are_told_with_what_is_right() {
    let definitions = json!({
        "size": {"type": "string", "allowedValues": ["S", "M"]},
        "count": {"type": "int", "minValue": 1, "maxValue": 3},
        "name": {"type": "string", "minLength": 2, "maxLength": 4},
        "key": {"type": "securestring", "minLength": 8},
        "pick": {"type": "array", "allowedValues": ["a", "b"]},
    });
    let good = json!({"size": "S", "count": 1, "name": "abc", "key": "long enough", "pick": ["b", "a"]});
    let with = |name: &str, value: Value| {
        let mut given = good.clone();
        given[name] = value;
        read_with(json!({"parameters": definitions}), given).map(drop)
    };
    assert!(with("size", json!("M")).is_ok());
    for (name, value, why) in [
        ("size", json!("L"), r#"allowed: "S", "M""#),
        ("size", json!(1), "of type String, not int"),
        ("count", json!(4), "has to be 1 to 3"),
        ("count", json!(1.5), "not a number that is not whole"),
        ("count", json!("1"), "of type Int, not string"),
        ("name", json!("a"), "the length of the value is 1 and has to be 2 to 4"),
        ("pick", json!(["c"]), "not one of those"),
        (
            "stranger",
            json!(1),
            "the template has no parameters 'stranger'. It has: count, key, name, pick, size.",
        ),
    ] {
        let error = with(name, value).expect_err(name);
        assert!(error.message().contains(why), "{error}");
    }
    let error = with("key", json!("hunter2")).expect_err("too short");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let error = read(json!({"parameters": definitions})).err().expect("missing");
    assert!(error.message().contains("needed: count, key, name, pick, size"), "{error}");
    let circle = json!({"a": {"type": "string", "defaultValue": "[parameters('b')]"}, "b": {"type": "string", "defaultValue": "[parameters('a')]"}});
    refused(json!({"parameters": circle}), "in a circle: a, b");
    for (given, why) in [
        (json!({"a": 1}), "{\"value\": …}"),
        (json!({"a": {"reference": {"keyVault": {}}}}), "key vaults are not supported"),
        (json!({"a": {}}), "a value is missing"),
        (json!({"a": {"value": 1, "x": 1}}), "'x' is unknown"),
        (json!([]), "have to be an object"),
    ] {
        let error = given_values(Some(&given)).expect_err(why);
        assert!(error.message().contains(why), "{error}");
    }
}

#[test]
fn resources_come_behind_what_they_depend_on() {
    let id = |name: &str| format!("[resourceId('A.B/things', '{name}')]");
    let resources = json!([
        thing("a", json!({"dependsOn": [id("b"), "c"]})),
        thing("b", json!({"properties": {"x": "[reference('d').y]"}})),
        thing("c", json!({"dependsOn": ["A.B/things/b"]})),
        thing("d", json!({})),
        thing("e", json!({"condition": false})),
        thing("f", json!({"dependsOn": ["e"]})),
    ]);
    let deployment = read(json!({"resources": resources})).expect("a deployment");
    assert_eq!(names(&deployment), ["d", "f", "b", "c", "a"]);
    let needed: Vec<&[usize]> = deployment.resources().iter().map(|planned| &*planned.depends_on).collect();
    assert_eq!(needed, [&[][..], &[], &[0], &[2], &[2, 3]]);
    for planned in deployment.resources() {
        assert_eq!(planned.id.to_string(), format!("{GROUP}/providers/A.B/things/{}", planned.id.name()));
    }
}

#[test]
fn circles_and_strangers_are_named() {
    let circle = json!([
        thing("a", json!({"dependsOn": ["b"]})),
        thing("b", json!({"properties": {"x": "[reference('c').y]"}})),
        thing("c", json!({"dependsOn": ["a"]})),
    ]);
    refused(json!({"resources": circle}), "in a circle: a -> b -> c -> a");
    refused(json!({"resources": [thing("a", json!({"dependsOn": ["a"]}))]}), "depends on itself");
    refused(
        json!({"resources": [thing("a", json!({"dependsOn": ["x"]}))]}),
        "'x' is not defined in the template",
    );
    let twice = json!([thing("a", json!({})), thing("A", json!({}))]);
    refused(json!({"resources": twice}), "is defined at 'resources[0]' as well");
    let mut other = thing("a", json!({}));
    other["type"] = json!("A.B/others");
    let unclear = json!([thing("a", json!({})), other, thing("b", json!({"dependsOn": ["a"]}))]);
    refused(json!({"resources": unclear}), "'a' means several resources");
}

#[test]
fn of_two_definitions_of_a_resource_the_one_counts_whose_condition_holds() {
    let resources = json!([
        thing("a", json!({"condition": true, "tags": {"x": "1"}})),
        thing("a", json!({"condition": false, "tags": {"x": "2"}})),
        thing("b", json!({"dependsOn": ["a"]})),
    ]);
    let deployment = read(json!({"resources": resources})).expect("a deployment");
    assert_eq!(names(&deployment), ["a", "b"]);
    assert_eq!(deployment.resources()[1].depends_on, [0]);
}

#[test]
fn a_large_template_is_read_in_a_moment() {
    let depends_on: Vec<String> = (0..400).map(|at| format!("a{at}")).collect();
    let resources = json!([
        thing("[concat('a', copyIndex())]", json!({"copy": {"name": "a", "count": 400}})),
        thing(
            "[concat('b', copyIndex())]",
            json!({"copy": {"name": "b", "count": 400}, "dependsOn": depends_on})
        ),
    ]);
    let begun = std::time::Instant::now();
    let deployment = read(json!({"resources": resources})).expect("a deployment");
    assert_eq!((deployment.resources().len(), deployment.resources()[799].depends_on.len()), (800, 400));
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn loops_make_copies_children_and_turns() {
    let child = json!({"type": "parts", "apiVersion": "2020-01-01", "name": "[concat('p', copyIndex())]"});
    let resources = json!([
        thing(
            "[concat('t', copyIndex(1))]",
            json!({
                "copy": {"name": "loop", "count": 3, "mode": "serial", "batchSize": 2},
                "resources": [child],
            })
        ),
        thing("last", json!({"dependsOn": ["loop"]})),
    ]);
    let deployment = read(json!({"resources": resources})).expect("a deployment");
    let ids: Vec<String> = deployment.resources().iter().map(|planned| planned.id.to_string()).collect();
    let of = |rest: &str| format!("{GROUP}/providers/A.B/things/{rest}");
    let at = |rest: &str| {
        ids.iter().position(|id| *id == of(rest)).unwrap_or_else(|| panic!("no {rest}: {ids:#?}"))
    };
    assert_eq!(ids.len(), 7);
    let before_t3 = &deployment.resources()[at("t3")].depends_on;
    assert!([at("t1"), at("t2"), at("t2/parts/p1")].iter().all(|of| before_t3.contains(of)), "{before_t3:?}");
    assert!(deployment.resources()[at("t2")].depends_on.is_empty());
    assert_eq!(deployment.resources()[at("t2/parts/p1")].depends_on, [at("t2")]);
    assert!(deployment.resources()[at("last")].depends_on.contains(&at("t3")));
    let nested = json!({"type": "parts", "apiVersion": "x", "name": "p", "copy": {"name": "l", "count": 1}});
    refused(
        json!({"resources": [thing("a", json!({"resources": [nested]}))]}),
        "cannot be used inside another resource",
    );
    refused(json!({"resources": [thing("a", json!({"copy": {"name": "l", "count": 801}}))]}), "0 to 800");
    let many = json!([
        thing("[concat('a', copyIndex())]", json!({"copy": {"name": "a", "count": 500}})),
        thing("[concat('b', copyIndex())]", json!({"copy": {"name": "b", "count": 500}})),
    ]);
    refused(json!({"resources": many}), "at most 800 resources");
}

#[test]
fn extensions_have_a_scope_or_a_long_type() {
    let lock = |more: Value| {
        let mut lock =
            json!({"type": "Microsoft.Authorization/locks", "apiVersion": "2020-05-01", "name": "l"});
        for (name, value) in more.as_object().expect("an object") {
            lock[name] = value.clone();
        }
        lock
    };
    let on_thing = format!("{GROUP}/providers/A.B/things/a/providers/Microsoft.Authorization/locks/l");
    for resource in [
        lock(json!({"scope": "[resourceId('A.B/things', 'a')]"})),
        lock(json!({"scope": "A.B/things/a"})),
        lock(json!({"type": "A.B/things/providers/locks", "name": "a/Microsoft.Authorization/l"})),
    ] {
        let resources = json!([resource, thing("a", json!({}))]);
        let deployment = read(json!({"resources": resources})).expect("a deployment");
        assert_eq!(deployment.resources()[1].id.to_string(), on_thing);
        assert_eq!(deployment.resources()[1].depends_on, [0]);
    }
    let of_group = read(json!({"resources": [lock(json!({}))]})).expect("a deployment");
    assert_eq!(of_group.resources()[0].id.scope().map(|id| id.to_string()).as_deref(), Some(GROUP));
    for scope in ["/", "/subscriptions/s", "[resourceId('other', 'A.B/things', 'a')]"] {
        refused(json!({"resources": [lock(json!({"scope": scope}))]}), "outside of the resource group");
    }
    refused(json!({"resources": [lock(json!({"name": "a/b"}))]}), "needs 1 names");
}

#[test]
fn bodies_have_what_is_worked_out() {
    let members = json!({
        "parameters": {"key": {"type": "secureString"}},
        "variables": {"tags": {"env": "test"}},
        "resources": [
            thing("a", json!({
                "location": "[resourceGroup().location]", "tags": "[variables('tags')]", "comments": "x",
                "sku": {"name": "S"}, "properties": {"x": "[copyIndex()]"}, "copy": {"name": "l", "count": 1},
            })),
            thing("b", json!({"properties": {"key": "[parameters('key')]", "x": "[reference('a').x]"}})),
        ],
    });
    let deployment = read_with(members, json!({"key": "hunter2"})).expect("a deployment");
    let made = deployment.body(0, &Documents::new()).expect("a body");
    assert_eq!(
        made.body,
        json!({"location": "uksouth", "tags": {"env": "test"}, "sku": {"name": "S"}, "properties": {"x": 0}})
    );
    assert!(!made.secret);
    let Err(Halt::Needs(reference)) = deployment.body(1, &Documents::new()) else { panic!("it needs a") };
    assert_eq!((reference.id.name(), reference.api_version.as_str()), ("a", "2020-01-01"));
    let documents: Documents = [(Reference { ..reference }, json!({"properties": {"x": 7}}))].into();
    let made = deployment.body(1, &documents).expect("a body");
    assert_eq!((made.body, made.secret), (json!({"properties": {"key": "hunter2", "x": 7}}), true));
    let shown = deployment.shown(1, &documents).expect("a body");
    assert_eq!(
        (shown.body, shown.unknown),
        (json!({"properties": {"key": "[parameters('key')]", "x": 7}}), true)
    );
    assert_eq!(deployment.parameters()["key"], json!({"type": "SecureString"}));
    assert_eq!(deployment.secrets()["key"], "hunter2");
}

#[test]
fn a_secret_is_in_nothing_that_says_which_resource_it_is() {
    let secret = "[parameters('key')]";
    let with = |member: &str, value: Value| {
        let resources = json!([thing("other", json!({})), thing("a", json!({member: value}))]);
        let parameters = json!({"key": {"type": "secureString"}});
        read_with(json!({"parameters": parameters, "resources": resources}), json!({"key": "hunter2/x"}))
    };
    for (member, value, place) in [
        ("name", json!(secret), "name"),
        ("type", json!("[concat('A.B/', parameters('key'))]"), "type"),
        ("scope", json!(secret), "scope"),
        ("apiVersion", json!(secret), "apiVersion"),
        ("dependsOn", json!(["other", secret]), "dependsOn[1]"),
    ] {
        let error = with(member, value).err().unwrap_or_else(|| panic!("{member} may be a secret"));
        assert_eq!(error.target(), Some(format!("resources[1].{place}").as_str()), "{error}");
        let all = json!(error).to_string();
        assert!(all.contains("it uses a secure parameter") && !all.contains("hunter2"), "{all}");
    }
    // Whether it is made may depend on one.
    let made = |condition: &str| {
        let deployment = with("condition", json!(condition)).expect("a deployment");
        deployment.resources().len()
    };
    assert_eq!(made("[equals(parameters('key'), 'hunter2/x')]"), 2);
    assert_eq!(made("[equals(parameters('key'), 'another')]"), 1);
}

#[test]
fn what_is_nested_too_deeply_to_be_kept_is_refused_wherever_its_levels_come_from() {
    let made = |levels: usize| {
        let inner = format!("[json('{}1{}')]", "[".repeat(80), "]".repeat(80));
        (0..levels).fold(json!(inner), |inner, _| json!([inner]))
    };
    let parameter = |levels| json!({"parameters": {"p": {"type": "array", "defaultValue": made(levels)}}});
    let property = |levels| json!({"resources": [thing("a", json!({"properties": {"x": made(levels)}}))]});
    let output = |levels| json!({"outputs": {"o": {"type": "array", "value": made(levels)}}});
    for (right, wrong, place) in [
        (parameter(20), parameter(21), "'parameters.p'"),
        (property(18), property(19), "'resources[0]'"),
        (output(20), output(21), "'outputs.o'"),
    ] {
        refused(wrong, &format!("{place}: a value is nested more than 100 levels deep"));
        let deployment = read(right).expect("a deployment");
        // Beside what is written around them, that can be read back.
        let all = json!([deployment.parameters(), outputs(&deployment)]).to_string();
        assert!(serde_json::from_str::<Value>(&all).is_ok(), "{all}");
    }
    let given = (0..101).fold(json!(1), |inner, _| json!([inner]));
    let definition = json!({"parameters": {"p": {"type": "array"}}});
    let error = read_with(definition, json!({"p": given})).err().expect("it is too deep");
    assert!(error.message().contains("levels deep"), "{error}");
}

#[test]
fn outputs_are_worked_out_and_secure_ones_are_not_shown() {
    let members = json!({
        "parameters": {"key": {"type": "secureString", "defaultValue": "hunter2"}},
        "outputs": {
            "plain": {"type": "string", "value": "[concat('a', 'b')]"},
            "secret": {"type": "securestring", "value": "[parameters('key')]"},
            "none": {"type": "string", "condition": "[false()]", "value": "[string(div(1, 0))]"},
            "list": {"type": "array", "copy": {"count": 3, "input": "[copyIndex(5)]"}},
        },
    });
    let shown = outputs(&read(members).expect("a deployment"));
    let expected = json!({
        "plain": {"type": "String", "value": "ab"}, "secret": {"type": "SecureString"},
        "list": {"type": "Array", "value": [5, 6, 7]},
    });
    assert_eq!(Value::Object(shown), expected);
    let members = |output: Value| {
        json!({
            "parameters": {"key": {"type": "secureString", "defaultValue": "hunter2"}},
            "variables": {"v": "[length(parameters('key'))]"},
            "outputs": {"o": output},
        })
    };
    refused(members(json!({"type": "string", "value": "[parameters('key')]"})), "its type has to be secure");
    refused(members(json!({"type": "int", "value": "[variables('v')]"})), "its type has to be secure");
    refused(members(json!({"type": "int", "value": "x"})), "has to be of type Int, not string");
    refused(members(json!({"type": "int"})), "'outputs.o.value' is required");
}

#[test]
fn nothing_secret_is_kept() {
    let template = template(json!({"parameters": {
        "key": {"type": "secureString", "defaultValue": "hunter2", "allowedValues": ["hunter2"]},
        "name": {"type": "string", "defaultValue": "n"},
    }}));
    let kept = without_secrets(&template).expect("a template");
    assert!(!kept.to_string().contains("hunter2"));
    assert_eq!(kept["parameters"]["name"], template["parameters"]["name"]);
    refused(
        json!({"parameters": {
            "key": {"type": "secureString", "defaultValue": "hunter2"},
            "copy": {"type": "string", "defaultValue": "[parameters('key')]"},
        }}),
        "its type has to be secure",
    );
}

#[test]
fn everything_that_is_wrong_with_the_parts_is_told_at_once() {
    let wrong = json!({
        "languageVersion": "2.0", "functions": [{"namespace": "n"}], "colour": "red",
        "parameters": {"a": {"type": "float"}, "b": {"defaultValue": 1}},
        "resources": [{"type": "A.B/c", "name": "n", "sizes": 1}, 5],
        "outputs": {"o": {"value": 1}},
    });
    for why in [
        "'languageVersion' is not supported",
        "'functions' is not supported",
        "'colour' is unknown",
        "must be one of string, securestring, int",
        "'parameters.b.type' is required",
        "'resources[0].apiVersion' is required",
        "'resources[0].sizes' is unknown",
        "'resources[1]' must be an object",
        "'outputs.o.type' is required",
    ] {
        refused(wrong.clone(), why);
    }
    refused(json!({"resources": {"symbol": {}}}), "symbolic names are not supported");
    refused(json!({"resources": [thing("[concat('a']", json!({}))]}), "'resources[0].name'");
    let mut nested = thing("a", json!({}));
    for _ in 0..6 {
        nested = json!({"type": "A.B/c", "apiVersion": "x", "name": "a", "resources": [nested]});
    }
    refused(json!({"resources": [nested]}), "inside more than 5 resources");
    refused(
        json!({"resources": [thing("a", json!({"properties": {"x": "[nope()]"}}))]}),
        "'nope' is not known",
    );
    refused(json!({"resources": [thing("a", json!({"tags": {"x": "[reference('b')]"}}))]}), "nowhere else");
    let error = read(json!({"resources": [thing("a", json!({"properties": {"l": [{"x": "[int('y')]"}]}}))]}));
    assert_eq!(error.err().expect("wrong").target(), Some("resources[0].properties.l[0].x"));
}
