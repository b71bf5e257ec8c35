//! The providers of a control plane, by name and by location.

use std::sync::Arc;

use isobar_arm::Location;
use isobar_provider::{Provider, Size};

/// A provider and the locations that it serves.
#[derive(Clone)]
pub struct Served {
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// The names of its locations.
    pub locations: Vec<String>,
}

/// A provider with its locations, as they are compared.
struct Known {
    provider: Arc<dyn Provider>,
    locations: Vec<Location>,
}

/// All of them. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Providers(Arc<Vec<Known>>);

impl Providers {
    /// These, unless one serves a location that is not there, or two serve the same: then its name.
    pub(crate) fn new(served: &[Served], known: &[Location]) -> Result<Providers, String> {
        let mut all: Vec<Known> = Vec::new();
        for Served { provider, locations } in served {
            let mut own = Vec::new();
            for name in locations {
                let location = Location::parse(name).filter(|location| known.contains(location));
                let location = location.ok_or_else(|| name.clone())?;
                if own.contains(&location) || all.iter().any(|other| other.locations.contains(&location)) {
                    return Err(name.clone());
                }
                own.push(location);
            }
            all.push(Known { provider: provider.clone(), locations: own });
        }
        Ok(Providers(Arc::new(all)))
    }

    /// The one of this name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<dyn Provider>> {
        let found = self.0.iter().find(|known| known.provider.name() == name);
        found.map(|known| known.provider.clone())
    }

    /// The one that serves a location.
    pub(crate) fn at(&self, location: &Location) -> Option<Arc<dyn Provider>> {
        let found = self.0.iter().find(|known| known.locations.contains(location));
        found.map(|known| known.provider.clone())
    }

    /// Every location that one serves.
    pub(crate) fn locations(&self) -> Vec<&str> {
        self.0.iter().flat_map(|known| &known.locations).map(Location::name).collect()
    }
}

/// A size of a provider, by its name.
pub(crate) fn size_of<'p>(provider: &'p dyn Provider, name: &str) -> Option<&'p Size> {
    provider.sizes().iter().find(|size| size.name.eq_ignore_ascii_case(name))
}
