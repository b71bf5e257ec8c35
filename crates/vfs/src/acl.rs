//! POSIX access control lists, in the form in which Linux keeps them in extended attributes (acl(5),
//! `linux/posix_acl_xattr.h`).
//!
//! What is stored is the list as it was set; the permissions of owner, mask (or group, without named entries)
//! and others are those of the mode, wherever a list is looked at. So a chmod need not know of it, and a
//! list can never grant what the mode denies.

use isobar_base::Errno;
use isobar_client::Attr;

use crate::Result;
use crate::credentials::Credentials;
use crate::permission::Access;

/// The attribute with the list of an inode.
pub(crate) const ACCESS: &[u8] = b"system.posix_acl_access";
/// The attribute with the list that what is made in a directory gets.
pub(crate) const DEFAULT: &[u8] = b"system.posix_acl_default";

/// Whether an extended attribute is an access control list. Who sets one is asked for all groups.
pub fn is_list(name: &[u8]) -> bool {
    name == ACCESS || name == DEFAULT
}

const VERSION: u32 = 2;
const HEADER_BYTES: usize = 4;
const ENTRY_BYTES: usize = 8;
/// Most entries of a list, as of ext4 with blocks of 4 KiB.
const ENTRIES_MAX: usize = 500;

/// Whom an entry is about; numbers are the format's, in the order that entries must have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Tag {
    Owner = 0x01,
    User = 0x02,
    OwningGroup = 0x04,
    Group = 0x08,
    Mask = 0x10,
    Other = 0x20,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    tag: Tag,
    /// Bits of `access(2)`.
    permissions: u16,
    /// A user or group, where the tag needs one.
    id: u32,
}

/// A list that acl_valid(3) would accept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Acl(Vec<Entry>);

impl Acl {
    /// From the value of an attribute; `None` for a list without entries, which means that there is none.
    ///
    /// # Errors
    /// `EINVAL` for anything else that is no list, `EOPNOTSUPP` for another version.
    pub(crate) fn parse(value: &[u8]) -> Result<Option<Acl>> {
        let (version, entries) = value.split_at_checked(HEADER_BYTES).ok_or(Errno::EINVAL)?;
        if u32_at(version, 0) != VERSION {
            return Err(Errno::EOPNOTSUPP);
        }
        if entries.len() % ENTRY_BYTES != 0 || entries.len() > ENTRIES_MAX * ENTRY_BYTES {
            return Err(Errno::EINVAL);
        }
        let entries: Option<Vec<Entry>> = entries.chunks_exact(ENTRY_BYTES).map(Entry::parse).collect();
        match entries.ok_or(Errno::EINVAL)? {
            none if none.is_empty() => Ok(None),
            entries if is_valid(&entries) => Ok(Some(Acl(entries))),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The value of an attribute.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut value = VERSION.to_le_bytes().to_vec();
        for entry in &self.0 {
            value.extend((entry.tag as u16).to_le_bytes());
            value.extend(entry.permissions.to_le_bytes());
            value.extend(entry.id.to_le_bytes());
        }
        value
    }

    /// Whether it says no more than a mode does.
    pub(crate) fn is_minimal(&self) -> bool {
        self.0.len() == 3
    }

    /// The permission bits of the mode that goes with it.
    pub(crate) fn mode(&self) -> u32 {
        let of = |tag| u32::from(self.permissions(tag).unwrap_or_default());
        of(Tag::Owner) << 6 | of(self.group_class()) << 3 | of(Tag::Other)
    }

    /// As it is in force on an inode of this mode.
    pub(crate) fn under(mut self, mode: u32) -> Acl {
        self.change_classes(|_, of_mode| of_mode, mode);
        self
    }

    /// What an inode gets that is made with this mode where this is the default.
    pub(crate) fn inherited(mut self, mode: u32) -> Acl {
        self.change_classes(|own, of_mode| own & of_mode, mode);
        self
    }

    /// Whether somebody may do something with an inode that has this list: acl(5), "Access check algorithm".
    pub(crate) fn allows(&self, who: &Credentials, attr: &Attr, wanted: Access) -> bool {
        let mask = self.permissions(Tag::Mask).unwrap_or(0o7);
        let grants = |entry: &Entry| wanted.is_within(u32::from(entry.permissions & mask));
        let class = |tag| wanted.is_within(u32::from(self.permissions(tag).unwrap_or_default()));
        if who.uid == attr.uid {
            return class(Tag::Owner);
        }
        if let Some(user) = self.0.iter().find(|e| e.tag == Tag::User && e.id == who.uid) {
            return grants(user);
        }
        let is_of = |entry: &&Entry| match entry.tag {
            Tag::OwningGroup => who.is_in(attr.gid),
            Tag::Group => who.is_in(entry.id),
            Tag::Owner | Tag::User | Tag::Mask | Tag::Other => false,
        };
        let mut groups = self.0.iter().filter(is_of).peekable();
        if groups.peek().is_some() {
            return groups.any(grants);
        }
        class(Tag::Other)
    }

    /// The entry that the group bits of a mode stand for.
    fn group_class(&self) -> Tag {
        if self.permissions(Tag::Mask).is_some() { Tag::Mask } else { Tag::OwningGroup }
    }

    /// Permissions of the only entry with this tag.
    fn permissions(&self, tag: Tag) -> Option<u16> {
        self.0.iter().find(|entry| entry.tag == tag).map(|entry| entry.permissions)
    }

    fn change_classes(&mut self, change: impl Fn(u16, u16) -> u16, mode: u32) {
        let group_class = self.group_class();
        for entry in &mut self.0 {
            let shift = match entry.tag {
                Tag::Owner => 6,
                Tag::Other => 0,
                tag if tag == group_class => 3,
                Tag::User | Tag::OwningGroup | Tag::Group | Tag::Mask => continue,
            };
            entry.permissions = change(entry.permissions, (mode >> shift) as u16 & 0o7);
        }
    }
}

impl Entry {
    fn parse(bytes: &[u8]) -> Option<Entry> {
        let tag = match u16::from_le_bytes([bytes[0], bytes[1]]) {
            0x01 => Tag::Owner,
            0x02 => Tag::User,
            0x04 => Tag::OwningGroup,
            0x08 => Tag::Group,
            0x10 => Tag::Mask,
            0x20 => Tag::Other,
            _ => return None,
        };
        let permissions = u16::from_le_bytes([bytes[2], bytes[3]]);
        (permissions <= 0o7).then(|| Entry { tag, permissions, id: u32_at(bytes, 4) })
    }
}

/// One owner, owning group and others, in the order of tags; a mask where somebody is named; nobody twice.
fn is_valid(entries: &[Entry]) -> bool {
    let count = |tag| entries.iter().filter(|entry| entry.tag == tag).count();
    let named = count(Tag::User) + count(Tag::Group);
    let once = |tag| count(tag) == 1;
    let follows = |pair: &[Entry]| match (pair[0].tag, pair[1].tag) {
        (Tag::User, Tag::User) | (Tag::Group, Tag::Group) => pair[0].id < pair[1].id,
        (before, after) => before < after,
    };
    once(Tag::Owner)
        && once(Tag::OwningGroup)
        && once(Tag::Other)
        && (once(Tag::Mask) || named == 0 && count(Tag::Mask) == 0)
        && entries.windows(2).all(follows)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
pub(crate) mod tests {
    use isobar_base::Ino;
    use isobar_client::{FileKind, Time};

    use super::*;

    /// The value of an attribute, from (tag, permissions, id).
    pub(crate) fn value(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut value = VERSION.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            value.extend(tag.to_le_bytes());
            value.extend(permissions.to_le_bytes());
            value.extend(id.to_le_bytes());
        }
        value
    }

    const NOBODY: u32 = u32::MAX;
    const EXTENDED: [(u16, u16, u32); 7] = [
        (1, 7, NOBODY),
        (2, 7, 10),
        (2, 4, 11),
        (4, 4, NOBODY),
        (8, 6, 30),
        (16, 6, NOBODY),
        (32, 1, NOBODY),
    ];

    fn acl(entries: &[(u16, u16, u32)]) -> Acl {
        Acl::parse(&value(entries)).unwrap().unwrap()
    }

    #[test]
    fn a_list_comes_back_as_it_was_set_under_its_mode() {
        let list = acl(&EXTENDED);
        assert_eq!(list.encode(), value(&EXTENDED));
        assert!(!list.is_minimal());
        assert_eq!(list.mode(), 0o761);
        assert_eq!(list.clone().under(0o761), list);
        let after_chmod = list.under(0o640);
        assert_eq!(after_chmod.mode(), 0o640);
        let others = [
            (1, 6, NOBODY),
            (2, 7, 10),
            (2, 4, 11),
            (4, 4, NOBODY),
            (8, 6, 30),
            (16, 4, NOBODY),
            (32, 0, NOBODY),
        ];
        assert_eq!(after_chmod.encode(), value(&others));
        let minimal = acl(&[(1, 6, NOBODY), (4, 4, NOBODY), (32, 0, NOBODY)]);
        assert!(minimal.is_minimal());
        assert_eq!(minimal.mode(), 0o640);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let [owner, group, other] = [(1, 7, NOBODY), (4, 4, NOBODY), (32, 1, NOBODY)];
        let wrong: [&[(u16, u16, u32)]; 8] = [
            &[owner, group],
            &[owner, other, group],
            &[owner, owner, group, other],
            &[owner, (2, 7, 10), group, other],
            &[owner, (2, 7, 10), (2, 7, 10), group, (16, 7, NOBODY), other],
            &[owner, group, (8, 7, 31), (8, 7, 30), (16, 7, NOBODY), other],
            &[(1, 8, NOBODY), group, other],
            &[owner, group, (64, 7, NOBODY), other],
        ];
        for entries in wrong {
            assert_eq!(Acl::parse(&value(entries)), Err(Errno::EINVAL), "{entries:?}");
        }
        assert_eq!(Acl::parse(&value(&[])), Ok(None));
        assert_eq!(Acl::parse(&[1, 0, 0, 0]), Err(Errno::EOPNOTSUPP));
        for bytes in [&[][..], &[2, 0, 0], &value(&EXTENDED)[..13]] {
            assert_eq!(Acl::parse(bytes), Err(Errno::EINVAL));
        }
    }

    #[test]
    fn the_first_entry_that_fits_decides_and_of_groups_any() {
        let attr =
            Attr { uid: 1, gid: 20, mode: 0o761, ..Attr::new(Ino(7), FileKind::File, Time::default()) };
        let list = acl(&EXTENDED);
        let may = |uid, gid, groups: &[u32], wanted| {
            let who = Credentials { groups: groups.into(), ..Credentials::new(uid, gid) };
            list.allows(&who, &attr, wanted)
        };
        assert!(may(1, 20, &[], Access::READ.and(Access::WRITE).and(Access::EXECUTE)), "the owner");
        assert!(may(10, 99, &[], Access::READ.and(Access::WRITE)), "a named user");
        assert!(!may(10, 99, &[], Access::EXECUTE), "what the mask takes away");
        assert!(!may(11, 30, &[], Access::WRITE), "a named user gets nothing from groups");
        assert!(may(12, 20, &[], Access::READ) && !may(12, 20, &[], Access::WRITE), "the owning group");
        assert!(may(12, 20, &[30], Access::WRITE), "any of the groups");
        assert!(!may(12, 20, &[30], Access::EXECUTE), "who is in a group is not one of the others");
        assert!(may(12, 99, &[], Access::EXECUTE) && !may(12, 99, &[], Access::READ), "others");
    }

    #[test]
    fn what_is_made_gets_the_default_within_the_mode_it_is_made_with() {
        let made = acl(&EXTENDED).inherited(0o640);
        assert_eq!(made.mode(), 0o640);
        let plain = acl(&[(1, 7, NOBODY), (4, 5, NOBODY), (32, 5, NOBODY)]).inherited(0o666);
        assert_eq!((plain.mode(), plain.is_minimal()), (0o644, true));
    }
}
