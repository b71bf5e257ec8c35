//! Reservations: what was bought, apart from clusters, which may name one. How what is sold by Microsoft
//! comes in is in `purchase` and `webhook`; what is used, in `crate::reservations`.

mod activation;
mod answering;
mod billing;
mod body;
mod naming;
mod notice;
mod purchase;
mod read;
mod requests;
mod usage_records;
mod webhook;

use std::sync::Arc;

use isobar_workflow::Workflow;

use crate::handler::{Row, fetch, read, write};
use crate::marketplace::Marketplace;
use crate::table::{Answer, Command, Display, Gate, Operation, Versions};

pub(crate) use naming::{check_group, check_named};

const ALL: &str = "/subscriptions/{subscriptionId}/providers/Isobar.Storage/reservations";
const OF_GROUP: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/reservations";
const ONE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/reservations/{reservationName}";
const BILLING: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/reservations/{reservationName}/getBillingReport";
const RECORDS: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/reservations/{reservationName}/usageRecords";
const RECORD: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/reservations/{reservationName}/usageRecords/{usageRecordName}";
const WEBHOOK: &str = "/providers/Isobar.Storage/marketplaceWebhook";
const READ: &str = "Isobar.Storage/reservations/read";
const WRITE: &str = "Isobar.Storage/reservations/write";
const READ_RECORDS: &str = "Isobar.Storage/reservations/usageRecords/read";
const SHOW: Display =
    Display::of("Reservations", "Get reservations", "Reads reservations and what is used of them.");
const CHANGE: Display =
    Display::of("Reservations", "Create or update reservation", "Makes or changes a reservation.");
const SHOW_RECORDS: Display =
    Display::of("Usage records", "Get usage records", "Reads what was used of reservations, hour by hour.");
const HEAR: Display =
    Display::of("Reservations", "Hear of purchases", "Hears from Microsoft what became of a purchase.");

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Reservations_ListBySubscription", ALL)
            .command("reservation list")
            .action(READ, SHOW)
            .gate(Gate::InSubscription)
            .versions(Versions::Ours)
            .paged()
            .answers(&[Answer::of(200, "ReservationList", "Those that the caller may read.")]),
        read!(read::list),
    ),
    Row::new(
        Operation::get("Reservations_ListByResourceGroup", OF_GROUP)
            .command("reservation list")
            .action(READ, SHOW)
            .versions(Versions::Ours)
            .paged()
            .answers(&[Answer::of(200, "ReservationList", "The reservations of the group.")]),
        read!(read::list),
    ),
    Row::new(
        Operation::get("Reservations_Get", ONE)
            .command("reservation show")
            .action(READ, SHOW)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "Reservation", "The reservation, with what is used of it now.")]),
        read!(read::get),
    )
    .exists("Reservations_CheckExistence", Command::Words("reservation exists")),
    Row::new(
        Operation::put("Reservations_CreateOrUpdate", ONE)
            .command("reservation create")
            .action(WRITE, CHANGE)
            .versions(Versions::Ours)
            .tracked()
            .takes("Reservation")
            .long_running()
            .answers(&[
                Answer::of(200, "Reservation", "It was changed, or is being activated again."),
                Answer::of(201, "Reservation", "It was made. What Microsoft sells is being activated."),
            ]),
        write!(requests::put),
    )
    .after(fetch!(purchase::send_to_resolve)),
    Row::new(
        Operation::patch("Reservations_Update", ONE)
            .command("reservation update")
            .action(WRITE, CHANGE)
            .versions(Versions::Ours)
            .takes("ReservationPatch")
            .answers(&[Answer::of(200, "Reservation", "It was changed.")]),
        write!(requests::patch),
    ),
    Row::new(
        Operation::delete("Reservations_Delete", ONE)
            .command("reservation delete")
            .action(
                "Isobar.Storage/reservations/delete",
                Display::of("Reservations", "Delete reservation", "Deletes one that no cluster names."),
            )
            .versions(Versions::Ours)
            .answers(&[Answer::empty(200, "It was deleted."), Answer::empty(204, "It was not there.")]),
        write!(requests::delete),
    ),
    Row::new(
        Operation::post("Reservations_GetBillingReport", BILLING)
            .command("reservation get-billing-report")
            .action(
                "Isobar.Storage/reservations/getBillingReport/action",
                Display::of("Reservations", "Get billing report", "Adds up what was reserved and used."),
            )
            .versions(Versions::Ours)
            .takes("BillingReportRequest")
            .answers(&[Answer::of(200, "BillingReport", "The sums.")]),
        read!(billing::report),
    ),
    Row::new(
        Operation::get("UsageRecords_List", RECORDS)
            .command("reservation usage-record list")
            .action(READ_RECORDS, SHOW_RECORDS)
            .versions(Versions::Ours)
            .paged()
            .answers(&[Answer::of(200, "UsageRecordList", "A record for each hour, the oldest first.")]),
        read!(usage_records::list),
    ),
    Row::new(
        Operation::get("UsageRecords_Get", RECORD)
            .command("reservation usage-record show")
            .action(READ_RECORDS, SHOW_RECORDS)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "UsageRecord", "The record.")]),
        read!(usage_records::get),
    )
    .exists("UsageRecords_CheckExistence", Command::Words("reservation usage-record exists")),
    Row::new(
        Operation { display: HEAR, ..Operation::post("Marketplace_Webhook", WEBHOOK) }
            .for_programs("Microsoft calls it")
            .takes("MarketplaceNotice")
            .answers(&[Answer::empty(200, "It was heard, now or before.")]),
        write!(webhook::hear),
    )
    .after(fetch!(webhook::send_to_confirm)),
];

/// The workflows of reservations.
pub(crate) fn workflows(tools: &Tools) -> Vec<Workflow> {
    vec![activation::workflow(tools), answering::workflow(tools)]
}

/// What their steps have at hand.
#[derive(Clone)]
pub(crate) struct Tools {
    /// Microsoft's marketplace, if there is a client of it.
    pub marketplace: Option<Arc<dyn Marketplace>>,
}
