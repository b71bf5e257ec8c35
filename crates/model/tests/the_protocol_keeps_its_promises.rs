//! Every order of events of the small plans keeps every invariant.

use std::time::Instant;

use isobar_model::{Model, Plan, plans};
use stateright::{Checker, Model as _};

/// Checks a plan to its end; gives how many states there are.
fn check(name: &str, plan: Plan) -> usize {
    let begun = Instant::now();
    let checker = Model { plan }.checker().spawn_bfs().join();
    for (property, path) in checker.discoveries() {
        let steps: Vec<String> = path.into_actions().iter().map(|action| format!("{action:?}")).collect();
        println!("{name}: not so: {property}\n  {}", steps.join("\n  "));
    }
    let states = checker.unique_state_count();
    println!("{name:<17} {states:>9} states, {:>3} deep, {:?}", checker.max_depth(), begun.elapsed());
    checker.assert_properties();
    assert!(states > 10_000, "{name}: only {states} states");
    states
}

#[test]
fn no_order_of_events_breaks_an_invariant() {
    let states: usize = plans::SMALL.iter().map(|(name, plan)| check(name, *plan)).sum();
    println!("together          {states:>9} states");
    assert!(states > 1_000_000, "only {states} states");
}

/// `cargo test --profile tested -p isobar-model -- --ignored --nocapture large`
#[test]
#[ignore = "takes minutes and gigabytes"]
fn no_order_of_events_breaks_an_invariant_in_large_plans() {
    for (name, plan) in plans::LARGE {
        check(name, *plan);
    }
}
