//! What can be asked, out of an OpenAPI document.
//!
//! | file | what |
//! |---|---|
//! | `operation` | operations that people type, and their parameters |
//! | `field` | the fields of a body, by their places in it |

mod field;
mod operation;

use serde_json::Value;

pub use field::{Field, Kind};
pub use operation::{Operation, Parameter, Place, SCOPE};

/// What can be asked.
#[derive(Clone, Debug)]
pub struct Description {
    /// The operations that people type, by their words.
    pub operations: Vec<Operation>,
}

impl Description {
    /// Reads a document. Operations without words are left out.
    pub fn read(document: &Value) -> Description {
        let schemas = &document["components"]["schemas"];
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, described) in methods.as_object().into_iter().flatten() {
                operations.extend(Operation::read(path, method, described, schemas));
            }
        }
        // Those that share their words go from the most parameters to the fewest.
        operations.sort_by_key(|of: &Operation| (of.words.clone(), usize::MAX - of.in_path().count()));
        Description { operations }
    }
}
