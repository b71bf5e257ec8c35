//! Versions of Microsoft's namespaces that are told to whoever asks. Any other that is well-formed is taken,
//! too.

use isobar_arm::ApiVersion;

use crate::table::Versions;

/// Subscriptions, tenants and locations.
pub(super) const SUBSCRIPTIONS: Versions =
    Versions::Microsoft(&[ApiVersion::stable(2022, 12, 1), ApiVersion::stable(2020, 1, 1)]);
/// Resource groups, resources, providers and tags.
pub(super) const RESOURCES: Versions = Versions::Microsoft(&[
    ApiVersion::stable(2025, 4, 1),
    ApiVersion::stable(2024, 11, 1),
    ApiVersion::stable(2021, 4, 1),
]);
/// Locks.
pub(super) const LOCKS: Versions =
    Versions::Microsoft(&[ApiVersion::stable(2020, 5, 1), ApiVersion::stable(2016, 9, 1)]);
/// Role assignments.
pub(super) const ROLE_ASSIGNMENTS: Versions =
    Versions::Microsoft(&[ApiVersion::stable(2022, 4, 1), ApiVersion::stable(2020, 4, 1).preview()]);
/// Role definitions.
pub(super) const ROLE_DEFINITIONS: Versions =
    Versions::Microsoft(&[ApiVersion::stable(2022, 5, 1).preview(), ApiVersion::stable(2022, 4, 1)]);
/// Lists of operations.
pub(super) const PROVIDER_OPERATIONS: Versions = Versions::Microsoft(&[ApiVersion::stable(2022, 4, 1)]);
/// The activity log.
pub(super) const ACTIVITY_LOG: Versions = Versions::Microsoft(&[ApiVersion::stable(2015, 4, 1)]);
