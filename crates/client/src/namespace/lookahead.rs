//! How many neighbours of a name to ask for along with it: none at first, more and more while names of one
//! directory are asked for in quick succession.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use isobar_base::Ino;
use parking_lot::Mutex;

/// Neighbours asked for along with a name, at most.
const NEIGHBOURS_MAX: u32 = 512;
/// Neighbours asked for at first.
const NEIGHBOURS_FIRST: u32 = 8;
/// Look-ups further apart than this are no scan.
const SCAN_GAP: Duration = Duration::from_millis(50);
/// Directories remembered; beyond, all are forgotten.
const DIRECTORIES_MAX: usize = 1024;

/// Directories whose names are being looked up one after the other.
#[derive(Debug, Default)]
pub(super) struct Lookahead(Mutex<HashMap<Ino, Scan>>);

#[derive(Debug)]
struct Scan {
    last: Instant,
    neighbours: u32,
}

impl Lookahead {
    /// A name of `parent` is looked up: gives how many neighbours to ask for.
    pub fn wanted(&self, parent: Ino) -> u32 {
        let mut scans = self.0.lock();
        if scans.len() > DIRECTORIES_MAX {
            scans.clear();
        }
        let scan = scans.entry(parent).or_insert(Scan { last: Instant::now(), neighbours: 0 });
        let quick = scan.last.elapsed() < SCAN_GAP;
        scan.last = Instant::now();
        scan.neighbours =
            if quick { (scan.neighbours * 4).clamp(NEIGHBOURS_FIRST, NEIGHBOURS_MAX) } else { 0 };
        scan.neighbours
    }

    /// Neighbours were of no use: a name was asked for that does not exist.
    pub fn useless(&self, parent: Ino) {
        self.0.lock().remove(&parent);
    }
}
