//! After the machine was down: what ran then is started again, once.

use std::net::TcpListener;

use isobar_admin::Local;

use super::boot::Boot;
use crate::error::ProviderError;
use crate::provider::Woken;

/// Starts the nodes that are meant to run and were not started since the machine was.
pub(super) fn wake(local: &Local, boot: &Boot) -> Result<Woken, ProviderError> {
    let mut woken = Woken::default();
    for name in local.names() {
        if local.is_running(name) {
            // Whoever started it was killed before this, or did not note it yet.
            boot.note(local, name)?;
        } else if boot.has_lost(local, name) {
            match start(local, name) {
                Ok(()) => {
                    // Afterwards: whoever is killed before this wakes it again.
                    boot.note(local, name)?;
                    woken.started.push(name.to_owned());
                }
                Err(why) => woken.stay_down.push((name.to_owned(), why)),
            }
        }
    }
    Ok(woken)
}

/// Starts a node, unless somebody else has taken its port meanwhile: it would end at once.
fn start(local: &Local, name: &str) -> Result<(), String> {
    let address = local.node(name).map_err(|error| error.to_string())?.addr.to_string();
    match TcpListener::bind(&address) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            return Err(format!("another program has {address}: end that one, then restart the node"));
        }
        // Everything else it says itself, in its log.
        bound => drop(bound),
    }
    local.start_node(name, false).map(drop).map_err(|error| error.to_string())
}
