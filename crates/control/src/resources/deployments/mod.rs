//! Deployments of templates in resource groups: `Microsoft.Resources/deployments`.
//!
//! ```text
//! PUT ─► template read and kept ─► workflow: each resource in its order, by a PUT as the caller ─► outputs
//! ```
//!
//! - *As the caller*: each resource is made by a request of its own that goes the way of all others, with the
//!   rights that the caller has then, locks, and an entry in the audit log.
//! - *Once*: that a resource was made is noted in the transaction that makes it, so a process that dies
//!   leaves nothing made that is not noted, and whoever goes on makes nothing twice.
//! - *What is made stays*: a deployment that fails or is cancelled undoes nothing, as in ARM.
//! - *Incremental alone*: nothing is ever deleted because it is not in a template.
//! - *Secure parameters* are sealed (see `sealing`) until the deployment ends, and then gone.
//!
//! `validate` and `whatIf` carry out the same requests in a transaction that is dropped.
//!
//! | file | what |
//! |---|---|
//! | `body` | what a request says |
//! | `types` | which resources can be deployed |
//! | `record` | a deployment as it is kept and shown |
//! | `plan` | the template with its values, as they are kept while it is made |
//! | `made` | what was made, one record for each resource, and how it is shown |
//! | `looking`, `errors` | resources that expressions refer to; what is told of refusals |
//! | `requests`, `operations` | operations on deployments; on what they made |
//! | `trial`, `changes` | what would come of a template: `validate`, `whatIf` |
//! | `workflow`, `tools`, `run` | the workflow; what it needs; one turn of its work |

mod body;
mod changes;
mod errors;
mod looking;
mod made;
mod operations;
mod plan;
mod record;
mod requests;
mod run;
mod tools;
mod trial;
mod types;
mod workflow;

pub(crate) use tools::Tools;
pub(crate) use workflow::workflow;

use super::versions::RESOURCES;
use crate::handler::{Row, probe, read, write};
use crate::table::{Answer, Command, Display, Operation};

const ALL: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Resources/deployments";
const ONE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Resources/deployments/{deploymentName}";
const VALIDATE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Resources/deployments/{deploymentName}/validate";
const WHAT_IF: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Resources/deployments/{deploymentName}/whatIf";
const CANCEL: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Resources/deployments/{deploymentName}/cancel";
const EXPORT: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Resources/deployments/{deploymentName}/exportTemplate";
/// Without its provider, as in ARM.
const OPERATIONS: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/deployments/{deploymentName}/operations";
const OPERATION: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/deployments/{deploymentName}/operations/{operationId}";

const READ: &str = "Microsoft.Resources/deployments/read";
const SHOW: Display = Display::of("Deployments", "Get deployments", "Reads deployments.");
const SHOW_OPERATIONS: Display =
    Display::of("Deployments", "Get deployment operations", "Reads what a deployment has made, and how.");
const READ_OPERATIONS: &str = "Microsoft.Resources/deployments/operations/read";

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Deployments_ListByResourceGroup", ALL)
            .command("deployment list")
            .action(READ, SHOW)
            .versions(RESOURCES)
            .filtered()
            .answers(&[Answer::of(200, "DeploymentList", "The deployments of the group.")]),
        read!(requests::list),
    ),
    Row::new(
        Operation::get("Deployments_Get", ONE)
            .command("deployment show")
            .action(READ, SHOW)
            .versions(RESOURCES)
            .answers(&[Answer::of(200, "Deployment", "The deployment.")]),
        read!(requests::get),
    )
    .exists("Deployments_CheckExistence", Command::Words("deployment exists")),
    Row::new(
        Operation::put("Deployments_CreateOrUpdate", ONE)
            .command("deployment create")
            .action(
                "Microsoft.Resources/deployments/write",
                Display::of("Deployments", "Create deployment", "Makes the resources of a template."),
            )
            .versions(RESOURCES)
            .takes("DeploymentRequest")
            .long_running()
            .answers(&[
                Answer::of(200, "Deployment", "It is made once more."),
                Answer::of(201, "Deployment", "It is made."),
            ]),
        write!(requests::put),
    ),
    Row::new(
        Operation::delete("Deployments_Delete", ONE)
            .command("deployment delete")
            .action(
                "Microsoft.Resources/deployments/delete",
                Display::of(
                    "Deployments",
                    "Delete deployment",
                    "Forgets a deployment, and not what it made.",
                ),
            )
            .versions(RESOURCES)
            .answers(&[Answer::empty(204, "It is gone, or was not there.")]),
        write!(requests::delete),
    ),
    Row::new(
        Operation::post("Deployments_Cancel", CANCEL)
            .command("deployment cancel")
            .action(
                "Microsoft.Resources/deployments/cancel/action",
                Display::of("Deployments", "Cancel deployment", "Ends a deployment. What was made stays."),
            )
            .versions(RESOURCES)
            .answers(&[Answer::empty(204, "It will end.")]),
        write!(requests::cancel),
    ),
    Row::new(
        Operation::post("Deployments_ExportTemplate", EXPORT)
            .command("deployment export")
            .action(
                "Microsoft.Resources/deployments/exportTemplate/action",
                Display::of(
                    "Deployments",
                    "Export template of deployment",
                    "Reads the template of a deployment.",
                ),
            )
            .versions(RESOURCES)
            .answers(&[Answer::of(
                200,
                "DeploymentExport",
                "The template, without defaults that are secret.",
            )]),
        read!(requests::export),
    ),
    Row::new(
        Operation::post("Deployments_Validate", VALIDATE)
            .command("deployment validate")
            .action(
                "Microsoft.Resources/deployments/validate/action",
                Display::of(
                    "Deployments",
                    "Validate deployment",
                    "Says whether a template could be deployed.",
                ),
            )
            .versions(RESOURCES)
            .takes("DeploymentRequest")
            .answers(&[Answer::of(200, "Deployment", "It could.")]),
        probe!(trial::validate),
    ),
    Row::new(
        Operation::post("Deployments_WhatIf", WHAT_IF)
            .command("deployment what-if")
            .action(
                "Microsoft.Resources/deployments/whatIf/action",
                Display::of("Deployments", "Predict changes", "Says what a template would change."),
            )
            .versions(RESOURCES)
            .takes("DeploymentRequest")
            .answers(&[Answer::of(200, "WhatIfResult", "What would change.")]),
        probe!(trial::what_if),
    ),
    Row::new(
        Operation::get("DeploymentOperations_List", OPERATIONS)
            .command("deployment operation list")
            .action(READ_OPERATIONS, SHOW_OPERATIONS)
            .versions(RESOURCES)
            .paged()
            .answers(&[Answer::of(200, "DeploymentOperationList", "What it has made, or is making.")]),
        read!(operations::list),
    ),
    Row::new(
        Operation::get("DeploymentOperations_Get", OPERATION)
            .command("deployment operation show")
            .action(READ_OPERATIONS, SHOW_OPERATIONS)
            .versions(RESOURCES)
            .answers(&[Answer::of(200, "DeploymentOperation", "How it was made.")]),
        read!(operations::get),
    ),
];
