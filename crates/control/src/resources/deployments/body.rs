//! What a request about a deployment says.

use isobar_arm::{ArmError, Fields, Problems, ResourceId, Tags};
use isobar_template::given_values;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::refusal::Refusal;

/// What a request says.
pub(super) struct Asked {
    pub template: Value,
    /// Values of parameters.
    pub given: Map<String, Value>,
    pub tags: Tags,
    /// Whether what-if tells the ids of resources alone.
    pub ids_only: bool,
}

/// The group that its path names.
pub(super) fn group(call: &Call) -> Result<ResourceId, Refusal> {
    let name = call.params.get("resourceGroupName");
    Ok(ResourceId::parse(&format!("{}/resourceGroups/{name}", call.subscription()?))?)
}

/// What a client reads and cannot set.
const READ_ONLY: &[&str] = &[
    "provisioningState",
    "timestamp",
    "duration",
    "correlationId",
    "outputs",
    "outputResources",
    "providers",
    "dependencies",
    "error",
    "templateHash",
    "validatedResources",
];

/// Links are followed by nobody here.
const LINKS: [&str; 4] = ["templateLink", "parametersLink", "onErrorDeployment", "extensionConfigs"];

/// Reads a request, which need not be JSON.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(call: &Call) -> Result<Asked, Refusal> {
    let body = call.jsonc()?;
    let problems = Problems::new();
    let (tags, ids_only, complete) = fields(&Fields::root(&body, &problems));
    problems.into_result()?;
    if complete {
        let message = "The mode Complete is not supported: it would delete whatever is not in the template. \
             Use the mode Incremental, and delete by name what is not wanted any more.";
        return Err(ArmError::new(400, "DeploymentModeNotSupported", message)
            .with_target("properties.mode")
            .into());
    }
    let properties = &body["properties"];
    Ok(Asked {
        template: properties["template"].clone(),
        given: given_values(properties.get("parameters"))?,
        tags: tags.unwrap_or_default(),
        ids_only,
    })
}

fn fields(body: &Fields<'_, '_>) -> (Option<Tags>, bool, bool) {
    body.ignore(&["id", "name", "type", "location", "etag", "systemData"]);
    let tags = Tags::read(body.get("tags"));
    let properties = body.get("properties").required().object_or_empty();
    properties.ignore(READ_ONLY);
    properties.ignore(&["parameters"]);
    let complete = properties.get("mode").required().one_of(&[("Incremental", false), ("Complete", true)]);
    // What is in it is read elsewhere.
    if let Some(template) = properties.get("template").required().object() {
        template.entries().for_each(drop);
    }
    for name in LINKS {
        let link = properties.get(name);
        if link.is_present() {
            link.refuse("is not supported: send the template and the values themselves");
        }
    }
    let debug = properties.get("debugSetting").object_or_empty();
    debug.get("detailLevel").one_of(&[("none", ())]);
    let levels = [("Provider", ()), ("ProviderNoRbac", ()), ("Template", ())];
    properties.get("validationLevel").one_of(&levels);
    let scope = properties.get("expressionEvaluationOptions").object_or_empty();
    scope.get("scope").one_of(&[("NotSpecified", ()), ("Inner", ()), ("Outer", ())]);
    let formats = [("FullResourcePayloads", false), ("ResourceIdOnly", true)];
    let settings = properties.get("whatIfSettings").object_or_empty();
    let ids_only = settings.get("resultFormat").one_of(&formats);
    (tags, ids_only.unwrap_or(false), complete.unwrap_or(false))
}
