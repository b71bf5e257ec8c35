//! What a client promises, against a whole cluster in this process whose network is in memory.
//!
//! | file | about |
//! |---|---|
//! | `files` | what is written and what others see of it, when nothing fails |
//! | `coherence` | what one client is told of what another did |
//! | `failures` | the same while nodes, the leader or the client itself are cut off |
//! | `slow` | the same while a target is slow, and what reading costs while some are away |
//! | `losses` | who is told when bytes are lost for good, and what an outage does not lose |
//! | `scattered` | what many small writes and reads cost |

mod coherence;
mod common;
mod failures;
mod files;
mod losses;
mod scattered;
mod slow;
