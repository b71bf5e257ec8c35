//! The plans that are checked: each is small, and about one part of the protocol.

use crate::plan::{Faults, Job, Plan};

const NONE: Faults =
    Faults { crashes: 0, losses: 0, takeovers: 0, elections: 0, expiries: 0, give_ups: 0, retries: 0 };
const MIRROR: Plan = Plan { data: 1, parity: 1, jobs: &[], faults: NONE, reader: false, mutant: None };
const BOTH: u8 = 0b11;
const FIRST: u8 = 0b01;

/// Two writers of one block, power cuts and a new leader.
pub const WRITES: Plan = Plan {
    jobs: &[&[Job::Write(FIRST)], &[Job::Write(FIRST)]],
    faults: Faults { crashes: 1, elections: 1, retries: 1, ..NONE },
    ..MIRROR
};

/// One writer while a target is lost, or replaced though it lives, and a blank one is rebuilt.
pub const REPLACEMENT: Plan = Plan {
    jobs: &[&[Job::Write(BOTH), Job::Write(FIRST)]],
    faults: Faults { crashes: 1, losses: 1, takeovers: 1, ..NONE },
    ..MIRROR
};

/// The same with two data rows.
pub const WIDE: Plan = Plan {
    data: 2,
    jobs: &[&[Job::Write(BOTH)]],
    faults: Faults { crashes: 1, losses: 1, takeovers: 1, retries: 1, ..NONE },
    ..MIRROR
};

/// Two disks may be gone at once.
pub const TWO_LOSSES: Plan = Plan {
    data: 1,
    parity: 2,
    jobs: &[&[Job::Write(FIRST)]],
    faults: Faults { crashes: 1, losses: 2, takeovers: 1, ..NONE },
    ..MIRROR
};

/// One writer that gives things up, whose session may end under it.
pub const FENCES: Plan = Plan {
    jobs: &[&[Job::Write(FIRST), Job::Write(FIRST)]],
    faults: Faults { expiries: 1, give_ups: 1, retries: 1, elections: 1, ..NONE },
    ..MIRROR
};

/// A writer and somebody who cuts the file to nothing, then to one block, and writes.
pub const TRUNCATION: Plan = Plan {
    jobs: &[&[Job::Write(BOTH)], &[Job::Truncate(0), Job::Write(FIRST)]],
    faults: Faults { elections: 1, ..NONE },
    ..MIRROR
};

/// A compactor beside a writer.
pub const COMPACTION: Plan = Plan {
    jobs: &[&[Job::Write(BOTH), Job::Write(FIRST)], &[Job::Compact]],
    faults: Faults { elections: 1, ..NONE },
    ..MIRROR
};

/// A reader beside a writer and somebody who cuts.
pub const READER: Plan = Plan {
    jobs: &[&[Job::Write(FIRST), Job::Write(FIRST)], &[Job::Truncate(0)]],
    faults: Faults { elections: 1, ..NONE },
    reader: true,
    ..MIRROR
};

/// All small plans with their names.
pub const SMALL: &[(&str, Plan)] = &[
    ("writes", WRITES),
    ("replacement", REPLACEMENT),
    ("wide", WIDE),
    ("two losses", TWO_LOSSES),
    ("fences", FENCES),
    ("truncation", TRUNCATION),
    ("compaction", COMPACTION),
    ("reader", READER),
];
