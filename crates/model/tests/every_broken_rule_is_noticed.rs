//! Each rule of the protocol is needed: without it some order of events breaks an invariant, in a few steps.

use std::collections::BTreeSet;

use isobar_model::{Model, Mutant, Plan, plans};
use stateright::{Checker, HasDiscoveries, Model as _};

const ROWS_ARE_THERE: &str = "I2 I7 a row of a live segment is durable wherever no disk is missing";
const ACKNOWLEDGED: &str = "I4 what was acknowledged is in the ledger";
const READABLE: &str = "I4 a live segment is readable after any K losses";
const ONE_ORDER: &str = "I3 I12 every operation has effect once and in the order of the log";
const ENDED: &str = "I5 a session that has ended changes nothing";
const CUT: &str = "I5 no COMMIT ignores a truncation to nothing";
const COLLECTED: &str = "I6 no row of a live segment was collected";
const READERS: &str = "I10 readers see what is committed";
const QUIET: &str = "quiet: all is done, whole and without garbage";

/// More is not a short trace.
const STEPS_MAX: usize = 25;

/// Whether the checker finds `property` broken in a plan without a rule, by a short way, which is shown.
fn noticed(mutant: Mutant, plan: Plan, property: &'static str) {
    let only = HasDiscoveries::AllOf(BTreeSet::from([property]));
    let checker = Model { plan: plan.without(mutant) }.checker().finish_when(only).spawn_bfs().join();
    let path =
        checker.discovery(property).unwrap_or_else(|| panic!("{mutant:?} does not break {property:?}"));
    let steps = path.into_actions();
    println!("{mutant:?}: {property}\n  {} steps, {} states", steps.len(), checker.unique_state_count());
    steps.iter().for_each(|step| println!("    {step:?}"));
    assert!(steps.len() <= STEPS_MAX, "{mutant:?} needs {} steps", steps.len());
}

#[test]
fn acknowledging_one_row_short_loses_data() {
    noticed(Mutant::OneRowShort, plans::REPLACEMENT, READABLE);
}

#[test]
fn rows_of_targets_that_lost_their_position_do_not_count() {
    noticed(Mutant::HolderCheckSkipped, plans::REPLACEMENT, ROWS_ARE_THERE);
}

#[test]
fn what_a_session_has_given_up_must_not_be_named() {
    noticed(Mutant::LowWaterSkipped, plans::FENCES, COLLECTED);
}

#[test]
fn a_session_that_has_ended_must_not_apply() {
    noticed(Mutant::FencingSkipped, plans::FENCES, ENDED);
    noticed(Mutant::FencingSkipped, plans::FENCES, COLLECTED);
}

#[test]
fn age_does_not_make_garbage() {
    noticed(Mutant::CollectedByAge, plans::FENCES, COLLECTED);
}

#[test]
fn an_operation_that_arrives_twice_is_executed_once() {
    noticed(Mutant::AppliedTwice, plans::TRUNCATION, ONE_ORDER);
    noticed(Mutant::AppliedTwice, plans::WRITES, ONE_ORDER);
}

#[test]
fn copied_rows_stay_until_the_copy_is_committed() {
    noticed(Mutant::CopiedRowsRemovedEarly, plans::COMPACTION, COLLECTED);
}

#[test]
fn a_copy_stays_below_what_was_written_since() {
    noticed(Mutant::ReplaceIgnoresNewer, plans::COMPACTION, ONE_ORDER);
}

#[test]
fn a_truncation_to_nothing_changes_what_commits_name() {
    noticed(Mutant::IncarnationKept, plans::TRUNCATION, CUT);
}

#[test]
fn a_rebuilt_row_counts_when_it_is_synced() {
    noticed(Mutant::RebuiltBeforeSynced, plans::REPLACEMENT, ROWS_ARE_THERE);
}

#[test]
fn a_target_is_declared_whole_for_itself_alone() {
    noticed(Mutant::RebuiltForAnother, plans::REPLACED_TWICE, ROWS_ARE_THERE);
}

#[test]
fn a_target_answers_when_it_has_synced() {
    noticed(Mutant::ReceiptBeforeSync, plans::WRITES, READABLE);
}

#[test]
fn a_client_is_answered_when_a_majority_has_the_entry() {
    noticed(Mutant::AnsweredBeforeCommitted, plans::WRITES, ACKNOWLEDGED);
}

#[test]
fn rows_are_not_withdrawn_while_a_commit_may_arrive() {
    noticed(Mutant::WithdrawnAfterSent, plans::FENCES, COLLECTED);
}

#[test]
fn the_map_is_read_without_what_is_not_committed() {
    noticed(Mutant::ReadsUncommitted, plans::READER, READERS);
}

#[test]
fn a_leader_asks_the_others_before_it_answers_readers() {
    noticed(Mutant::ReadIndexSkipped, plans::READER, READERS);
}

#[test]
fn what_ended_sessions_left_is_garbage() {
    noticed(Mutant::EndedSessionsForgotten, plans::FENCES, QUIET);
}
