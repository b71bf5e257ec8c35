//! Where resources can be.

use isobar_arm::{ArmError, Location};

use crate::call::Call;
use crate::refusal::Refusal;

/// Refuses a location that there is not.
///
/// # Errors
/// `LocationNotAvailableForResourceType`.
pub(super) fn check_location(
    call: &Call,
    location: Option<&Location>,
    resource_type: &str,
) -> Result<(), Refusal> {
    let Some(location) = location else { return Ok(()) };
    if call.app.regions.iter().any(|region| region.name == *location) {
        return Ok(());
    }
    let known = call.app.region_names();
    Err(ArmError::location_not_available(location.name(), resource_type, &known).into())
}
