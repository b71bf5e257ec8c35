//! `/openapi.json`: the table, for programs and people. It is what the program says about itself; nobody has
//! to log in to read it.

use isobar_records::Snapshot;

use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::openapi;
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Operation};

pub(crate) const ROWS: &[Row] = &[Row::new(
    Operation {
        display: Display::of("API", "Get description", "The OpenAPI document of everything that is served."),
        ..Operation::get("Api_Description", "/openapi.json").for_programs("it is what clients are made of")
    }
    .answers(&[Answer::of(200, "Anything", "The document.")]),
    read!(description),
)];

async fn description(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    Ok(Reply::json(200, openapi::document(call.app.catalog.operations().iter().copied())))
}
