//! What a reservation allows now, and the same in words. Pure.

use isobar_arm::Timestamp;
use isobar_base::quantity::binary_bytes;

use super::kept::{kind_of, reserved_bytes};
use super::kind::Kind;
use crate::refusal::Refusal;
use crate::store::Stored;

/// What a reservation allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReservationStatus {
    /// It has not begun.
    Pending,
    /// Clusters are made under it.
    Active,
    /// Microsoft has suspended it.
    Suspended,
    /// It has ended.
    Ended,
}

impl ReservationStatus {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ReservationStatus::Pending => "Pending",
            ReservationStatus::Active => "Active",
            ReservationStatus::Suspended => "Suspended",
            ReservationStatus::Ended => "Ended",
        }
    }

    /// Why no cluster is made under it; nothing where one is.
    pub(crate) fn why_not(self) -> Option<&'static str> {
        match self {
            ReservationStatus::Active => None,
            ReservationStatus::Pending => Some("It has not begun: no cluster is made under it yet."),
            ReservationStatus::Suspended => Some(
                "Microsoft has suspended it: clusters that name it go on, and no new one is made under it.",
            ),
            ReservationStatus::Ended => {
                Some("It has ended: clusters that name it go on, and no new one is made under it.")
            }
        }
    }
}

/// What it allows at this moment.
///
/// # Errors
/// The record is none of this program's.
pub(crate) fn status_of(reservation: &Stored, now: Timestamp) -> Result<ReservationStatus, Refusal> {
    let kind = kind_of(reservation)?;
    if kind.is_of_microsoft() {
        let bought = reservation.document.properties.get("marketplace");
        return Ok(of_subscription(
            bought.and_then(|of| of["subscriptionStatus"].as_str()).unwrap_or_default(),
        ));
    }
    let at = |name: &str| Timestamp::parse(reservation.text(name)).ok();
    let starts = at("startsAt").filter(|_| kind == Kind::DirectContract);
    Ok(of_term(starts, at("endsAt"), now))
}

fn of_subscription(status: &str) -> ReservationStatus {
    match status {
        "Subscribed" => ReservationStatus::Active,
        "Suspended" => ReservationStatus::Suspended,
        "Unsubscribed" => ReservationStatus::Ended,
        _ => ReservationStatus::Pending,
    }
}

fn of_term(starts: Option<Timestamp>, ends: Option<Timestamp>, now: Timestamp) -> ReservationStatus {
    if ends.is_some_and(|ends| now >= ends) {
        ReservationStatus::Ended
    } else if starts.is_some_and(|starts| now < starts) {
        ReservationStatus::Pending
    } else {
        ReservationStatus::Active
    }
}

/// How much of what was bought counts now: nothing before it begins and after its end.
pub(crate) fn counted_bytes(reservation: &Stored, status: ReservationStatus) -> u64 {
    match status {
        ReservationStatus::Active | ReservationStatus::Suspended => reserved_bytes(reservation),
        ReservationStatus::Pending | ReservationStatus::Ended => 0,
    }
}

/// How it stands, in words.
pub(crate) fn statement(status: ReservationStatus, counted: u64, used: u64, clusters: usize) -> String {
    let (by, verb) = match clusters {
        1 => ("1 cluster".to_owned(), "has"),
        many => (format!("{many} clusters"), "have"),
    };
    let (of, has) = (binary_bytes(counted), binary_bytes(used));
    let usage = match used.checked_sub(counted).filter(|over| *over > 0) {
        None => format!("Of {of} reserved, {by} {verb} {has}."),
        Some(over) => format!(
            "More is used than reserved: {has} by {by}, with {of} reserved. {} are overage.",
            binary_bytes(over)
        ),
    };
    match status.why_not() {
        Some(why) => format!("{why} {usage}"),
        None => usage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_has_a_before_and_an_after() {
        let at = |ms| Some(Timestamp::from_millis(ms));
        let of = |starts, ends, now| of_term(starts, ends, Timestamp::from_millis(now));
        assert_eq!(of(at(10), at(20), 9), ReservationStatus::Pending);
        assert_eq!(of(at(10), at(20), 10), ReservationStatus::Active);
        assert_eq!(of(at(10), at(20), 20), ReservationStatus::Ended);
        assert_eq!(of(None, at(20), 0), ReservationStatus::Active);
    }

    #[test]
    fn what_microsoft_says_decides() {
        assert_eq!(of_subscription("PendingFulfillmentStart"), ReservationStatus::Pending);
        assert_eq!(of_subscription("Subscribed"), ReservationStatus::Active);
        assert_eq!(of_subscription("Suspended"), ReservationStatus::Suspended);
        assert_eq!(of_subscription("Unsubscribed"), ReservationStatus::Ended);
    }

    #[test]
    fn overage_and_ends_are_said() {
        const GIB: u64 = 1 << 30;
        let active = ReservationStatus::Active;
        assert_eq!(statement(active, 4 * GIB, GIB, 1), "Of 4.0 GiB reserved, 1 cluster has 1.0 GiB.");
        let over = statement(active, GIB, 3 * GIB, 2);
        assert!(
            over.ends_with("3.0 GiB by 2 clusters, with 1.0 GiB reserved. 2.0 GiB are overage."),
            "{over}"
        );
        let ended = statement(ReservationStatus::Ended, 0, 0, 0);
        assert!(ended.starts_with("It has ended") && ended.contains("go on"), "{ended}");
    }
}
