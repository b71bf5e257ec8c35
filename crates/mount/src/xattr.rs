//! Extended attributes: name spaces and the kernel's two-step size protocol.

use fuser::ReplyXattr;
use isobar_base::Errno;

use crate::attr::errno;

/// Whether a name is in a name space that is stored. POSIX ACLs (`system.posix_acl_…`) are not
/// supported, and everything else in `system.` belongs to the kernel.
pub fn check_name(name: &[u8]) -> Result<(), Errno> {
    let spaces: [&[u8]; 3] = [b"user.", b"trusted.", b"security."];
    if spaces.iter().any(|s| name.starts_with(s) && name.len() > s.len()) {
        Ok(())
    } else {
        Err(Errno::EOPNOTSUPP)
    }
}

/// Names in the kernel's form, each ended by NUL. `trusted.` is for root's eyes only.
pub fn join_names(names: &[Vec<u8>], is_root: bool) -> Vec<u8> {
    let mut joined = Vec::with_capacity(names.iter().map(|n| n.len() + 1).sum());
    for name in names {
        if is_root || !name.starts_with(b"trusted.") {
            joined.extend_from_slice(name);
            joined.push(0);
        }
    }
    joined
}

/// Answers with the value, its size when `size` is 0, or ERANGE.
pub fn answer(reply: ReplyXattr, size: u32, value: Result<Vec<u8>, Errno>) {
    match value {
        Ok(value) if size == 0 => reply.size(value.len() as u32),
        Ok(value) if value.len() <= size as usize => reply.data(&value),
        Ok(_) => reply.error(fuser::Errno::ERANGE),
        Err(e) => reply.error(errno(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_spaces_that_are_stored() {
        for good in ["user.a", "trusted.overlay.opaque", "security.capability"] {
            assert_eq!(check_name(good.as_bytes()), Ok(()));
        }
        for bad in ["system.posix_acl_access", "system.posix_acl_default", "user.", "plain", ""] {
            assert_eq!(check_name(bad.as_bytes()), Err(Errno::EOPNOTSUPP));
        }
    }

    #[test]
    fn names_are_joined_and_trusted_is_hidden() {
        let names = vec![b"user.a".to_vec(), b"trusted.b".to_vec()];
        assert_eq!(join_names(&names, true), b"user.a\0trusted.b\0");
        assert_eq!(join_names(&names, false), b"user.a\0");
        assert!(join_names(&[], true).is_empty());
    }
}
