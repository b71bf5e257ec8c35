//! One node, as it says itself and as it was measured.

use std::collections::BTreeMap;

use isobar_wire::Address;
use isobar_wire::message::probe::{DeviceRates, NodeFacts};
use serde::{Serialize, Serializer};

use super::clock::Clock;
use super::probe::ProbeError;

/// One node.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub addr: Address,
    /// Whether it votes on metadata.
    pub voter: bool,
    /// What it says of itself, or why it says nothing.
    #[serde(serialize_with = "or_error")]
    pub facts: Result<NodeFacts, ProbeError>,
    /// Its clock.
    pub clock: Option<Clock>,
    /// Rates of the devices below its targets while all nodes were measured at once, or why not.
    #[serde(serialize_with = "or_error")]
    pub device: Result<Vec<DeviceRates>, ProbeError>,
}

/// What the devices of a node move together, in bytes per second; `of` gives one direction of a device as
/// bytes and nanoseconds.
pub(crate) fn device_rate(devices: &[DeviceRates], of: fn(&DeviceRates) -> (u64, u64)) -> f64 {
    let rate = |(bytes, nanoseconds): (u64, u64)| bytes as f64 * 1e9 / nanoseconds.max(1) as f64;
    devices.iter().map(|device| rate(of(device))).sum()
}

/// JSON has the value itself, or an object with `error`.
fn or_error<T: Serialize, S: Serializer>(
    value: &Result<T, ProbeError>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Ok(value) => value.serialize(serializer),
        Err(why) => BTreeMap::from([("error", why.to_string())]).serialize(serializer),
    }
}
