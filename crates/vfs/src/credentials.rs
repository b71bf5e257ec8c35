//! Who makes a call.

use std::sync::Arc;

use isobar_client::Owner;

/// Who makes a call: the identity that permissions are judged by. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// User; 0 may do everything.
    pub uid: u32,
    /// Group of new inodes.
    pub gid: u32,
    /// Further groups.
    pub groups: Arc<[u32]>,
}

impl Credentials {
    /// The superuser.
    pub fn root() -> Credentials {
        Credentials::new(0, 0)
    }

    /// Somebody of one group.
    pub fn new(uid: u32, gid: u32) -> Credentials {
        Credentials { uid, gid, groups: Arc::default() }
    }

    /// Whether permissions do not apply.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// Whether the caller is in a group.
    pub fn is_in(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }

    /// To whom a new inode of the caller belongs.
    pub fn owner(&self) -> Owner {
        Owner { uid: self.uid, gid: self.gid }
    }
}
