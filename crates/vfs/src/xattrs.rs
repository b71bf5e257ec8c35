//! Extended attributes: which name spaces are stored, and who sees them.

use isobar_base::{Errno, Ino};
use isobar_client::{Attr, FileKind, XattrMode};

use crate::Result;
use crate::acl;
use crate::credentials::Credentials;
use crate::permission::Access;
use crate::vfs::Vfs;

impl Vfs {
    /// Value of an extended attribute, if nobody has to be asked: there is none, or its name space is not
    /// stored. The caller has checked permissions.
    pub fn try_getxattr(&self, ino: Ino, name: &[u8]) -> Option<Result<Vec<u8>>> {
        if self.checks_here() {
            return None;
        }
        if space_of(name).is_none() {
            return Some(Err(Errno::EOPNOTSUPP));
        }
        self.client.has_no_xattrs(ino).then_some(Err(Errno::ENODATA))
    }

    /// Names of extended attributes, if nobody has to be asked: there are none.
    pub fn try_listxattr(&self, ino: Ino) -> Option<Vec<Vec<u8>>> {
        self.client.has_no_xattrs(ino).then(Vec::new)
    }

    /// Value of an extended attribute.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for a name space that is not stored, `ENODATA`, `EACCES`.
    pub async fn getxattr(&self, who: &Credentials, ino: Ino, name: &[u8]) -> Result<Vec<u8>> {
        match self.check_xattr(who, ino, name, Access::READ).await? {
            Space::List => self.get_list(ino, name).await,
            Space::User | Space::Trusted | Space::Security => self.client.getxattr(ino, name).await,
        }
    }

    /// Names of extended attributes that the caller may see.
    pub async fn listxattr(&self, who: &Credentials, ino: Ino) -> Result<Vec<Vec<u8>>> {
        let mut names = self.client.listxattr(ino).await?;
        names.retain(|name| who.is_root() || !name.starts_with(b"trusted."));
        Ok(names)
    }

    /// Sets an extended attribute.
    pub async fn setxattr(
        &self,
        who: &Credentials,
        ino: Ino,
        name: &[u8],
        value: &[u8],
        mode: XattrMode,
    ) -> Result<()> {
        match self.check_xattr(who, ino, name, Access::WRITE).await? {
            // The kernel's own calls for lists know no other mode.
            Space::List => self.set_list(who, ino, name, value).await,
            Space::User | Space::Trusted | Space::Security => {
                self.client.setxattr(ino, name, value, mode).await
            }
        }
    }

    /// Removes an extended attribute.
    pub async fn removexattr(&self, who: &Credentials, ino: Ino, name: &[u8]) -> Result<()> {
        match self.check_xattr(who, ino, name, Access::WRITE).await? {
            Space::List => self.remove_list(who, ino, name).await,
            Space::User | Space::Trusted | Space::Security => self.client.removexattr(ino, name).await,
        }
    }

    async fn check_xattr(&self, who: &Credentials, ino: Ino, name: &[u8], wanted: Access) -> Result<Space> {
        let space = space_of(name).ok_or(Errno::EOPNOTSUPP)?;
        if self.checks_here() && !who.is_root() {
            let attr = self.attr(ino).await?;
            if check(who, &attr, space, wanted)? == ByPermissions {
                self.judge(who, &attr, wanted).await?;
            }
        }
        Ok(space)
    }
}

/// Name spaces that are stored. What is not a list in `system.` belongs to the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Space {
    User,
    Trusted,
    Security,
    /// A POSIX ACL.
    List,
}

/// What else has to be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Allowed,
    /// It is allowed to whom the permissions of the inode allow it.
    ByPermissions,
}
use Verdict::{Allowed, ByPermissions};

fn space_of(name: &[u8]) -> Option<Space> {
    let spaces: [(&[u8], Space); 3] =
        [(b"user.", Space::User), (b"trusted.", Space::Trusted), (b"security.", Space::Security)];
    if acl::is_list(name) {
        return Some(Space::List);
    }
    spaces.into_iter().find(|(s, _)| name.starts_with(s) && name.len() > s.len()).map(|(_, space)| space)
}

/// What somebody who is not root may do: xattr(7).
fn check(who: &Credentials, attr: &Attr, space: Space, wanted: Access) -> Result<Verdict> {
    const STICKY: u32 = 0o1000;
    let writes = wanted == Access::WRITE;
    match space {
        Space::Trusted if writes => Err(Errno::EPERM),
        Space::Trusted => Err(Errno::ENODATA),
        Space::Security | Space::List if writes && who.uid != attr.uid => Err(Errno::EPERM),
        Space::Security | Space::List => Ok(Allowed),
        Space::User => match attr.kind {
            FileKind::File => Ok(ByPermissions),
            FileKind::Directory if writes && attr.mode & STICKY != 0 && who.uid != attr.uid => {
                Err(Errno::EPERM)
            }
            FileKind::Directory => Ok(ByPermissions),
            FileKind::Symlink
            | FileKind::Fifo
            | FileKind::Socket
            | FileKind::CharDevice
            | FileKind::BlockDevice => Err(if writes { Errno::EPERM } else { Errno::ENODATA }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_client::Time;

    #[test]
    fn name_spaces_that_are_stored() {
        let lists = ["system.posix_acl_access", "system.posix_acl_default"];
        for good in ["user.a", "trusted.overlay.opaque", "security.capability"].into_iter().chain(lists) {
            assert!(space_of(good.as_bytes()).is_some());
        }
        for bad in ["system.posix_acl", "system.nfs4_acl", "user.", "plain", ""] {
            assert_eq!(space_of(bad.as_bytes()), None);
        }
    }

    #[test]
    fn user_attributes_follow_the_files_permissions_and_trusted_ones_are_roots() {
        let who = Credentials::new(10, 10);
        let file =
            Attr { mode: 0o644, uid: 11, gid: 11, ..Attr::new(Ino(7), FileKind::File, Time::default()) };
        assert_eq!(check(&who, &file, Space::User, Access::READ), Ok(ByPermissions));
        assert_eq!(check(&who, &file, Space::User, Access::WRITE), Ok(ByPermissions));
        assert_eq!(check(&who, &file, Space::List, Access::READ), Ok(Allowed));
        assert_eq!(check(&who, &file, Space::List, Access::WRITE), Err(Errno::EPERM));
        assert_eq!(check(&who, &file, Space::Trusted, Access::READ), Err(Errno::ENODATA));
        assert_eq!(check(&who, &file, Space::Trusted, Access::WRITE), Err(Errno::EPERM));
        assert_eq!(check(&who, &file, Space::Security, Access::WRITE), Err(Errno::EPERM));
        let fifo = Attr { kind: FileKind::Fifo, mode: 0o666, ..file };
        assert_eq!(check(&who, &fifo, Space::User, Access::WRITE), Err(Errno::EPERM));
        let sticky = Attr { kind: FileKind::Directory, mode: 0o1777, ..file };
        assert_eq!(check(&who, &sticky, Space::User, Access::WRITE), Err(Errno::EPERM));
    }
}
