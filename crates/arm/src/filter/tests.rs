//! Filters as clients send them.

use proptest::prelude::*;

use super::*;

fn read(text: &str, vocabulary: &Vocabulary) -> Vec<(&'static str, Test)> {
    let filter = Filter::parse(text, vocabulary).unwrap_or_else(|error| panic!("{error}"));
    filter.0.into_iter().map(|condition| (condition.subject, condition.test)).collect()
}

fn resources(text: &str) -> Filter {
    Filter::parse(text, &RESOURCES).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str, vocabulary: &Vocabulary) -> String {
    let error = Filter::parse(text, vocabulary).expect_err(text);
    assert_eq!((error.status(), error.code()), (400, "InvalidFilterInQueryString"));
    assert!(!error.message().contains('\n'));
    error.message().to_owned()
}

fn is(value: &str) -> Test {
    Test::Is(value.to_owned())
}

#[test]
fn what_az_sends_for_resources_is_read() {
    assert_eq!(read("", &RESOURCES), []);
    assert_eq!(read("  ", &RESOURCES), []);
    assert_eq!(read("resourceGroup eq 'rg1'", &RESOURCES), [("resourceGroup", is("rg1"))]);
    let all = read("name eq 'c1' and location eq 'uksouth' and resourceType eq 'NS/t'", &RESOURCES);
    assert_eq!(all, [("name", is("c1")), ("location", is("uksouth")), ("resourceType", is("NS/t"))]);
    let tags = read("tagname eq 'x' and tagvalue eq 'y'", &RESOURCES);
    assert_eq!(tags, [("tagName", is("x")), ("tagValue", is("y"))]);
    let begin = read("startswith(tagname, 'cost')", &RESOURCES);
    assert_eq!(begin, [("tagName", Test::StartsWith("cost".into()))]);
    let part = read("substringof('demo', name) and resourceGroup ne 'x'", &RESOURCES);
    assert_eq!(part, [("name", Test::Contains("demo".into())), ("resourceGroup", Test::IsNot("x".into()))]);
    assert_eq!(read("tagname eq 'x'", &RESOURCE_GROUPS), [("tagName", is("x"))]);
}

#[test]
fn what_az_sends_for_the_activity_log_is_read() {
    let first = Timestamp::parse("2026-11-26T06:53:00.5Z").expect("a time");
    let last = Timestamp::parse("2026-11-26T12:53:00.5Z").expect("a time");
    let expected = [
        ("eventTimestamp", Test::NotBefore(first)),
        ("eventTimestamp", Test::NotAfter(last)),
        ("resourceGroupName", is("rg1")),
    ];
    let bare = "eventTimestamp ge 2026-11-26T06:53:00.500000 \
        and eventTimestamp le 2026-11-26T12:53:00.500000+00:00 and resourceGroupName eq 'rg1'";
    assert_eq!(read(bare, &ACTIVITY_LOG), expected);
    let quoted = "eventTimestamp ge '2026-11-26T06:53:00.5Z' and eventTimestamp le '2026-11-26T12:53:00.5Z' \
        and resourceGroupName eq 'rg1'";
    assert_eq!(read(quoted, &ACTIVITY_LOG), expected);
    for field in ["correlationId", "resourceId", "resourceProvider", "caller", "status"] {
        assert_eq!(read(&format!("{field} eq 'x'"), &ACTIVITY_LOG), [(field, is("x"))]);
    }
}

#[test]
fn functions_of_roles_are_read() {
    assert_eq!(read("atScope()", &ROLE_ASSIGNMENTS), [("atScope", Test::Function(None))]);
    let both = read("atScope() and assignedTo('p')", &ROLE_ASSIGNMENTS);
    assert_eq!(both[1], ("assignedTo", Test::Function(Some("p".into()))));
    assert_eq!(read("principalId eq 'p'", &ROLE_ASSIGNMENTS), [("principalId", is("p"))]);
    assert_eq!(read("roleName eq 'Owner'", &ROLE_DEFINITIONS), [("roleName", is("Owner"))]);
    let filter = Filter::parse("ATSCOPE ( )", &ROLE_ASSIGNMENTS).expect("a filter");
    assert!(filter.calls("atScope") && !filter.calls("assignedTo") && !filter.is_empty());
}

#[test]
fn quotes_are_doubled_in_texts() {
    assert_eq!(read("name eq 'it''s'", &RESOURCES), [("name", is("it's"))]);
    assert_eq!(read("name eq ''", &RESOURCES), [("name", is(""))]);
    assert_eq!(read("name eq 'a and b (c), d'", &RESOURCES), [("name", is("a and b (c), d"))]);
}

#[test]
fn what_is_not_understood_is_refused_with_what_is() {
    assert!(
        refused("colour eq 'red'", &RESOURCES).contains("'colour' is unknown. Known here, joined by 'and'")
    );
    assert!(refused("colour eq 'red'", &RESOURCES).contains("resourceGroup, resourceType, name, location"));
    assert!(refused("tolower(name) eq 'x'", &RESOURCES).contains("'tolower' is unknown"));
    assert!(refused("x()", &ROLE_ASSIGNMENTS).contains("principalId, atScope(), assignedTo()"));
    let or = refused("name eq 'a' or name eq 'b'", &RESOURCES);
    assert!(or.contains("'or' cannot follow a condition: only 'and' can"), "{or}");
    assert!(refused("(name eq 'a')", &RESOURCES).contains("cannot begin with '('"));
    assert!(refused("name eq 'a' and", &RESOURCES).contains("missing at its end"));
    assert!(refused("name gt 'a'", &RESOURCES).contains("name has the operators 'eq' and 'ne', not 'gt'"));
    assert!(refused("eventTimestamp eq 2026-01-01", &ACTIVITY_LOG).contains("'ge' and 'le', not 'eq'"));
    assert!(refused("eventTimestamp ge 'soon'", &ACTIVITY_LOG).contains("'soon' is no time"));
    assert!(refused("name eq 'a", &RESOURCES).contains("no quote at its end"));
    assert!(refused("name eq", &RESOURCES).contains("ends where a value has to be"));
    assert!(refused("name", &RESOURCES).contains("ends where an operator has to be"));
    assert!(refused("'a' eq name", &RESOURCES).contains("cannot begin with the text 'a'"));
    assert!(refused("name 'eq' 'a'", &RESOURCES).contains("the text 'eq' stands where an operator"));
    assert!(refused("name eq )", &RESOURCES).contains("')' stands where a value"));
    assert!(refused("substringof('a' name)", &RESOURCES).contains("'name' stands where ',' has to be"));
    assert!(refused("substringof('a', location)", &RESOURCES).contains("location has no substringof"));
    assert!(refused("startswith(name, 'a'", &RESOURCES).contains("ends where ')' has to be"));
    assert!(refused("startswith('a', name)", &RESOURCES).contains("stands where a field"));
}

#[test]
fn length_and_number_of_conditions_are_bounded() {
    let many = vec!["name eq 'a'"; 17].join(" and ");
    assert!(refused(&many, &RESOURCES).contains("16 conditions"));
    assert!(refused(&"x".repeat(5000), &RESOURCES).contains("4096 bytes"));
}

#[test]
fn conditions_hold_without_regard_to_case() {
    let filter = resources("resourceGroup eq 'RG1' and substringof('DEMO', name) and location ne 'ukwest'");
    assert_eq!(filter.value_of("resourceGroup"), Some("RG1"));
    assert_eq!((filter.value_of("name"), filter.value_of("location")), (None, None));
    assert!(filter.holds("resourceGroup", ["rg1"]) && !filter.holds("resourceGroup", ["rg10"]));
    assert!(filter.holds("name", ["my-demo-1"]) && !filter.holds("name", ["other"]));
    assert!(filter.holds("location", ["uksouth"]) && !filter.holds("location", ["UKWest"]));
    assert!(filter.holds("resourceType", ["anything"]), "nothing was said of it");
    assert!(filter.holds("name", ["x", "demo"]) && !filter.holds("location", ["uksouth", "ukwest"]));
    assert!(!filter.holds("name", []), "nothing is no demo");
    let first = Timestamp::parse("2026-01-02").expect("a time");
    assert!(
        Test::NotBefore(first).holds("2026-01-02T00:00:00Z") && !Test::NotBefore(first).holds("2026-01-01")
    );
    assert!(Test::NotAfter(first).holds("2026-01-02") && !Test::NotAfter(first).holds("x"));
    assert!(Test::StartsWith("A".into()).holds("abc") && !Test::Function(None).holds("x"));
    assert_eq!(filter.conditions().len(), 3);
}

#[test]
fn the_name_and_the_value_of_a_tag_belong_together() {
    let tags = [("Env", "Prod"), ("owner", "kim")];
    let holds = |text: &str| resources(text).holds_for_tags(tags.into_iter());
    assert!(holds("tagname eq 'env'") && holds("tagname eq 'ENV' and tagvalue eq 'Prod'"));
    assert!(
        !holds("tagname eq 'env' and tagvalue eq 'kim'") && !holds("tagname eq 'env' and tagvalue eq 'prod'")
    );
    assert!(holds("tagvalue eq 'kim'") && !holds("tagname eq 'x'"));
    assert!(holds("startswith(tagname, 'OWN')") && holds("name eq 'x'") && holds(""));
}

proptest! {
    #[test]
    fn any_text_comes_back_from_its_quotes(value in "\\PC{0,40}") {
        let text = format!("name eq '{}'", value.replace('\'', "''"));
        prop_assert_eq!(read(&text, &RESOURCES), [("name", Test::Is(value))]);
    }

    #[test]
    fn no_text_makes_it_panic(
        text in "((name|eq|and|substringof|startswith|'|\\(|\\)|,| |é){0,12})|\\PC{0,20}",
    ) {
        let _ = Filter::parse(&text, &RESOURCES);
    }
}
