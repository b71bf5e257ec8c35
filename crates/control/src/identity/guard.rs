//! Counting wrong secrets, so that nobody can try many.
//!
//! Each client has an allowance, from each address, that refills slowly; so has all of it together. Names
//! that no client has count as one, the empty one: whoever makes them up spends no more of the common
//! allowance than that one has. So a stranger, who knows no client's name, locks out nobody from one address,
//! and is slow from however many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use isobar_arm::Timestamp;
use parking_lot::Mutex;

use crate::limits::{
    WATCHED_CLIENTS_MAX, WRONG_SECRET_EVERY, WRONG_SECRET_OF_ALL_EVERY, WRONG_SECRETS_MAX,
    WRONG_SECRETS_OF_ALL_MAX,
};

/// Who tries: a client, or "" for one that there is not, from an address.
type Who = (String, IpAddr);

/// An allowance: the moment from which on it is full, and how long one failure pushes that away.
#[derive(Clone, Copy, Default)]
struct Allowance {
    full_from_ms: i64,
}

/// Counts wrong secrets.
#[derive(Default)]
pub(crate) struct Guard(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: Allowance,
    each: HashMap<Who, Allowance>,
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Allowance {
    /// How long to wait for the next try; 0 if it may be now.
    fn wait_ms(self, now_ms: i64, max: u32, every: Duration) -> i64 {
        let spent_ms = self.full_from_ms - now_ms;
        (spent_ms - i64::from(max.saturating_sub(1)) * ms(every)).max(0)
    }

    fn spend(&mut self, now_ms: i64, every: Duration) {
        self.full_from_ms = self.full_from_ms.max(now_ms).saturating_add(ms(every));
    }
}

impl Guard {
    /// After how many seconds a client may try again; `None` if it may now.
    pub(crate) fn wait_s(&self, client: &str, address: IpAddr, now: Timestamp) -> Option<u32> {
        let counts = self.0.lock();
        let now_ms = now.millis();
        let each = counts.each.get(&(client.to_owned(), address)).copied().unwrap_or_default();
        let wait_ms = each.wait_ms(now_ms, WRONG_SECRETS_MAX, WRONG_SECRET_EVERY);
        let of_all = counts.all.wait_ms(now_ms, WRONG_SECRETS_OF_ALL_MAX, WRONG_SECRET_OF_ALL_EVERY);
        let wait_s = (wait_ms.max(of_all) + 999) / 1000;
        u32::try_from(wait_s).ok().filter(|wait_s| *wait_s > 0)
    }

    /// Notes a wrong secret.
    pub(crate) fn failed(&self, client: &str, address: IpAddr, now: Timestamp) {
        let mut counts = self.0.lock();
        let now_ms = now.millis();
        counts.all.spend(now_ms, WRONG_SECRET_OF_ALL_EVERY);
        if counts.each.len() >= WATCHED_CLIENTS_MAX {
            counts.each.retain(|_, allowance| allowance.full_from_ms > now_ms);
        }
        let who = (client.to_owned(), address);
        // When too many are watched the common allowance is what is left.
        if counts.each.len() < WATCHED_CLIENTS_MAX || counts.each.contains_key(&who) {
            counts.each.entry(who).or_default().spend(now_ms, WRONG_SECRET_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + ms)
    }

    #[test]
    fn wrong_secrets_are_bounded_per_client_and_address() {
        let guard = Guard::default();
        for _ in 0..WRONG_SECRETS_MAX {
            assert_eq!(guard.wait_s("a", HERE, at(0)), None);
            guard.failed("a", HERE, at(0));
        }
        assert_eq!(guard.wait_s("a", HERE, at(0)), Some(6));
        assert_eq!((guard.wait_s("b", HERE, at(0)), guard.wait_s("a", THERE, at(0))), (None, None));
        assert_eq!(guard.wait_s("a", HERE, at(6000)), None);
        guard.failed("a", HERE, at(6000));
        assert!(guard.wait_s("a", HERE, at(6000)).is_some());
    }

    #[test]
    fn wrong_secrets_are_bounded_in_all_and_so_is_what_is_remembered() {
        let guard = Guard::default();
        for client in 0..10_000 {
            guard.failed(&client.to_string(), HERE, at(0));
        }
        assert!(guard.wait_s("new", THERE, at(0)).is_some());
        assert!(guard.0.lock().each.len() <= WATCHED_CLIENTS_MAX);
        assert_eq!(guard.wait_s("new", THERE, at(10_000_000)), None);
    }
}
