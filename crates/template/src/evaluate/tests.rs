//! Working out: variables, parameters, loops, secrets, references, bounds.

use isobar_arm::ResourceId;

use super::*;
use crate::limits::VALUE_DEPTH_MAX;

pub(crate) fn facts() -> Facts {
    let group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1";
    Facts {
        group: ResourceId::parse(group).expect("an id"),
        group_document: json!({
            "id": group, "name": "rg1", "type": "Microsoft.Resources/resourceGroups",
            "location": "uksouth", "tags": {}, "properties": {"provisioningState": "Succeeded"},
        }),
        subscription_name: "Weather".to_owned(),
        tenant: "00000000-0000-0000-0000-000000000002".to_owned(),
        deployment: "d1".to_owned(),
        endpoint: "https://localhost:8443".to_owned(),
        now_ms: 1_795_812_780_123,
        seed: "seed".to_owned(),
    }
}

fn evaluator(variables: Value) -> Evaluator {
    Evaluator::new(facts(), variables.as_object().expect("an object"))
}

fn frame<'f>(documents: Option<&'f Documents>, shows: bool) -> Frame<'f> {
    Frame { place: Place::Properties, loops: &[], documents, shows }
}

fn value(evaluator: &Evaluator, written: &Value) -> Result<(Value, Marks), String> {
    let done = evaluator.run(|| evaluator.value(&frame(None, false), written));
    done.map_err(|stop| match stop {
        Stop::Wrong(places, why) => format!("{}: {why}", places.join(" < ")),
        Stop::Needs(reference) => format!("needs {} {}", reference.id, reference.api_version),
    })
}

#[test]
fn variables_use_others_in_any_order_and_no_circle() {
    let variables = json!({
        "b": "[concat(variables('A'), '2')]", "a": "1", "deep": {"x": ["[variables('b')]"]},
        "one": "[variables('two')]", "two": "[variables('one')]",
        "copy": [{"name": "disks", "count": 2, "input": "[format('d{0}', copyIndex('disks', 1))]"}],
    });
    let evaluator = evaluator(variables);
    assert_eq!(value(&evaluator, &json!("[variables('deep').x[0]]")).expect("12").0, json!("12"));
    assert_eq!(value(&evaluator, &json!("[variables('disks')]")).expect("two").0, json!(["d1", "d2"]));
    let error = value(&evaluator, &json!("[variables('one')]")).expect_err("a circle");
    assert!(error.contains("there is a circle: one -> two -> one"), "{error}");
    // What failed does not stand in the way of others.
    assert_eq!(value(&evaluator, &json!("[variables('b')]")).expect("12").0, json!("12"));
}

#[test]
fn members_are_made_by_loops_and_names_may_be_expressions() {
    let evaluator = evaluator(json!({}));
    let written = json!({
        "copy": [{"name": "nodes", "count": "[add(1, 1)]", "input": {"name": "[concat('n', copyIndex('nodes'))]"}}],
        "[concat('a', 'b')]": 1,
    });
    let expected = json!({"nodes": [{"name": "n0"}, {"name": "n1"}], "ab": 1});
    assert_eq!(value(&evaluator, &written).expect("made").0, expected);
    for (wrong, why) in [
        (json!({"copy": [{"name": "n", "count": 801, "input": 1}]}), "0 to 800"),
        (json!({"copy": [{"name": "n", "count": 1}]}), "needs an input"),
        (json!({"copy": [{"count": 1, "input": 1}]}), "needs a name"),
        (json!({"copy": [{"name": "n", "count": 1, "input": 1, "mode": "serial"}]}), "'mode' is unknown"),
        (json!({"[createArray()]": 1}), "the name of a member has to be a text"),
    ] {
        let error = value(&evaluator, &wrong).expect_err("wrong");
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn what_uses_a_secret_is_marked_and_never_in_an_error() {
    let evaluator = evaluator(json!({"v": "[concat(parameters('key'), '!')]"}));
    evaluator.give("Key", Given { value: json!("hunter2"), secret: true });
    evaluator.give("plain", Given { value: json!("x"), secret: false });
    assert!(!value(&evaluator, &json!("[parameters('plain')]")).expect("x").1.secret);
    for written in ["[parameters('key')]", "[variables('v')]", "[if(equals(variables('v'), 'a'), 1, 2)]"] {
        // The second time the variable is known already.
        for _ in 0..2 {
            assert!(value(&evaluator, &json!(written)).expect(written).1.secret, "{written}");
        }
    }
    for written in [
        "[int(parameters('key'))]",
        "[resourceGroup()[variables('v')]]",
        "[resourceId(parameters('key'), 'b')]",
        "[reference(resourceId('A.B/c', parameters('key')), '2020-01-01').x]",
    ] {
        let error = value(&evaluator, &json!({"a": written})).expect_err(written);
        assert!(error.contains("nothing of it is shown") && !error.contains("hunter2"), "{error}");
    }
    let written = json!({"secret": "[variables('v')]", "plain": "[parameters('plain')]"});
    let (shown, marks) = evaluator.run(|| evaluator.value(&frame(None, true), &written)).expect("shown");
    assert_eq!(shown, json!({"secret": "[variables('v')]", "plain": "x"}));
    assert!(marks.secret && marks.unknown);
}

#[test]
fn another_resource_is_asked_for_and_then_used() {
    let evaluator = evaluator(json!({}));
    let id = facts().group.resource("A.B", "things", "t1").expect("an id");
    let reference = Reference { id: id.clone(), api_version: "2020-01-01".to_owned() };
    evaluator.set_resources(vec![Known {
        reference: reference.clone(),
        name: "t1".to_owned(),
        is_made: true,
    }]);
    let full = format!("[reference('{id}', '2021-01-01', 'Full').location]");
    for (written, version) in [("[reference('t1').x]", "2020-01-01"), (&full, "2021-01-01")] {
        let error = value(&evaluator, &json!(written)).expect_err("nothing is known");
        assert_eq!(error, format!("needs {id} {version}"));
    }
    let mut documents = Documents::new();
    documents.insert(reference.clone(), json!({"properties": {"x": 5}}));
    let newer = Reference { api_version: "2021-01-01".to_owned(), ..reference };
    documents.insert(newer, json!({"location": "uksouth"}));
    let with = |written: &str| {
        evaluator.run(|| evaluator.value(&frame(Some(&documents), false), &json!(written))).expect("known").0
    };
    assert_eq!((with("[reference('t1').x]"), with(&full)), (json!(5), json!("uksouth")));
    // Shown before anything is made it stays as it is, and so does what fails because of it.
    for written in ["[reference('t1').x]", "[length(reference('t1').x)]"] {
        let shown = evaluator.run(|| evaluator.value(&frame(None, true), &json!(written))).expect("shown");
        assert_eq!(shown.0, json!(written));
        assert!(shown.1.unknown);
    }
    for (written, why) in [
        ("[reference('none')]", "neither the name of a resource of the template nor the id"),
        ("[reference('/subscriptions/s/resourceGroups/g/providers/A.B/c/x')]", "the version of the API"),
        ("[reference('t1', '2020-01-01', 'Half')]", "argument 3 can be 'Full'"),
    ] {
        let error = value(&evaluator, &json!(written)).expect_err(written);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn ids_and_surroundings() {
    let evaluator = evaluator(json!({}));
    let group = facts().group.to_string();
    for (written, expected) in [
        ("[resourceGroup().location]", json!("uksouth")),
        ("[resourceGroup().id]", json!(group)),
        ("[subscription().subscriptionId]", json!("00000000-0000-0000-0000-000000000001")),
        ("[subscription().displayName]", json!("Weather")),
        ("[tenant().tenantId]", json!("00000000-0000-0000-0000-000000000002")),
        ("[deployment().name]", json!("d1")),
        ("[environment().resourceManager]", json!("https://localhost:8443/")),
        ("[resourceId('A.B/c', 'n')]", json!(format!("{group}/providers/A.B/c/n"))),
        ("[tenantResourceId('A.B/c', 'n')]", json!("/providers/A.B/c/n")),
        ("[[resourceGroup()]", json!("[resourceGroup()]")),
    ] {
        assert_eq!(value(&evaluator, &json!(written)).expect(written).0, expected, "{written}");
    }
}

#[test]
fn little_cannot_make_too_much() {
    let mut doubling = serde_json::Map::new();
    doubling.insert("v0".to_owned(), json!("x".repeat(1000)));
    for at in 1..60 {
        let before = at - 1;
        doubling.insert(
            format!("v{at}"),
            json!(format!("[concat(variables('v{before}'), variables('v{before}'))]")),
        );
    }
    let error =
        value(&evaluator(Value::Object(doubling)), &json!("[variables('v59')]")).expect_err("too much");
    assert!(error.contains("takes more than"), "{error}");
    let turns = |name: &str, input: Value| json!({"copy": [{"name": name, "count": 800, "input": input}]});
    let literals = turns("a", turns("b", turns("c", json!(1))));
    // Nothing but its name, of which each turn has one.
    let names = turns(&"n".repeat(1 << 20), json!(1));
    // Hardly anything comes out of much that is read.
    let reads = turns("a", turns("b", json!(format!("[if(true(), 1, '{}')]", "x".repeat(20_000)))));
    for much in [literals, names, reads] {
        let error = value(&evaluator(json!({})), &much).expect_err("too much");
        assert!(error.contains("takes more than"), "{error}");
    }
    let mut nesting = serde_json::Map::new();
    nesting.insert("v0".to_owned(), json!([]));
    for at in 1..200 {
        nesting.insert(format!("v{at}"), json!(format!("[createArray(variables('v{}'))]", at - 1)));
    }
    let evaluator = evaluator(Value::Object(nesting));
    let error = value(&evaluator, &json!("[variables('v199')]")).expect_err("too deep");
    assert!(error.contains("inside each other") || error.contains("levels deep"), "{error}");
    for at in 0..=VALUE_DEPTH_MAX {
        let done = value(&evaluator, &json!(format!("[variables('v{at}')]")));
        assert_eq!(done.is_ok(), at < VALUE_DEPTH_MAX, "{at}: {done:?}");
    }
}
