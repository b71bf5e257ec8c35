//! Which metadata group a request goes to: the one that owns what it is about, as its type says.
//!
//! There is one group so far. What belongs to another, or to several, is refused here and never sent: a
//! change of names that would have to happen in two logs at once is EXDEV, as between two file systems.

use isobar_base::{Errno, GroupId};
use isobar_wire::message::ops::Op;
use isobar_wire::message::queries::Query;

/// The groups there are.
const GROUPS: &[GroupId] = &[GroupId::ROOT];

/// The group that carries out an operation, or EXDEV.
pub(crate) fn group_of_op(op: &Op) -> Result<GroupId, Errno> {
    op.group().filter(|group| GROUPS.contains(group)).ok_or(Errno::EXDEV)
}

/// The group that answers a question, or EXDEV.
pub(crate) fn group_of_query(query: &Query) -> Result<GroupId, Errno> {
    Some(query.group()).filter(|group| GROUPS.contains(group)).ok_or(Errno::EXDEV)
}

#[cfg(test)]
mod tests {
    use isobar_base::Ino;
    use isobar_wire::message::ops::{FileOp, SessionOp};
    use isobar_wire::message::queries::{ClusterQuery, FileQuery};

    use super::*;

    const ELSEWHERE: Ino = Ino::top(GroupId(1));

    #[test]
    fn what_the_one_group_owns_goes_there() {
        assert_eq!(group_of_op(&SessionOp::Close.into()), Ok(GroupId::ROOT));
        assert_eq!(group_of_op(&FileOp::Purge { ino: Ino::ROOT }.into()), Ok(GroupId::ROOT));
        assert_eq!(group_of_query(&ClusterQuery::Map.into()), Ok(GroupId::ROOT));
        assert_eq!(group_of_query(&FileQuery::GetAttr { ino: Ino::ROOT }.into()), Ok(GroupId::ROOT));
    }

    #[test]
    fn what_another_group_owns_or_several_is_exdev() {
        let link = FileOp::Link { ino: ELSEWHERE, parent: Ino::ROOT, name: b"a".to_vec() };
        assert_eq!(group_of_op(&link.into()), Err(Errno::EXDEV));
        assert_eq!(group_of_op(&FileOp::Purge { ino: ELSEWHERE }.into()), Err(Errno::EXDEV));
        assert_eq!(group_of_query(&FileQuery::GetAttr { ino: ELSEWHERE }.into()), Err(Errno::EXDEV));
    }
}
