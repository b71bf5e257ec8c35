//! The whole table, and all workflows: what each kind of resource adds.

use std::sync::LazyLock;

use isobar_records::Records;
use isobar_workflow::Workflow;
use serde_json::Value;

use crate::handler::Row;
use crate::openapi;
use crate::resources;
use crate::swagger;
use crate::table::Operation;
use crate::workflows::{self, Tools};

/// Each file of operations, in the order of the OpenAPI document.
static FAMILIES: &[&[Row]] = &[
    resources::metadata::ROWS,
    resources::login::ROWS,
    resources::description::ROWS,
    resources::metrics::ROWS,
    resources::subscriptions::ROWS,
    resources::locations::ROWS,
    resources::providers::ROWS,
    resources::provider_operations::ROWS,
    resources::groups::ROWS,
    resources::clusters::ROWS,
    resources::nodes::ROWS,
    resources::validations::ROWS,
    resources::reservations::ROWS,
    resources::cluster_places::ROWS,
    resources::resource_lists::ROWS,
    resources::tags::ROWS,
    resources::locks::ROWS,
    resources::role_definitions::ROWS,
    resources::role_assignments::ROWS,
    resources::deployments::ROWS,
    resources::operation_status::ROWS,
    resources::activity_log::ROWS,
    resources::audit_entries::ROWS,
    resources::directory::ROWS,
    resources::credentials::ROWS,
];

/// All rows: those of the files, and behind each that reads a resource the HEAD of it.
static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = FAMILIES.iter().copied().flatten();
    rows.flat_map(|row| [Some(*row), row.head()]).flatten().collect()
});

/// All rows.
pub(crate) fn all() -> Vec<&'static Row> {
    TABLE.iter().collect()
}

/// All operations: the table.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    TABLE.iter().map(|row| &row.operation)
}

/// The table as an OpenAPI document.
pub fn openapi_document() -> Value {
    openapi::document(operations())
}

/// What of the table is our own, as a Swagger 2.0 document.
pub fn swagger_document() -> Value {
    swagger::document(operations())
}

/// All workflows.
pub(crate) fn workflows(
    records: &Records,
    tools: &Tools,
    deployments: &resources::deployments::Tools,
    reservations: &resources::reservations::Tools,
) -> Vec<Workflow> {
    let mut all = workflows::workflows(tools);
    all.push(resources::group_deletion::workflow(records, &tools.time));
    all.push(resources::deployments::workflow(deployments));
    all.extend(resources::reservations::workflows(reservations));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::Handler;
    use crate::table::Method;

    #[test]
    fn a_head_stands_behind_its_get_and_is_carried_out_by_what_reads() {
        let mut heads = 0;
        for pair in all().windows(2).filter(|pair| pair[1].operation.method == Method::Head) {
            let (get, head) = (&pair[0].operation, &pair[1].operation);
            assert_eq!((get.method, get.path), (Method::Get, head.path), "{}", head.id);
            assert!(matches!(pair[1].handler, Handler::Read(_)), "{}", head.id);
            heads += 1;
        }
        assert!(heads > 10, "{heads}");
    }
}
