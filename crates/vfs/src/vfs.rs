//! The file system, and the checks all calls begin with.

use isobar_base::Ino;
use isobar_client::{Attr, Client};

use crate::Result;
use crate::credentials::Credentials;
use crate::lock_queue::LockQueue;
use crate::permission::{self, Access};
use crate::setid::SetidEpoch;

/// Who judges permissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checks {
    /// The caller has: a kernel with the attributes at hand (FUSE's `default_permissions`).
    ByCaller,
    /// This crate, by the credentials of each call.
    Here,
}

/// The file system for one front end.
#[derive(Debug)]
pub struct Vfs {
    pub(crate) client: Client,
    pub(crate) checks: Checks,
    pub(crate) setid: SetidEpoch,
    pub(crate) lock_queue: LockQueue,
}

impl Vfs {
    /// The file system of a client.
    pub fn new(client: Client, checks: Checks) -> Vfs {
        Vfs { client, checks, setid: SetidEpoch::new(), lock_queue: LockQueue::default() }
    }

    /// The client below.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the caller may do something with an inode.
    ///
    /// # Errors
    /// `EACCES`.
    pub async fn access(&self, who: &Credentials, ino: Ino, wanted: Access) -> Result<()> {
        self.check_ino(who, ino, wanted).await
    }

    /// Attributes that are good enough to judge by: as fresh as those a kernel judges by.
    pub(crate) async fn attr(&self, ino: Ino) -> Result<Attr> {
        match self.client.try_getattr(ino) {
            Some(attr) => Ok(attr),
            None => self.client.getattr(ino).await,
        }
    }

    pub(crate) fn checks_here(&self) -> bool {
        self.checks == Checks::Here
    }

    /// Checks something about an inode whose attributes are not at hand.
    pub(crate) async fn check_ino(&self, who: &Credentials, ino: Ino, wanted: Access) -> Result<()> {
        if self.checks_here() { self.judge(who, &self.attr(ino).await?, wanted).await } else { Ok(()) }
    }

    /// Whether the caller may remove or replace a name, if it exists.
    pub(crate) async fn check_removal(&self, who: &Credentials, parent: Ino, name: &[u8]) -> Result<()> {
        if !self.checks_here() {
            return Ok(());
        }
        let dir = self.attr(parent).await?;
        self.judge(who, &dir, Access::WRITE.and(Access::EXECUTE)).await?;
        match self.client.lookup(parent, name).await {
            Ok(victim) => permission::check_removal(who, &dir, &victim),
            Err(isobar_base::Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}
