//! What workflows promise, on both databases.
//!
//! One program: each would compile the whole engine's asynchronous code again.
//!
//! | file | about |
//! |---|---|
//! | `a_silent_database_holds_nobody_up` | a database that does not answer while a step runs |
//! | `operations_survive_a_kill_at_every_point` | wherever a process is killed, the end is the same |
//! | `several_processes_share_the_work` | several processes on one database, and what a lost lease means |
//! | `what_fails_is_tried_again_or_undone` | failures, waits, progress, and the end |
//! | `what_is_not_wanted_any_more_is_undone` | cancelling |

mod a_silent_database_holds_nobody_up;
mod common;
mod operations_survive_a_kill_at_every_point;
mod several_processes_share_the_work;
mod what_fails_is_tried_again_or_undone;
mod what_is_not_wanted_any_more_is_undone;
