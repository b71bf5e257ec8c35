//! Extended attributes: the kernel's list of names and its two-step size protocol.

use fuser::ReplyXattr;
use isobar_base::Errno;

use crate::attr::errno;

/// Names in the kernel's form, each ended by NUL.
pub fn join_names(names: &[Vec<u8>]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(names.iter().map(|n| n.len() + 1).sum());
    for name in names {
        joined.extend_from_slice(name);
        joined.push(0);
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
    fn names_are_joined() {
        let names = vec![b"user.a".to_vec(), b"trusted.b".to_vec()];
        assert_eq!(join_names(&names), b"user.a\0trusted.b\0");
        assert!(join_names(&[]).is_empty());
    }
}
