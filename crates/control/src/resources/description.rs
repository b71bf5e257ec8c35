//! `/openapi.json`: the table, for programs and people. It is what the program says about itself; nobody has
//! to log in to read it. `/swagger.json` is what of it is our own, for programs that read nothing newer.

use isobar_records::Snapshot;

use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Operation};
use crate::{openapi, swagger};

const DOCUMENT: &[Answer] = &[Answer::of(200, "Anything", "The document.")];

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation {
            display: Display::of(
                "API",
                "Get description",
                "The OpenAPI document of everything that is served.",
            ),
            ..Operation::get("Api_Description", "/openapi.json")
                .for_programs("it is what clients are made of")
        }
        .answers(DOCUMENT),
        read!(description),
    ),
    Row::new(
        Operation {
            display: Display::of(
                "API",
                "Get Swagger description",
                "The Swagger 2.0 document of the operations of Isobar.Storage.",
            ),
            ..Operation::get("Swagger_Get", "/swagger.json")
                .for_programs("SDKs for Azure are made of it, and Microsoft's rules read it")
        }
        .answers(DOCUMENT),
        read!(swagger_description),
    ),
];

async fn description(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    Ok(Reply::json(200, openapi::document(call.app.catalog.operations().iter().copied())))
}

async fn swagger_description(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    Ok(Reply::json(200, swagger::document(call.app.catalog.operations().iter().copied())))
}
