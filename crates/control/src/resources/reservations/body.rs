//! What a client wants of a reservation: the body of a PUT.

use isobar_arm::{Field, Fields, Location, Shape, Tags, Timestamp, read_body};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::limits::{PAPERS_CHARS_MAX, PURCHASE_TOKEN_CHARS_MAX, RESERVED_BYTES_MAX};
use crate::refusal::Refusal;
use crate::reservations::Kind;

const SHAPE: Shape = Shape {
    tracked: true,
    sku: false,
    zones: false,
    identity: false,
    read_only: &["status", "statement", "usedBytes", "clusters"],
};
/// What Microsoft says of what was bought; clients send it back.
const BOUGHT: &[&str] =
    &["subscriptionId", "publisherId", "offerId", "planId", "quantity", "subscriptionStatus"];
/// What is a property of some kinds only: of which, and whether it has to be there.
const OF_KINDS: &[(&str, &[Kind], bool)] = &[
    ("marketplace", &[Kind::Marketplace, Kind::PrivateOffer], false),
    ("privateOfferId", &[Kind::PrivateOffer], true),
    ("licenseId", &[Kind::Byol], true),
    ("contractNumber", &[Kind::DirectContract], true),
    ("startsAt", &[Kind::DirectContract], true),
    ("endsAt", &[Kind::Byol, Kind::DirectContract], true),
];

/// What a client wants of a reservation.
pub(super) struct Wanted {
    /// Where it is said to be.
    pub location: Location,
    /// Tags.
    pub tags: Tags,
    /// How it is bought.
    pub kind: Kind,
    /// How much. Of what Microsoft sells that is Microsoft's to say.
    pub reserved_bytes: Option<u64>,
    /// What Microsoft gave whoever bought it. It is a secret, and not kept.
    pub purchase_token: Option<String>,
    /// Ids and times of its kind, by name.
    pub papers: Map<String, Value>,
}

/// The properties, each read as far as it can be.
struct Properties {
    kind: Option<Kind>,
    reserved_bytes: Option<u64>,
    purchase_token: Option<String>,
    papers: Map<String, Value>,
}

/// Refuses what belongs to other kinds only, and what this one lacks.
fn check_kinds(fields: &Fields<'_, '_>, kind: Kind) {
    for (name, kinds, needed) in OF_KINDS {
        let field = fields.get(name);
        if kinds.contains(&kind) {
            if *needed {
                let _ = field.required();
            }
        } else if field.is_present() {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            let of = names.join(" or ");
            field.refuse(&format!("belongs to reservations of kind {of}; this one is {}", kind.name()));
        }
    }
}

/// A moment, written the one way.
fn moment(fields: &Fields<'_, '_>, name: &'static str) -> Option<Timestamp> {
    let text = fields.get(name).string(1..=64)?;
    let at = Timestamp::parse(text).ok();
    if at.is_none() {
        fields.get(name).refuse("must be a time, written as 2027-01-31T00:00:00Z");
    }
    at
}

fn papers(fields: &Fields<'_, '_>) -> Map<String, Value> {
    let mut papers = Map::new();
    for name in ["privateOfferId", "licenseId", "contractNumber"] {
        let text = fields.get(name).string(1..=PAPERS_CHARS_MAX);
        papers.extend(text.map(|text| (name.to_owned(), json!(text))));
    }
    let (starts, ends) = (moment(fields, "startsAt"), moment(fields, "endsAt"));
    if starts.zip(ends).is_some_and(|(starts, ends)| starts >= ends) {
        fields.get("endsAt").refuse("must be later than 'properties.startsAt'");
    }
    papers.extend(starts.map(|at| ("startsAt".to_owned(), json!(at))));
    papers.extend(ends.map(|at| ("endsAt".to_owned(), json!(at))));
    papers
}

/// The token, beside what Microsoft says, which is ignored.
fn purchase_token(field: Field<'_, '_>) -> Option<String> {
    let bought = field.object()?;
    bought.ignore(BOUGHT);
    bought.get("purchaseToken").string(1..=PURCHASE_TOKEN_CHARS_MAX).map(str::to_owned)
}

fn properties(fields: &Fields<'_, '_>) -> Option<Properties> {
    let kind = fields.get("procurement").required().one_of(&Kind::WORDS);
    if let Some(kind) = kind {
        check_kinds(fields, kind);
    }
    let reserved = fields.get("reservedBytes");
    let reserved = match kind {
        Some(kind) if !kind.is_of_microsoft() => reserved.required().integer(1..=RESERVED_BYTES_MAX),
        _ => reserved.integer(0..=RESERVED_BYTES_MAX),
    };
    Some(Properties {
        kind,
        reserved_bytes: reserved,
        purchase_token: purchase_token(fields.get("marketplace")),
        papers: papers(fields),
    })
}

impl Wanted {
    /// Reads a body.
    ///
    /// # Errors
    /// Everything that is wrong with it at once.
    pub(super) fn read(call: &Call, body: &Value) -> Result<Wanted, Refusal> {
        let read = read_body(body, &SHAPE, properties)?;
        let missing =
            || isobar_arm::ArmError::internal_server_error("a body was taken without what it needs");
        super::super::places::check_location(call, read.location.as_ref(), "Isobar.Storage/reservations")?;
        let Properties { kind, reserved_bytes, purchase_token, papers } = read.properties;
        Ok(Wanted {
            location: read.location.ok_or_else(missing)?,
            tags: read.tags,
            kind: kind.ok_or_else(missing)?,
            reserved_bytes,
            purchase_token,
            papers,
        })
    }
}
