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

/// One target after the other is lost or replaced, the blank ones, too.
pub const REPLACED_TWICE: Plan = Plan {
    jobs: &[&[Job::Write(FIRST)]],
    faults: Faults { crashes: 1, losses: 2, takeovers: 2, elections: 1, ..NONE },
    ..MIRROR
};

/// As in `REPLACEMENT`, with two data rows.
pub const WIDE: Plan = Plan {
    data: 2,
    jobs: &[&[Job::Write(BOTH)]],
    faults: Faults { crashes: 1, losses: 1, takeovers: 1, ..NONE },
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

/// A writer and somebody who cuts the file to nothing and writes.
pub const TRUNCATION: Plan = Plan {
    jobs: &[&[Job::Write(BOTH), Job::Write(FIRST)], &[Job::Truncate(0), Job::Write(FIRST)]],
    faults: Faults { elections: 1, ..NONE },
    ..MIRROR
};

/// A compactor beside a writer; both may give up, and a session may end under its client.
pub const COMPACTION: Plan = Plan {
    jobs: &[&[Job::Write(BOTH), Job::Write(FIRST)], &[Job::Compact]],
    faults: Faults { elections: 1, expiries: 1, give_ups: 1, ..NONE },
    ..MIRROR
};

/// A compactor while a target is lost or replaced.
pub const COMPACTION_MOVED: Plan = Plan {
    jobs: &[&[Job::Write(BOTH)], &[Job::Compact]],
    faults: Faults { losses: 1, takeovers: 1, crashes: 1, ..NONE },
    ..MIRROR
};

/// A compactor, a writer, and somebody who cuts the file.
pub const COMPACTION_CUT: Plan = Plan {
    jobs: &[&[Job::Write(BOTH)], &[Job::Compact], &[Job::Truncate(1), Job::Truncate(0)]],
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
    ("replaced twice", REPLACED_TWICE),
    ("wide", WIDE),
    ("two losses", TWO_LOSSES),
    ("fences", FENCES),
    ("truncation", TRUNCATION),
    ("compaction", COMPACTION),
    ("compaction moved", COMPACTION_MOVED),
    ("compaction cut", COMPACTION_CUT),
    ("reader", READER),
];

/// Larger ones, of minutes each.
pub const LARGE: &[(&str, Plan)] = &[
    ("wide, retries", Plan { faults: Faults { retries: 1, ..WIDE.faults }, ..WIDE }),
    ("writes, moved", Plan { faults: Faults { losses: 1, takeovers: 1, ..WRITES.faults }, ..WRITES }),
    ("fences, moved", Plan { faults: Faults { takeovers: 1, ..FENCES.faults }, ..FENCES }),
    (
        "compaction, all",
        Plan { faults: Faults { losses: 1, takeovers: 1, ..COMPACTION.faults }, ..COMPACTION },
    ),
];
