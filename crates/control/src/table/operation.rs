//! One operation: a row of the table without what carries it out.
//!
//! Rows are constants, made by calls that read like a sentence:
//!
//! ```ignore
//! Operation::put("Locks_CreateOrUpdate", "/{scope}/providers/Microsoft.Authorization/locks/{lockName}")
//!     .action("Microsoft.Authorization/locks/write", Display::of("Management locks", "Add a lock", "…"))
//!     .versions(Versions::Microsoft(&VERSIONS))
//!     .command("lock create")
//!     .takes("Lock")
//!     .answers(&[Answer::of(200, "Lock", "It was changed."), Answer::of(201, "Lock", "It was made.")])
//! ```

use super::command::Command;
use super::method::Method;
use super::versions::Versions;

/// Who may come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// Anybody, without a token.
    Open,
    /// Whoever has a token.
    LoggedIn,
    /// Whoever has a role anywhere in the subscription. What of it is shown is the handler's business.
    InSubscription,
    /// Whoever is allowed the action on what the path names.
    Allowed,
    /// Whoever is allowed the action everywhere.
    AllowedInTenant,
}

/// What people are told about an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Display {
    /// What it is done to.
    pub resource: &'static str,
    /// What is done, in a few words.
    pub operation: &'static str,
    /// The same in a sentence.
    pub description: &'static str,
}

/// One way in which an operation answers when it goes well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The schema of its body, by name; `None` for an answer without one.
    pub schema: Option<&'static str>,
    /// The type of a body that is text instead.
    pub text: Option<&'static str>,
    /// What it means.
    pub description: &'static str,
}

/// A parameter in the query, beside `api-version`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
}

/// One operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Its name in the OpenAPI document: `ResourceGroups_Get`. No two have the same.
    pub id: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path, with parameters in braces. `{scope}` in front is any resource id, also that of the tenant.
    pub path: &'static str,
    /// The versions that it takes.
    pub versions: Versions,
    /// Who may come in.
    pub gate: Gate,
    /// What is permitted or not: `Microsoft.Resources/subscriptions/resourceGroups/read`. Empty behind an
    /// open gate. Several operations may be one action: a list and a single read.
    pub action: &'static str,
    /// What people are told about the action.
    pub display: Display,
    /// Whether resources of its type have a location and tags.
    pub tracked: bool,
    /// Parameters of the query.
    pub query: &'static [Parameter],
    /// The schema of the body that it takes.
    pub body: Option<&'static str>,
    /// How it answers when it goes well.
    pub answers: &'static [Answer],
    /// Whether it may go on after it was answered.
    pub long_running: bool,
    /// The schema of what is there when it has ended, where that is in none of its own answers.
    pub leaves: Option<&'static str>,
    /// What people type for it.
    pub command: Command,
}

/// Of every list that has pages.
const PAGING: &[Parameter] = &[
    Parameter { name: "$top", description: "At most so many items." },
    Parameter { name: "$skipToken", description: "Where the page before ended: part of its nextLink." },
];
/// Of every list that has pages and conditions.
const FILTERED: &[Parameter] =
    &[Parameter { name: "$filter", description: "What has to hold of the items." }, PAGING[0], PAGING[1]];
/// Of every list of resources that may be of any type.
const EXPANDED: &[Parameter] = &[
    FILTERED[0],
    PAGING[0],
    PAGING[1],
    Parameter { name: "$expand", description: "What else to tell of each item." },
];
/// Of every HEAD.
const EXISTENCE: &[Answer] = &[Answer::empty(204, "It is there."), Answer::empty(404, "It is not there.")];

impl Display {
    /// These words.
    pub const fn of(resource: &'static str, operation: &'static str, description: &'static str) -> Display {
        Display { resource, operation, description }
    }
}

impl Answer {
    /// One with a body.
    pub const fn of(status: u16, schema: &'static str, description: &'static str) -> Answer {
        Answer { status, schema: Some(schema), text: None, description }
    }

    /// One with a text of this type.
    pub const fn text(status: u16, media_type: &'static str, description: &'static str) -> Answer {
        Answer { status, schema: None, text: Some(media_type), description }
    }

    /// One without.
    pub const fn empty(status: u16, description: &'static str) -> Answer {
        Answer { status, schema: None, text: None, description }
    }
}

impl Operation {
    const fn new(id: &'static str, method: Method, path: &'static str) -> Operation {
        Operation {
            id,
            method,
            path,
            versions: Versions::None,
            gate: Gate::Open,
            action: "",
            display: Display::of("", "", ""),
            tracked: false,
            query: &[],
            body: None,
            answers: &[],
            long_running: false,
            leaves: None,
            command: Command::Unsaid,
        }
    }

    /// Reads.
    pub const fn get(id: &'static str, path: &'static str) -> Operation {
        Operation::new(id, Method::Get, path)
    }

    /// Makes, or replaces.
    pub const fn put(id: &'static str, path: &'static str) -> Operation {
        Operation::new(id, Method::Put, path)
    }

    /// Changes a part.
    pub const fn patch(id: &'static str, path: &'static str) -> Operation {
        Operation::new(id, Method::Patch, path)
    }

    /// Does something.
    pub const fn post(id: &'static str, path: &'static str) -> Operation {
        Operation::new(id, Method::Post, path)
    }

    /// Takes away.
    pub const fn delete(id: &'static str, path: &'static str) -> Operation {
        Operation::new(id, Method::Delete, path)
    }

    /// Says what is permitted or not, and lets in whom it is permitted.
    pub const fn action(mut self, action: &'static str, display: Display) -> Operation {
        self.action = action;
        self.display = display;
        self.gate = Gate::Allowed;
        self
    }

    /// Another gate.
    pub const fn gate(mut self, gate: Gate) -> Operation {
        self.gate = gate;
        self
    }

    /// The versions that it takes.
    pub const fn versions(mut self, versions: Versions) -> Operation {
        self.versions = versions;
        self
    }

    /// Its resources have a location and tags.
    pub const fn tracked(mut self) -> Operation {
        self.tracked = true;
        self
    }

    /// Takes a body of this schema.
    pub const fn takes(mut self, schema: &'static str) -> Operation {
        self.body = Some(schema);
        self
    }

    /// Takes these parameters.
    pub const fn query(mut self, query: &'static [Parameter]) -> Operation {
        self.query = query;
        self
    }

    /// Is a list with pages.
    pub const fn paged(self) -> Operation {
        self.query(PAGING)
    }

    /// Is a list with pages and conditions.
    pub const fn filtered(self) -> Operation {
        self.query(FILTERED)
    }

    /// Is a list with pages and conditions, which tells more of each item when it is asked to.
    pub const fn expanded(self) -> Operation {
        self.query(EXPANDED)
    }

    /// How it answers when it goes well.
    pub const fn answers(mut self, answers: &'static [Answer]) -> Operation {
        self.answers = answers;
        self
    }

    /// May go on after it was answered.
    pub const fn long_running(mut self) -> Operation {
        self.long_running = true;
        self
    }

    /// Goes on after it was answered, and leaves this: its `Location` leads there in the end.
    pub const fn leaves(mut self, schema: &'static str) -> Operation {
        self.leaves = Some(schema);
        self.long_running()
    }

    /// The HEAD of the same path, with this name: whether what a GET reads is there.
    pub const fn existence(self, id: &'static str, command: Command) -> Operation {
        Operation { id, method: Method::Head, query: &[], answers: EXISTENCE, command, ..self }
    }

    /// What people type for it: `group create`.
    pub const fn command(mut self, words: &'static str) -> Operation {
        self.command = Command::Words(words);
        self
    }

    /// Nobody types it, for this reason.
    pub const fn for_programs(mut self, reason: &'static str) -> Operation {
        self.command = Command::ForPrograms(reason);
        self
    }

    /// The last word of the action: `read`, `write`, `delete` or `action`.
    pub fn verb(&self) -> &'static str {
        self.action.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it may change anything that is kept.
    pub fn writes(&self) -> bool {
        self.gate != Gate::Open && self.verb() != "read"
    }
}
