//! How a control plane is started.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use isobar_workflow::{Clock, SystemClock};

use crate::limits::REQUESTS_AT_ONCE_MAX;
use crate::marketplace::Marketplace;
use crate::providers::Served;
use crate::readiness::{MeasureReadiness, NobodyMeasures};
use crate::server::GivenCertificate;
use crate::watch::{AskClusters, RealClusters};

/// How a control plane is started.
#[derive(Clone)]
pub struct ControlOptions {
    /// Where it listens. It speaks HTTPS alone, also on the loopback: clients send no token over anything
    /// else.
    pub listen: SocketAddr,
    /// Where it keeps its keys and certificates, and its records unless they are elsewhere. It is made if it
    /// is not there.
    pub data_dir: PathBuf,
    /// Where the records are: a path, `sqlite:PATH` or `postgres://…`. Without it, a SQLite file in
    /// `data_dir`.
    pub database_url: Option<String>,
    /// Names and addresses by which clients reach it, beside `127.0.0.1`, `localhost` and the address that it
    /// listens on. The first is used where a client has not said which.
    pub names: Vec<String>,
    /// A certificate to serve with, for all of the names. Without it, one is made and signed by an authority
    /// of our own.
    pub certificate: Option<GivenCertificate>,
    /// Authorities (PEM) to trust, beside those of this machine, where other issuers are asked for their
    /// keys.
    pub authorities: Option<String>,
    /// Locations that clusters can be in, each with a name for people; the first is the default.
    pub locations: Vec<(String, String)>,
    /// Requests that are answered at the same time; further ones are told to come again.
    pub requests_at_once: usize,
    /// Who has machines for clusters, each in some of the locations. Without any there are no clusters.
    pub providers: Vec<Served>,
    /// How clusters are asked how they are.
    pub asking: Arc<dyn AskClusters>,
    /// Who measures how ready clusters are.
    pub readiness: Arc<dyn MeasureReadiness>,
    /// Microsoft's marketplace. Without a client of it, reservations of the kinds `marketplace` and
    /// `privateOffer` are refused.
    pub marketplace: Option<Arc<dyn Marketplace>>,
    /// Gives the administrator another secret and takes the old ones away: for whoever has lost it.
    pub renew_secret: bool,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ControlOptions {
    /// The usual ones.
    pub fn new(listen: SocketAddr, data_dir: impl Into<PathBuf>) -> ControlOptions {
        ControlOptions {
            listen,
            data_dir: data_dir.into(),
            database_url: None,
            names: Vec::new(),
            certificate: None,
            authorities: None,
            locations: vec![("local".to_owned(), "Local".to_owned())],
            providers: Vec::new(),
            asking: Arc::new(RealClusters::default()),
            readiness: Arc::new(NobodyMeasures),
            marketplace: None,
            requests_at_once: REQUESTS_AT_ONCE_MAX,
            renew_secret: false,
            clock: Arc::new(SystemClock),
        }
    }

    /// All names that the server's certificate has.
    pub(crate) fn all_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.names.iter().map(|name| name.to_lowercase()).collect();
        let address = self.listen.ip();
        if !address.is_unspecified() {
            names.push(address.to_string());
        }
        names.extend(["127.0.0.1", "localhost"].map(str::to_owned));
        let mut known = std::collections::BTreeSet::new();
        names.retain(|name| known.insert(name.clone()));
        names
    }
}
