//! Which resources a template may have: those of the table that are made by a PUT, but deployments and what
//! is above a resource group.

use isobar_arm::{ArmError, ResourceId};
use isobar_template::Deployment;

use crate::app::App;
use crate::table::{Catalog, Method, Operation, Template};

/// What cannot be in a template, although a PUT makes it.
const NOT: &str = "Microsoft.Resources/deployments";
/// Where what is in a group has its paths; extensions have theirs below any resource.
const IN_GROUP: &str = "/resourceGroups/{resourceGroupName}/providers/";

/// The operation that makes resources of this type.
pub(super) fn making(app: &App, id: &ResourceId) -> Option<&'static Operation> {
    let resource_type = id.resource_type();
    deployable(app).find(|operation| type_of(operation).eq_ignore_ascii_case(&resource_type))
}

fn deployable(app: &App) -> impl Iterator<Item = &'static Operation> {
    let puts = app.catalog.operations().iter().copied().filter(|operation| operation.method == Method::Put);
    puts.filter(|operation| {
        let can_be_in_group = operation.path.contains(IN_GROUP) || Template::parse(operation.path).scoped;
        can_be_in_group && type_of(operation) != NOT
    })
}

fn type_of(operation: &'static Operation) -> String {
    format!("{}/{}", Catalog::namespace_of(operation), Catalog::type_of(operation))
}

/// Refuses a template with a resource that cannot be deployed, or in a version that there is not.
///
/// # Errors
/// `InvalidTemplate`, which names all of them.
pub(super) fn check(app: &App, deployment: &Deployment) -> Result<(), ArmError> {
    let mut wrong = Vec::new();
    for planned in deployment.resources() {
        let Some(operation) = making(app, &planned.id) else {
            let known: Vec<String> = deployable(app).map(type_of).collect();
            let message = format!(
                "The resource type '{}' cannot be deployed. These can be: {}.",
                planned.id.resource_type(),
                known.join(", ")
            );
            wrong.push(ArmError::new(400, "InvalidResourceType", message).with_target(&planned.place));
            continue;
        };
        let places = ("global", &*app.region_names());
        let kind = Catalog::type_of(operation);
        if let Err(error) = operation.versions.check(Some(&planned.api_version), kind, places) {
            wrong.push(error.with_target(format!("{}.apiVersion", planned.place)));
        }
    }
    let Some(first) = wrong.first() else { return Ok(()) };
    let message = format!("Deployment template validation failed: {}", first.message());
    let target = first.target().unwrap_or_default().to_owned();
    Err(ArmError::new(400, "InvalidTemplate", message).with_target(target).with_details(wrong))
}
