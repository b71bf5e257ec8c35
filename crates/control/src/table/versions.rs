//! Which versions of the API an operation takes.

use isobar_arm::{Accepts, ApiVersion, ArmError, SUBSCRIPTION_LIFECYCLE_VERSION};

/// The namespace that is our own.
pub const NAMESPACE: &str = "Isobar.Storage";

/// The newest version of our own namespace.
pub const OUR_NEWEST_VERSION: ApiVersion = ApiVersion::stable(2026, 12, 1);

/// All versions of our own namespace.
pub const OUR_VERSIONS: &[ApiVersion] = &[OUR_NEWEST_VERSION];

/// The versions that an operation takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Versions {
    /// It is asked without any.
    None,
    /// [`OUR_VERSIONS`].
    Ours,
    /// Any that is well-formed. These are told to whoever asks.
    Microsoft(&'static [ApiVersion]),
    /// `2.0` alone: the lifecycle of subscriptions.
    Lifecycle,
}

impl Versions {
    /// Those that are told to whoever asks, the newest first.
    pub fn told(self) -> Vec<ApiVersion> {
        let mut told = match self {
            Versions::None | Versions::Lifecycle => Vec::new(),
            Versions::Ours => OUR_VERSIONS.to_vec(),
            Versions::Microsoft(told) => told.to_vec(),
        };
        told.sort_unstable_by(|a, b| b.cmp(a));
        told
    }

    /// The version of a request, if it has to have one. `kind` is the type without its namespace.
    ///
    /// # Errors
    /// It is missing, or not one of these: the refusal names those that are.
    pub(crate) fn check(
        self,
        given: Option<&str>,
        kind: &str,
        (location, locations): (&str, &[&str]),
    ) -> Result<Option<ApiVersion>, ArmError> {
        let accepts = match self {
            Versions::None => return Ok(None),
            Versions::Lifecycle => {
                let given = given.ok_or_else(ArmError::missing_api_version)?;
                let is_it = given == SUBSCRIPTION_LIFECYCLE_VERSION;
                let refusal = || ArmError::invalid_api_version(given, &[SUBSCRIPTION_LIFECYCLE_VERSION]);
                return if is_it { Ok(None) } else { Err(refusal()) };
            }
            Versions::Ours => Accepts::Only(OUR_VERSIONS),
            Versions::Microsoft(_) => Accepts::AnyWellFormed,
        };
        accepts.version_of(given, kind, location, locations).map(Some)
    }
}
