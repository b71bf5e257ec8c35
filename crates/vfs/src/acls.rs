//! Access control lists of inodes: looked at, set, and given to what is made.

use isobar_base::{Errno, Ino};
use isobar_client::{Attr, FileKind, SetAttr, XattrMode};

use crate::Result;
use crate::acl::{ACCESS, Acl, DEFAULT};
use crate::credentials::Credentials;
use crate::permission::{self, Access};
use crate::setid;
use crate::vfs::Vfs;

/// Permission bits.
const PERMISSIONS: u32 = 0o777;

/// The mode that a process asks for when it makes something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewMode {
    /// Permission, set-id and sticky bits.
    pub mode: u32,
    /// Permissions that are not given, unless a default list of the directory says which are.
    pub umask: u32,
}

impl From<u32> for NewMode {
    fn from(mode: u32) -> NewMode {
        NewMode { mode, umask: 0 }
    }
}

/// How something is made where a directory has a default list: with no more permissions than it may have
/// without the list, which follows, and then with all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Inherited {
    /// The mode to make it with.
    pub mode: u32,
    lists: Vec<(&'static [u8], Vec<u8>)>,
    /// The mode in the end, if it is another.
    then: Option<u32>,
}

impl Inherited {
    fn nothing(new: NewMode) -> Inherited {
        Inherited { mode: new.mode & !(new.umask & PERMISSIONS), lists: Vec::new(), then: None }
    }

    fn of(default: &Acl, mode: u32, is_directory: bool) -> Inherited {
        let list = default.clone().inherited(mode);
        let full = mode & !PERMISSIONS | list.mode();
        let mut lists = Vec::new();
        if is_directory {
            lists.push((DEFAULT, default.encode()));
        }
        if list.is_minimal() {
            return Inherited { mode: full, lists, then: None };
        }
        lists.push((ACCESS, list.encode()));
        // The group bits of the mode are the mask: without the list they would be the group's.
        let bare = full & !0o070;
        Inherited { mode: bare, lists, then: (bare != full).then_some(full) }
    }
}

impl Vfs {
    /// Whether the caller may do something with an inode, by its mode and its list.
    ///
    /// # Errors
    /// `EACCES`.
    pub(crate) async fn judge(&self, who: &Credentials, attr: &Attr, wanted: Access) -> Result<()> {
        if !needs_list(who, attr) {
            return permission::check(who, attr, wanted);
        }
        match self.stored_list(attr.ino, ACCESS).await?.map(|list| list.under(attr.mode)) {
            Some(list) if list.allows(who, attr, wanted) => Ok(()),
            Some(_) => Err(Errno::EACCES),
            None => permission::check(who, attr, wanted),
        }
    }

    /// The value of the attribute with a list, as it is in force.
    pub(crate) async fn get_list(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>> {
        let list = self.stored_list(ino, name).await?.ok_or(Errno::ENODATA)?;
        match name == ACCESS {
            true => Ok(list.under(self.client.getattr(ino).await?.mode).encode()),
            false => Ok(list.encode()),
        }
    }

    /// Sets a list, and the permissions of the mode that go with one of access.
    ///
    /// # Errors
    /// `EPERM` for who does not own the inode; `EACCES` for a default list of what is no directory; `EINVAL`
    /// for what is no list; `EOPNOTSUPP` for a symlink.
    pub(crate) async fn set_list(
        &self,
        who: &Credentials,
        ino: Ino,
        name: &[u8],
        value: &[u8],
    ) -> Result<()> {
        let attr = self.client.getattr(ino).await?;
        self.check_owner(who, &attr)?;
        if attr.kind == FileKind::Symlink {
            return Err(Errno::EOPNOTSUPP);
        }
        let Some(list) = Acl::parse(value)? else { return self.remove_list(who, ino, name).await };
        if name == DEFAULT {
            if attr.kind != FileKind::Directory {
                return Err(Errno::EACCES);
            }
            return self.client.setxattr(ino, name, value, XattrMode::Any).await;
        }
        if list.is_minimal() {
            self.remove_list(who, ino, name).await?;
        } else {
            self.client.setxattr(ino, name, value, XattrMode::Any).await?;
        }
        // After the list: until then the old mask holds.
        // No other bit is set: somebody may be changing it.
        let mode_clear = PERMISSIONS | setid::without_membership(who, attr.gid);
        let set = SetAttr { mode_clear, mode_set: list.mode(), ..SetAttr::default() };
        self.client.setattr(ino, set).await.map(drop)
    }

    /// Removes a list; there may be none.
    pub(crate) async fn remove_list(&self, who: &Credentials, ino: Ino, name: &[u8]) -> Result<()> {
        if self.checks_here() {
            self.check_owner(who, &self.attr(ino).await?)?;
        }
        match self.client.removexattr(ino, name).await {
            Err(Errno::ENODATA) => Ok(()),
            removed => removed,
        }
    }

    /// How something is to be made in a directory.
    pub(crate) async fn inherited(&self, parent: Ino, kind: FileKind, new: NewMode) -> Result<Inherited> {
        let dir = self.attr(parent).await?;
        let default = if dir.has_xattrs { self.stored_list(parent, DEFAULT).await? } else { None };
        Ok(match default {
            Some(default) => Inherited::of(&default, new.mode, kind == FileKind::Directory),
            None => Inherited::nothing(new),
        })
    }

    /// Likewise if nobody has to be asked, and there is nothing to inherit.
    pub(crate) fn try_inherited(&self, parent: Ino, new: NewMode) -> Option<u32> {
        self.client.has_no_xattrs(parent).then(|| Inherited::nothing(new).mode)
    }

    /// Gives what was made the rest of what it inherits.
    pub(crate) async fn inherit(&self, mut attr: Attr, inherited: Inherited) -> Result<Attr> {
        let Inherited { lists, then, .. } = inherited;
        if lists.is_empty() {
            return Ok(attr);
        }
        for (name, value) in lists {
            self.client.setxattr(attr.ino, name, &value, XattrMode::Any).await?;
        }
        attr = match then {
            Some(mode) => {
                self.client.setattr(attr.ino, SetAttr { mode: Some(mode), ..SetAttr::default() }).await?
            }
            None => self.client.getattr(attr.ino).await?,
        };
        Ok(attr)
    }

    async fn stored_list(&self, ino: Ino, name: &[u8]) -> Result<Option<Acl>> {
        match self.client.getxattr(ino, name).await {
            Ok(value) => Acl::parse(&value),
            Err(Errno::ENODATA) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn check_owner(&self, who: &Credentials, attr: &Attr) -> Result<()> {
        let may = !self.checks_here() || who.is_root() || who.uid == attr.uid;
        if may { Ok(()) } else { Err(Errno::EPERM) }
    }
}

/// Whether a list may say something else than the mode does. Also where the mask grants nothing: who is named
/// is then not one of the others.
pub(crate) fn needs_list(who: &Credentials, attr: &Attr) -> bool {
    attr.has_xattrs && !who.is_root() && who.uid != attr.uid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::tests::value;

    #[test]
    fn what_is_made_never_has_more_permissions_than_its_list_gives() {
        let none = u32::MAX;
        let list = value(&[(1, 7, none), (2, 7, 10), (4, 0, none), (16, 7, none), (32, 0, none)]);
        let default = Acl::parse(&list).unwrap().unwrap();
        let file = Inherited::of(&default, 0o666, false);
        // The owning group has none; 0o660 without the list would give it all.
        assert_eq!((file.mode, file.then, file.lists.len()), (0o600, Some(0o660), 1));
        let dir = Inherited::of(&default, 0o2777, true);
        assert_eq!((dir.mode, dir.then), (0o2700, Some(0o2770)));
        assert_eq!(dir.lists[0], (DEFAULT, list));
        assert_eq!(Inherited::nothing(NewMode { mode: 0o4777, umask: 0o022 }).mode, 0o4755);
    }
}
