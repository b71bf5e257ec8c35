//! Unit CRCs of large fragments that were read recently, so that a read of a few units needs one
//! device read and not two. Whole-row reads do not use it: they check the medium.

use std::collections::HashMap;
use std::sync::Arc;

use isobar_base::FragmentKey;
use parking_lot::Mutex;

/// Two generations: when the younger is full it becomes the older, whose entries are dropped.
#[derive(Debug)]
pub(crate) struct CrcCache {
    maps: Mutex<Maps>,
    crcs_max: usize,
}

type Map = HashMap<FragmentKey, (u32, Arc<[u32]>)>;

#[derive(Debug, Default)]
struct Maps {
    young: Map,
    young_crcs: usize,
    old: Map,
}

impl CrcCache {
    /// A cache of at most `crcs_max` CRCs (and one fragment more).
    pub(crate) fn new(crcs_max: usize) -> CrcCache {
        CrcCache { maps: Mutex::default(), crcs_max }
    }

    /// The CRCs of the fragment whose header has this CRC.
    pub(crate) fn get(&self, key: FragmentKey, header_crc: u32) -> Option<Arc<[u32]>> {
        let maps = self.maps.lock();
        let (crc, crcs) = maps.young.get(&key).or_else(|| maps.old.get(&key))?;
        (*crc == header_crc).then(|| crcs.clone())
    }

    pub(crate) fn insert(&self, key: FragmentKey, header_crc: u32, crcs: Arc<[u32]>) {
        let mut maps = self.maps.lock();
        if maps.young_crcs + crcs.len() > self.crcs_max / 2 {
            maps.old = std::mem::take(&mut maps.young);
            maps.young_crcs = 0;
        }
        maps.young_crcs += crcs.len();
        maps.young.insert(key, (header_crc, crcs));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_the_older_half_and_never_answers_for_another_header() {
        let cache = CrcCache::new(100);
        let key = |row| FragmentKey { segment: Default::default(), row };
        for row in 0..20 {
            cache.insert(key(row), 7, vec![0; 10].into());
        }
        assert!(cache.get(key(0), 7).is_none());
        assert!(cache.get(key(19), 7).is_some());
        assert!(cache.get(key(19), 8).is_none());
        let maps = cache.maps.lock();
        assert!(maps.young.len() + maps.old.len() <= 10);
    }
}
