//! Groups of voters as threads of one process, whose disks, links and lives fail.
//!
//! One program: each would compile the whole consensus again.

mod blank_disks_are_strangers;
mod common;
mod elections_survive_failures;
mod leaders_that_lead_nowhere_stand_down;
mod state_survives_restart;
