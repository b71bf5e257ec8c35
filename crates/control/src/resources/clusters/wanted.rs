//! What a client wants of a cluster: the body of a PUT, and of a dry run of one.

use std::sync::Arc;

use isobar_arm::{ArmError, Body, Fields, Location, Problems, ResourceId, Shape, Tags, read_body_and};
use isobar_base::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX};
use isobar_provider::{Plan, Provider, Size};
use serde_json::Value;

use crate::call::Call;
use crate::clusters::{NODES_MAX, NODES_MIN, Widths, check_widths, widths_of};
use crate::providers::size_of;
use crate::refusal::Refusal;

const SHAPE: Shape = Shape {
    tracked: true,
    sku: true,
    zones: false,
    identity: false,
    read_only: &["provider", "clusterId", "clientInfo", "health", "capacity", "throughput"],
};
const KIND: &str = "Isobar.Storage/clusters";
const NOT_THERE: &str = "LocationNotAvailableForResourceType";

/// What a client wants of a cluster.
pub(crate) struct Wanted {
    /// Where.
    pub location: Location,
    /// Tags.
    pub tags: Tags,
    /// The size of a node, if it says which.
    pub size: Option<String>,
    /// How many nodes.
    pub nodes: u32,
    /// Data rows, if it says how many.
    pub data_rows: Option<u8>,
    /// Parity rows, if it says how many.
    pub parity_rows: Option<u8>,
    /// Whether it must not be deleted.
    pub protection: bool,
    /// The reservation that it names.
    pub reservation: Option<ResourceId>,
    /// Who has machines there.
    pub provider: Arc<dyn Provider>,
}

/// The properties, each read as far as it can be.
struct Properties {
    nodes: Option<u32>,
    data_rows: Option<u8>,
    parity_rows: Option<u8>,
    protection: bool,
    reservation: Option<ResourceId>,
}

fn properties(fields: &Fields<'_, '_>) -> Option<Properties> {
    let nodes = fields.get("nodeCount").required();
    let nodes = nodes.integer(u64::from(NODES_MIN)..=u64::from(NODES_MAX));
    let nodes = nodes.and_then(|nodes| u32::try_from(nodes).ok());
    // Only what can be on these nodes is judged further: a number that is none was told already.
    let (data, parity) = (fields.get("dataRows"), fields.get("parityRows"));
    let given = (data.is_present(), parity.is_present());
    let rows = |number: Option<u64>| number.and_then(|number| u8::try_from(number).ok());
    let data_rows = rows(data.integer(1..=u64::from(DATA_ROWS_MAX)));
    let parity_rows = rows(parity.integer(1..=u64::from(PARITY_ROWS_MAX)));
    if let Some(nodes) = nodes
        && given == (data_rows.is_some(), parity_rows.is_some())
    {
        for (property, why) in check_widths(widths_of(nodes, data_rows, parity_rows)) {
            fields.get(property).refuse(&why);
        }
    }
    let protection = fields.get("deletionProtection").bool().unwrap_or(true);
    let reservation = fields.get("reservationId").id();
    Some(Properties { nodes, data_rows, parity_rows, protection, reservation })
}

/// What is wrong with location and size together.
fn check(call: &Call, body: &Body<Properties>, problems: &Problems) {
    let providers = &call.app.providers;
    let Some(location) = &body.location else { return };
    let Some(provider) = providers.at(location) else {
        let error = ArmError::location_not_available(location.name(), KIND, &providers.locations());
        problems.add(NOT_THERE, "location", error.message());
        return;
    };
    let Some(sku) = &body.sku else { return };
    if size_of(&*provider, &sku.name).is_none() {
        let known: Vec<&str> = provider.sizes().iter().map(|size| size.name.as_str()).collect();
        let why = format!("'sku.name' must be one of {}, not '{}'.", known.join(", "), sku.name);
        problems.add("InvalidParameter", "sku.name", &why);
    }
    for (field, present) in [("sku.tier", sku.tier.is_some()), ("sku.capacity", sku.capacity.is_some())] {
        if present {
            let why =
                format!("'{field}' means nothing here: how many nodes there are is properties.nodeCount.");
            problems.add("InvalidParameter", field, &why);
        }
    }
}

impl Wanted {
    /// Reads a body.
    ///
    /// # Errors
    /// Everything that is wrong with it at once.
    pub(crate) fn read(call: &Call, body: &Value) -> Result<Wanted, Refusal> {
        let read = read_body_and(body, &SHAPE, properties, |body, problems| check(call, body, problems));
        let body = read.map_err(|error| match error.details() {
            [only] if only.code() == NOT_THERE => {
                ArmError::new(400, NOT_THERE, only.message()).with_target("location")
            }
            _ => error,
        })?;
        let missing = || ArmError::internal_server_error("a body was taken without what it needs");
        let location = body.location.ok_or_else(missing)?;
        Ok(Wanted {
            tags: body.tags,
            size: body.sku.map(|sku| sku.name),
            nodes: body.properties.nodes.ok_or_else(missing)?,
            data_rows: body.properties.data_rows,
            parity_rows: body.properties.parity_rows,
            protection: body.properties.protection,
            reservation: body.properties.reservation,
            provider: call.app.providers.at(&location).ok_or_else(missing)?,
            location,
        })
    }

    /// Nodes and rows, with what is taken where nothing is said.
    pub(crate) fn widths(&self) -> Widths {
        widths_of(self.nodes, self.data_rows, self.parity_rows)
    }

    /// The size of a node: the smallest one where nothing is said.
    ///
    /// # Errors
    /// The provider has none, which is a mistake of ours.
    pub(crate) fn size(&self) -> Result<&Size, Refusal> {
        let size = match &self.size {
            Some(name) => size_of(&*self.provider, name),
            None => self.provider.sizes().first(),
        };
        Ok(size.ok_or_else(|| ArmError::internal_server_error("a provider has no sizes"))?)
    }

    /// What its provider would make, by an id that was never used before.
    ///
    /// # Errors
    /// As [`size`](Wanted::size).
    pub(crate) fn plan(&self, deployment: &str, name: &str) -> Result<Plan, Refusal> {
        let Widths { nodes, data_rows, parity_rows } = self.widths();
        Ok(Plan {
            cluster: deployment.to_owned(),
            name: name.to_owned(),
            size: self.size()?.name.clone(),
            nodes,
            data_rows,
            parity_rows,
        })
    }
}
