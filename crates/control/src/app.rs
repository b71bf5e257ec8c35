//! What every request has at hand.

use std::sync::Arc;

use isobar_arm::Location;
use isobar_records::Records;
use isobar_workflow::Engine;

use crate::clock::Time;
use crate::identity::{Foreign, Guard, Issuer};
use crate::marketplace::Marketplace;
use crate::metrics::Requests;
use crate::names::Names;
use crate::providers::Providers;
use crate::readiness::MeasureReadiness;
use crate::sealing::SealingKey;
use crate::table::Catalog;
use crate::watch::Watch;

/// A location that clusters can be in.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// Its name.
    pub name: Location,
    /// The same for people.
    pub display_name: String,
}

/// What every request has at hand. Nothing in it changes but the records, and what the guard has counted.
pub(crate) struct App {
    /// What is remembered.
    pub records: Records,
    /// What is done beyond a request.
    pub engine: Engine,
    /// The time.
    pub time: Time,
    /// The names of this server.
    pub names: Arc<Names>,
    /// Who makes tokens.
    pub issuer: Issuer,
    /// What is known of other issuers.
    pub foreign: Foreign,
    /// Who counts wrong secrets.
    pub guard: Guard,
    /// The table of operations.
    pub catalog: Catalog,
    /// What secrets are sealed with that have to be kept for a while.
    pub sealing: Arc<SealingKey>,
    /// Locations, the default first.
    pub regions: Vec<Region>,
    /// Who has machines for clusters.
    pub providers: Providers,
    /// What was answered.
    pub requests: Requests,
    /// How clusters are.
    pub watch: Watch,
    /// Who measures how ready clusters are.
    pub readiness: Arc<dyn MeasureReadiness>,
    /// Microsoft's marketplace, if there is a client of it.
    pub marketplace: Option<Arc<dyn Marketplace>>,
}

impl App {
    /// The names of all locations.
    pub(crate) fn region_names(&self) -> Vec<&str> {
        self.regions.iter().map(|region| region.name.name()).collect()
    }
}
