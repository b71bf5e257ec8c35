//! Validations of clusters: measuring one, what came of it, and the report.

mod body;
mod requests;

use crate::handler::{Row, read, write};
use crate::table::{Answer, Command, Display, Operation, Versions};

const ALL: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/validations";
const ONE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/validations/{validationName}";
const CANCEL: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/validations/{validationName}/cancel";
const REPORT: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/validations/{validationName}/reports/default";
const READ: &str = "Isobar.Storage/clusters/validations/read";
const SHOW: Display =
    Display::of("Validations", "Get validations", "Reads how ready clusters were when they were measured.");

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Validations_List", ALL)
            .command("cluster validation list")
            .action(READ, SHOW)
            .versions(Versions::Ours)
            .paged()
            .answers(&[Answer::of(200, "ValidationList", "The validations of the cluster.")]),
        read!(requests::list),
    ),
    Row::new(
        Operation::get("Validations_Get", ONE)
            .command("cluster validation show")
            .action(READ, SHOW)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "Validation", "The validation.")]),
        read!(requests::get),
    )
    .exists("Validations_CheckExistence", Command::Words("cluster validation exists")),
    Row::new(
        Operation::put("Validations_CreateOrUpdate", ONE)
            .command("cluster validation create")
            .action(
                "Isobar.Storage/clusters/validations/write",
                Display::of("Validations", "Measure cluster", "Measures how ready a cluster is."),
            )
            .versions(Versions::Ours)
            .takes("Validation")
            .long_running()
            .answers(&[
                Answer::of(200, "Validation", "It is there already, or is measured again."),
                Answer::of(201, "Validation", "It is being measured."),
            ]),
        write!(requests::put),
    ),
    Row::new(
        Operation::delete("Validations_Delete", ONE)
            .command("cluster validation delete")
            .action(
                "Isobar.Storage/clusters/validations/delete",
                Display::of("Validations", "Delete validation", "Deletes a validation with its report."),
            )
            .versions(Versions::Ours)
            .answers(&[Answer::empty(200, "It was deleted."), Answer::empty(204, "It was not there.")]),
        write!(requests::delete),
    ),
    Row::new(
        Operation::post("Validations_Cancel", CANCEL)
            .command("cluster validation cancel")
            .action(
                "Isobar.Storage/clusters/validations/cancel/action",
                Display::of("Validations", "Cancel validation", "Ends a measurement before its time."),
            )
            .versions(Versions::Ours)
            .answers(&[Answer::empty(204, "It will end.")]),
        write!(requests::cancel),
    ),
    Row::new(
        Operation::get("ValidationReports_Get", REPORT)
            .command("cluster validation report")
            .action(
                "Isobar.Storage/clusters/validations/reports/read",
                Display::of("Validations", "Get report of validation", "Reads the report as a page."),
            )
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "ValidationReport", "The report.")]),
        read!(requests::report),
    )
    .exists("ValidationReports_CheckExistence", Command::ForPrograms("people ask for the report itself")),
];
