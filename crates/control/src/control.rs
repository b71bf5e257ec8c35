//! Starting a control plane, and stopping it.

use std::sync::Arc;

use isobar_arm::Location;
use isobar_https::Trust;
use isobar_records::{Boxed, Records, RecordsError};
use isobar_workflow::{Engine, Environment, Options};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::app::{App, Region};
use crate::clock::Time;
use crate::files;
use crate::front::Front;
use crate::handler::Inside;
use crate::housekeeping;
use crate::identity::{Bootstrapped, Foreign, Guard, Issuer, bootstrap};
use crate::inside::Door;
use crate::keys::{Keys, KeysError};
use crate::metrics::Requests;
use crate::names::Names;
use crate::options::ControlOptions;
use crate::providers::Providers;
use crate::reservations::Metering;
use crate::resources::{deployments, reservations};
use crate::rows;
use crate::sealing::SealingKey;
use crate::server::{self, CertificateError, Exchange};
use crate::table::Catalog;
use crate::waking;
use crate::watch::Watch;
use crate::workflows::Tools;

/// The name of the SQLite file in the data directory.
const DATABASE: &str = "control.db";

/// A control plane that did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The data directory cannot be used.
    #[error("the data directory: {0}")]
    Directory(#[source] std::io::Error),
    /// The address cannot be listened on: another program does, or it is not of this machine.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A location has a name that no location can have.
    #[error("'{0}' is no name of a location: letters, digits and hyphens")]
    Location(String),
    /// A provider serves a location that there is not, or that another one serves.
    #[error("a provider serves the location '{0}', which is not there or has a provider already")]
    Served(String),
    /// The records cannot be opened.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The keys that processes of one database have in common cannot be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// There is no certificate to serve with.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The authorities to trust are none.
    #[error("authorities to trust: {0}")]
    Authorities(#[from] isobar_https::HttpsError),
    /// What a first start makes could not be made.
    #[error("the first start: {0}")]
    Bootstrap(String),
}

/// The administrator that the first start has made. The secret is nowhere else: show it, and forget it.
pub struct FirstSecret {
    /// The tenant.
    pub tenant: String,
    /// A subscription to begin with.
    pub subscription: String,
    /// What the administrator logs in with.
    pub client_id: String,
    /// Its secret.
    pub secret: String,
}

impl std::fmt::Debug for FirstSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstSecret").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The control plane.
pub struct Control;

/// What there has to be before anything is served.
struct Ground {
    regions: Vec<Region>,
    keys: Keys,
    sealing: Arc<SealingKey>,
    tls: ServerConfig,
    listener: TcpListener,
    records: Records,
    names: Arc<Names>,
    time: Time,
    made: Bootstrapped,
}

/// A control plane that runs. Dropped, it stops as if it had been killed.
pub struct Running {
    /// Where it is reached.
    pub url: String,
    /// The tenant.
    pub tenant: String,
    /// The certificate of the authority that clients have to trust; none where the server was given its own.
    pub ca_file: Option<std::path::PathBuf>,
    /// The administrator, at the first start.
    pub first_secret: Option<FirstSecret>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    engine: JoinHandle<()>,
    records: Records,
}

impl Control {
    /// Starts one.
    ///
    /// # Errors
    /// `ControlError`.
    pub fn start(options: ControlOptions) -> Boxed<'static, Result<Running, ControlError>> {
        // In a box, it is compiled here.
        Box::pin(Control::begin(options))
    }

    async fn begin(options: ControlOptions) -> Result<Running, ControlError> {
        let Ground { regions, keys, sealing, tls, listener, records, names, time, made } =
            Ground::lay(&options).await?;
        let door = Arc::new(Door::default());
        let deployments = deployments::Tools {
            records: records.clone(),
            door: door.clone(),
            sealing: sealing.clone(),
            time: time.clone(),
        };
        let known: Vec<Location> = regions.iter().map(|region| region.name.clone()).collect();
        let providers = Providers::new(&options.providers, &known).map_err(ControlError::Served)?;
        let watch = Watch::new(records.clone(), providers.clone(), options.asking.clone(), time.clone());
        let tools = Tools {
            providers: providers.clone(),
            asking: options.asking.clone(),
            watch: watch.clone(),
            readiness: options.readiness.clone(),
            time: time.clone(),
        };
        let reservations = reservations::Tools { marketplace: options.marketplace.clone() };
        let engine = engine(&records, (&tools, &deployments, &reservations), &options);
        let metering = Metering {
            records: records.clone(),
            providers: providers.clone(),
            marketplace: options.marketplace.clone(),
            time: time.clone(),
        };
        let rows = rows::all();
        let app = Arc::new(App {
            records: records.clone(),
            engine: engine.clone(),
            time: time.clone(),
            names: names.clone(),
            issuer: Issuer::new(keys.signing, made.tenant.clone(), names.clone()),
            foreign: Foreign::new(options.authorities.clone()),
            guard: Guard::default(),
            requests: Requests::default(),
            catalog: Catalog::new(rows.iter().map(|row| &row.operation)),
            sealing,
            regions,
            providers,
            watch: watch.clone(),
            readiness: options.readiness.clone(),
            marketplace: options.marketplace.clone(),
        });
        let front = Arc::new(Front::new(app, rows));
        let inside: Arc<dyn Inside> = front.clone();
        door.open(&inside);
        let exchange = Arc::new(Exchange::new(front, options.requests_at_once));
        let (stop, stopped) = watch::channel(false);
        let server = server::run(listener, TlsAcceptor::from(Arc::new(tls)), exchange, stopped.clone());
        let first_secret = made.first.map(|(client_id, secret, subscription)| FirstSecret {
            tenant: made.tenant.clone(),
            subscription,
            client_id,
            secret,
        });
        Ok(Running {
            url: names.first(),
            tenant: made.tenant,
            ca_file: options.certificate.is_none().then(|| options.data_dir.join(server::AUTHORITY)),
            first_secret,
            stop,
            server: tokio::spawn(server),
            engine: tokio::spawn(work(engine, watch, metering, time, stopped)),
            records,
        })
    }
}

impl Ground {
    async fn lay(options: &ControlOptions) -> Result<Ground, ControlError> {
        let directory = &options.data_dir;
        files::make_directory(directory).map_err(ControlError::Directory)?;
        let regions = regions(options)?;
        options.authorities.as_deref().map(Trust::only).transpose()?;
        // First of all: where another one runs, nothing is made or changed.
        let address = options.listen;
        let failed = |source| ControlError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let sealing = Arc::new(SealingKey::of(directory).map_err(ControlError::Directory)?);
        let in_directory = || directory.join(DATABASE).display().to_string();
        let records = Records::open(&options.database_url.clone().unwrap_or_else(in_directory)).await?;
        let keys = Keys::of(&records, &sealing).await?;
        let hosts = options.all_names();
        let tls = match &options.certificate {
            Some(given) => server::given_config(directory, given)?,
            None => server::server_config(directory, &keys.authority, &hosts)?,
        };
        let names = Arc::new(Names::new(hosts, listener.local_addr().map_err(failed)?.port()));
        let time = Time(options.clock.clone());
        let made = bootstrap(&records, &time, options.renew_secret).await;
        let made = made.map_err(|refusal| ControlError::Bootstrap(refusal.0.to_string()))?;
        Ok(Ground { regions, keys, sealing, tls, listener, records, names, time, made })
    }
}

impl Running {
    /// Takes no new requests, answers those under way, gives workflows back to whoever starts next, and
    /// closes the records.
    pub fn stop(mut self) -> Boxed<'static, ()> {
        Box::pin(async move {
            self.stop.send_replace(true);
            for task in [&mut self.server, &mut self.engine] {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a part of the control plane failed");
                }
            }
            self.records.close().await;
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
        self.engine.abort();
    }
}

fn regions(options: &ControlOptions) -> Result<Vec<Region>, ControlError> {
    let region = |(name, display_name): &(String, String)| {
        let name = Location::parse(name).ok_or_else(|| ControlError::Location(name.clone()))?;
        Ok(Region { name, display_name: display_name.clone() })
    };
    options.locations.iter().map(region).collect()
}

fn engine(
    records: &Records,
    (tools, deployments, reservations): (&Tools, &deployments::Tools, &reservations::Tools),
    options: &ControlOptions,
) -> Engine {
    let environment = Environment { clock: options.clock.clone(), ..Environment::default() };
    let owner = format!("control {}", std::process::id());
    let workflows = rows::workflows(records, tools, deployments, reservations);
    Engine::new(records.clone(), workflows, owner, Options::default(), environment)
}

/// Does what is beyond requests: workflows, waking and watching clusters, writing down what is used, and
/// forgetting old operations.
async fn work(
    engine: Engine,
    clusters: Watch,
    metering: Metering,
    time: Time,
    mut stopped: watch::Receiver<bool>,
) {
    let stopped = async move {
        // Nobody is left who could stop it: that is a stop, too.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    tokio::select! {
        () = engine.run(stopped) => {}
        () = waking::run(&clusters, &metering.providers) => {}
        () = clusters.clone().run() => {}
        () = metering.run() => {}
        () = housekeeping::run(&metering.records, &time) => {}
    }
}
