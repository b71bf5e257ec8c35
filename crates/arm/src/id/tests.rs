//! Ids as clients send them.

use proptest::prelude::*;

use super::*;

const CLUSTER: &str = "/subscriptions/S/resourceGroups/rg1/providers/Isobar.Storage/clusters/c1";

fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    let error = ResourceId::parse(text).expect_err(text).to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn a_resource_knows_its_parts() {
    let node = id(&format!("{CLUSTER}/nodes/n1"));
    assert_eq!((node.subscription(), node.group()), (Some("S"), Some("rg1")));
    assert_eq!((node.namespace(), node.name()), (Some("Isobar.Storage"), "n1"));
    assert_eq!(node.resource_type(), "Isobar.Storage/clusters/nodes");
    assert_eq!(node.parent(), Some(id(CLUSTER)));
    assert_eq!(node.scope(), Some(id("/subscriptions/S/resourceGroups/rg1")));
}

#[test]
fn scopes_are_ids_of_their_own() {
    let subscription = id("/subscriptions/S");
    assert_eq!((subscription.name(), subscription.namespace()), ("S", None));
    assert_eq!(subscription.resource_type(), "Microsoft.Resources/subscriptions");
    let group = id("/subscriptions/S/resourceGroups/rg1");
    assert_eq!((group.name(), group.resource_type().as_str()), ("rg1", "Microsoft.Resources/resourceGroups"));
    assert_eq!((group.parent(), group.scope()), (Some(subscription.clone()), None));
    assert_eq!(subscription.parent(), Some(ResourceId::tenant()));
    let tenant = id("/");
    assert_eq!((tenant.to_string().as_str(), tenant.parent(), tenant.name()), ("/", None, ""));
    assert_eq!(tenant.resource_type(), "Microsoft.Resources/tenants");
}

#[test]
fn an_extension_has_the_scope_that_it_extends() {
    let lock = id(&format!("{CLUSTER}/providers/Microsoft.Authorization/locks/l1"));
    assert_eq!(lock.resource_type(), "Microsoft.Authorization/locks");
    assert_eq!((lock.scope(), lock.parent()), (Some(id(CLUSTER)), Some(id(CLUSTER))));
    let of_node = id(&format!("{CLUSTER}/nodes/n1/providers/Microsoft.Authorization/locks/l1"));
    assert_eq!(of_node.scope(), Some(id(&format!("{CLUSTER}/nodes/n1"))));
    let of_group = id("/subscriptions/S/resourceGroups/rg1/providers/Microsoft.Authorization/locks/l1");
    assert_eq!(of_group.scope(), Some(id("/subscriptions/S/resourceGroups/rg1")));
    let of_tenant = id("/providers/Microsoft.Authorization/roleAssignments/r1");
    assert_eq!((of_tenant.scope(), of_tenant.subscription()), (Some(ResourceId::tenant()), None));
}

#[test]
fn what_clients_send_becomes_canonical() {
    let sent = "//subscriptions/S//resourcegroups/rg1/Providers/Isobar.Storage//clusters/c1/";
    assert_eq!(id(sent).to_string(), CLUSTER);
    let shouted = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/rg1/PROVIDERS/Isobar.Storage/clusters/c1";
    assert_eq!(id(shouted).to_string(), CLUSTER);
}

#[test]
fn names_keep_their_case_and_ids_compare_without_it() {
    let upper = id("/subscriptions/S/resourceGroups/RG1/providers/ISOBAR.storage/Clusters/C1");
    assert_eq!(upper, id(CLUSTER));
    assert_eq!(upper.key(), id(CLUSTER).key());
    assert_eq!(upper.cmp(&id(CLUSTER)), Ordering::Equal);
    assert_eq!((upper.name(), upper.group()), ("C1", Some("RG1")));
    let set = std::collections::HashSet::from([upper, id(CLUSTER)]);
    assert_eq!(set.len(), 1);
}

#[test]
fn providers_right_after_a_namespace_is_a_type() {
    let feature = "/subscriptions/S/providers/Microsoft.Features/providers/Isobar.Storage/features/f1";
    assert_eq!(id(feature).resource_type(), "Microsoft.Features/providers/features");
    assert_eq!(id(feature).to_string(), feature);
    // A resource may be called so, too.
    let named = "/subscriptions/S/providers/A.B/c/providers/providers/D.E/f/g";
    assert_eq!((id(named).resource_type().as_str(), id(named).to_string().as_str()), ("D.E/f", named));
}

#[test]
fn within_goes_by_segments_and_not_by_letters() {
    let group = id("/subscriptions/s/resourcegroups/RG1");
    assert!(id(CLUSTER).is_within(&group) && id(CLUSTER).is_within(&id(CLUSTER)));
    assert!(id(CLUSTER).is_within(&ResourceId::tenant()) && ResourceId::tenant().is_within(&id("/")));
    assert!(!group.is_within(&id(CLUSTER)));
    assert!(!id("/subscriptions/S/resourceGroups/rg10").is_within(&group));
    assert!(!id("/subscriptions/S2").is_within(&id("/subscriptions/S")));
    let lock = id(&format!("{CLUSTER}/providers/Microsoft.Authorization/locks/l1"));
    assert!(lock.is_within(&id(CLUSTER)) && lock.is_within(&group));
}

#[test]
fn outwards_ends_at_the_tenant() {
    let all: Vec<String> = id(CLUSTER).outwards().iter().map(ToString::to_string).collect();
    assert_eq!(all, [CLUSTER, "/subscriptions/S/resourceGroups/rg1", "/subscriptions/S", "/"]);
}

#[test]
fn ids_are_built_from_their_parts() {
    let group = id("/subscriptions/S/resourceGroups/rg1");
    let cluster = group.resource("Isobar.Storage", "clusters", "c1").expect("an id");
    assert_eq!(cluster.to_string(), CLUSTER);
    let node = cluster.child("nodes", "n1").expect("an id");
    assert_eq!(node.to_string(), format!("{CLUSTER}/nodes/n1"));
    let lock = node.resource("Microsoft.Authorization", "locks", "l").expect("an id");
    assert_eq!(lock.scope(), Some(node.clone()));
    for name in ["", "a/b", "..", "a%2Fb"] {
        assert!(node.child("x", name).is_err() && group.resource("A.B", "c", name).is_err(), "{name}");
    }
    assert!(group.child("nodes", "n1").is_err(), "a group is no resource");
    assert!(node.child("providers", "A.B").is_err(), "it would begin the next block");
}

#[test]
fn a_collection_ends_with_a_type() {
    let list = |path: &str| Collection::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let nodes = list(&format!("{CLUSTER}/nodes/"));
    let expected = Collection { within: id(CLUSTER), resource_type: "Isobar.Storage/clusters/nodes".into() };
    assert_eq!(nodes, expected);
    let clusters = list("/subscriptions/S/providers/Isobar.Storage//clusters");
    assert_eq!(
        (clusters.within, clusters.resource_type.as_str()),
        (id("/subscriptions/S"), "Isobar.Storage/clusters")
    );
    let locks = list(&format!("{CLUSTER}/providers/Microsoft.Authorization/locks"));
    assert_eq!((locks.within, locks.resource_type.as_str()), (id(CLUSTER), "Microsoft.Authorization/locks"));
    let groups = list("/subscriptions/S/resourcegroups");
    let expected = "Microsoft.Resources/resourceGroups";
    assert_eq!((groups.within, groups.resource_type.as_str()), (id("/subscriptions/S"), expected));
    assert_eq!(list("/subscriptions").resource_type, "Microsoft.Resources/subscriptions");
    assert!(Collection::parse(CLUSTER).is_err() && Collection::parse("/subscriptions/S/providers").is_err());
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    assert!(refused("subscriptions/S").contains("begins with '/'"));
    assert!(refused("").contains("begins with '/'"));
    assert!(refused("/subscriptions").contains("after the type 'subscriptions'"));
    assert!(refused("/subscriptions/S/resourceGroups/").contains("after the type 'resourceGroups'"));
    assert!(refused("/subscriptions/S/resourceGroups/g/deployments/d").contains("'deployments'"));
    assert!(refused("/subscriptions/S/providers").contains("after 'providers'"));
    assert!(refused("/subscriptions/S/providers/A.B").contains("after the namespace 'A.B'"));
    assert!(refused("/subscriptions/S/providers/A.B/c").contains("after the type 'c'"));
    assert!(refused("/subscriptions/S/providers/A.B/c/d/providers").contains("after 'providers'"));
    assert!(refused("/subscriptions/S/providers/A B/c/d").contains("'A B'"));
    assert!(refused("/subscriptions/S%20/providers/A.B/c/d").contains("encoded twice"));
    assert!(refused("/subscriptions/S/providers/A.B/c/a<b").contains("'a<b'"));
    assert!(refused("/subscriptions/S/providers/A.B/c/..").contains("'..' in a resource id is no name"));
    assert!(refused("/subscriptions/a\nb").contains("'a b'"));
    assert!(refused(&format!("/{}", "x/".repeat(70))).contains("at most 64 segments"));
    assert!(refused(&format!("/{}", "x".repeat(3000))).contains("at most 2048 bytes"));
    assert!(refused(&format!("/subscriptions/{}", "x".repeat(600))).contains("is too long"));
    assert_eq!(ArmError::from(IdError::NoNamespace).status(), 400);
}

#[test]
fn what_is_not_found_is_named_with_its_types_and_names() {
    let said = id(&format!("{CLUSTER}/nodes/n1")).not_found();
    let expected =
        "The Resource 'Isobar.Storage/clusters/c1/nodes/n1' under resource group 'rg1' was not found.";
    assert_eq!(said.message(), expected);
    assert_eq!(id("/subscriptions/S/resourceGroups/g").not_found().code(), "ResourceGroupNotFound");
    assert_eq!(id("/subscriptions/S").not_found().code(), "SubscriptionNotFound");
    assert_eq!(ResourceId::tenant().not_found().code(), "NotFound");
}

#[test]
fn an_id_is_text_in_json() {
    let json = serde_json::to_string(&id(CLUSTER)).expect("JSON");
    assert_eq!(json, format!("{CLUSTER:?}"));
    assert_eq!(serde_json::from_str::<ResourceId>(&json).expect("an id"), id(CLUSTER));
    assert!(serde_json::from_str::<ResourceId>("\"x\"").is_err());
}

fn name() -> impl Strategy<Value = String> {
    "[\\w._()-]{1,12}".prop_filter("a name", |name| name != "." && name != "..")
}

fn block() -> impl Strategy<Value = String> {
    let kind = || "[a-z][A-Za-z]{0,8}".prop_filter("a type", |kind| !kind.eq_ignore_ascii_case("providers"));
    let pairs = proptest::collection::vec((kind(), name()), 1..4);
    ("[A-Z][a-z]{1,6}\\.[A-Z][a-z]{1,6}", pairs).prop_map(|(namespace, pairs)| {
        pairs
            .iter()
            .fold(format!("/providers/{namespace}"), |all, (kind, name)| all + "/" + kind + "/" + name)
    })
}

fn any_id() -> impl Strategy<Value = String> {
    let scope = prop_oneof![
        Just(String::new()),
        name().prop_map(|s| format!("/subscriptions/{s}")),
        (name(), name()).prop_map(|(s, g)| format!("/subscriptions/{s}/resourceGroups/{g}")),
    ];
    let whole = (scope, proptest::collection::vec(block(), 0..4))
        .prop_map(|(scope, blocks)| scope + &blocks.concat());
    whole.prop_map(|id| if id.is_empty() { "/".to_owned() } else { id })
}

proptest! {
    #[test]
    fn canonical_ids_are_read_and_written_unchanged(text in any_id()) {
        let id = ResourceId::parse(&text).expect("an id");
        prop_assert_eq!(id.to_string(), text);
        let all = id.outwards();
        prop_assert!(all.iter().all(|outer| id.is_within(outer)));
        prop_assert_eq!(all.last(), Some(&ResourceId::tenant()));
        for outer in &all {
            prop_assert_eq!(&ResourceId::parse(&outer.to_string()).expect("an id"), outer);
        }
    }

    #[test]
    fn slashes_and_case_of_keywords_do_not_matter(text in any_id(), doubled in 1usize..4) {
        let slashes = "/".repeat(doubled);
        let sent = text.replace("/subscriptions/", "/SubScriptions/");
        let sent = sent.replace("/resourceGroups/", "/resourcegroups/");
        let sent = sent.replace('/', &slashes) + &slashes;
        let id = ResourceId::parse(&sent).expect("an id");
        prop_assert_eq!(id, ResourceId::parse(&text).expect("an id"));
    }

    #[test]
    fn no_text_at_all_makes_it_panic(
        text in "\\PC{0,40}",
        path in "/(subscriptions|providers|resourceGroups|[/a.%])*",
    ) {
        for text in [text, path] {
            if let Ok(id) = ResourceId::parse(&text) {
                prop_assert_eq!(&ResourceId::parse(&id.to_string()).expect("an id"), &id);
            }
            let _ = Collection::parse(&text);
        }
    }
}
