//! Members of the metadata group as the rest of the node sees them.

use isobar_consensus::Member;
use isobar_wire::Address;

/// Where a member listens. Consensus knows no addresses: a member carries the text of one.
pub(crate) fn address(member: &Member) -> Option<Address> {
    member
        .addr
        .parse()
        .inspect_err(|error| tracing::error!(%member, %error, "member without an address"))
        .ok()
}
