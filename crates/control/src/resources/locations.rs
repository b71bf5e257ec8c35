//! Locations of a subscription.

use isobar_records::Snapshot;
use serde_json::{Value, json};

use super::versions::SUBSCRIPTIONS;
use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Gate, Operation};

pub(crate) const ROWS: &[Row] = &[Row::new(
    Operation::get("Subscriptions_ListLocations", "/subscriptions/{subscriptionId}/locations")
        .command("location list")
        .action(
            "Microsoft.Resources/subscriptions/locations/read",
            Display::of("Locations", "Get locations", "Reads the locations that clusters can be in."),
        )
        .gate(Gate::InSubscription)
        .versions(SUBSCRIPTIONS)
        .answers(&[Answer::of(200, "LocationList", "The locations.")]),
    read!(list),
)];

async fn list(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let subscription = call.subscription()?;
    let location = |region: &crate::app::Region| {
        json!({
            "id": format!("{subscription}/locations/{}", region.name),
            "name": region.name,
            "type": "Region",
            "displayName": region.display_name,
            "regionalDisplayName": region.display_name,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended", "pairedRegion": []},
        })
    };
    let value: Vec<Value> = call.app.regions.iter().map(location).collect();
    Ok(Reply::json(200, json!({"value": value})))
}
