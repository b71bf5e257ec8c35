//! The options of one command: the parameters of its operations, the fields of their body, and what every
//! command has.

use std::collections::BTreeSet;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};
use isobar_remote::description::{Field, Kind, Operation, Parameter, Place, SCOPE};

use super::names;

/// What goes on is not waited for.
pub const NO_WAIT: &str = "no-wait";
/// What takes much away is not asked about.
pub const YES: &str = "yes";
/// Fields that have no option of their own.
pub const SET: &str = "set";
/// The body as a whole.
pub const BODY: &str = "body";
/// At most so many of a list.
pub const TOP: &str = "top";
/// A resource group, also where any scope may be given.
pub const GROUP: &str = "group";
/// A subscription.
pub const SUBSCRIPTION: &str = "subscription";
/// Where a page begins is followed, not given.
const PAGE: &str = "$skipToken";
/// Options that no field may take: those of every command.
const TAKEN: [&str; 7] = ["help", "output", "log", "log-json", SET, BODY, "version"];

/// Whether somebody confirms it before it is done.
pub fn asks_first(operation: &Operation) -> bool {
    operation.method == "DELETE" && operation.long_running
}

/// Whether a switch was given.
pub fn is_set(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten() == Some(&true)
}

/// What was given for an option.
pub fn text<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
}

/// Whether a parameter is filled in where it is not given: by the profile, or by a fresh id.
pub fn has_default(operation: &Operation, parameter: &Parameter) -> bool {
    let is_own = operation.own_name() == Some(parameter);
    let reads = ["GET", "HEAD"].contains(&operation.method.as_str());
    match parameter.name.as_str() {
        // What would be changed is named.
        "subscriptionId" => !is_own || reads,
        SCOPE | "location" => true,
        _ => is_own && parameter.is_uuid && operation.method == "PUT",
    }
}

/// Parameters that people give.
pub fn given(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().filter(|parameter| parameter.name != PAGE)
}

/// The fields of a body that have options of their own, and what these are called.
pub fn fields(operation: &Operation) -> Vec<(String, &Field)> {
    let of_parameters = given(operation).map(|parameter| names::of_parameter(operation, parameter).0);
    let mut taken: BTreeSet<String> = TAKEN.map(str::to_owned).into_iter().chain(of_parameters).collect();
    let named = operation.fields.iter().map(|field| (names::of_field(field), field));
    named.filter(|(name, _)| taken.insert(name.clone())).collect()
}

/// Adds the options of operations that share their words.
pub fn add(mut command: Command, variants: &[&Operation]) -> Command {
    let mut known = BTreeSet::new();
    for operation in variants {
        for parameter in given(operation) {
            let (name, letter) = names::of_parameter(operation, parameter);
            if known.insert(name.clone()) {
                let in_all = variants.iter().all(|of| of.parameters.contains(parameter));
                let is_path = parameter.place == Place::Path;
                let required = is_path && in_all && !has_default(operation, parameter);
                let arg = Arg::new(name.clone()).long(name.clone()).help(words(operation, parameter));
                let value =
                    if parameter.place == Place::Header { "ETAG".to_owned() } else { value_name(&name) };
                let arg = arg.value_name(value).required(required);
                command = command.arg(letter.into_iter().fold(arg, Arg::short));
                command = if parameter.name == SCOPE { of_scope(command) } else { command };
            }
        }
    }
    for operation in variants {
        for (name, field) in fields(operation) {
            if known.insert(name.clone()) {
                command = command.arg(of_field(&name, field));
            }
        }
    }
    let of_all = |test: fn(&Operation) -> bool| variants.iter().any(|operation| test(operation));
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    if of_all(|operation| operation.takes_body) {
        let set = Arg::new(SET).long(SET).value_name("NAME=VALUE").action(ArgAction::Append).num_args(1..);
        command = command
            .arg(
                set.help("Set any field of the body: --set properties.a.b=5")
                    .value_parser(value_parser_of_set()),
            )
            .arg(
                Arg::new(BODY)
                    .long(BODY)
                    .value_name("FILE")
                    .help("The body: a file, - for standard input, or JSON"),
            );
    }
    if of_all(|operation| operation.long_running) {
        command = command.arg(switch(NO_WAIT, "Return at once; the operation goes on"));
    }
    if of_all(asks_first) {
        command = command.arg(switch(YES, "Do not ask first").short('y'));
    }
    command
}

fn value_parser_of_set() -> ValueParser {
    ValueParser::new(|text: &str| isobar_remote::parse_setting(text))
}

/// A scope may be given as a group or a subscription.
fn of_scope(command: Command) -> Command {
    let option = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value_name(name)).help(help).conflicts_with(SCOPE)
    };
    command
        .arg(option(GROUP, "The resource group that is meant, instead of --scope").short('g'))
        .arg(option(SUBSCRIPTION, "The subscription. Default: that of the profile"))
}

fn words(operation: &Operation, parameter: &Parameter) -> String {
    let text = parameter.description.trim_end_matches('.');
    match parameter.name.as_str() {
        SCOPE => format!("{text}. Default: the subscription"),
        "subscriptionId" | "location" if has_default(operation, parameter) => {
            format!("{text}. Default: that of the profile")
        }
        _ if parameter.place == Place::Path && has_default(operation, parameter) => {
            format!("{text}. Default: a fresh id")
        }
        _ => text.to_owned(),
    }
}

/// What stands for the value of an option.
fn value_name(name: &str) -> String {
    name.rsplit('-').next().unwrap_or(name).to_uppercase()
}

fn of_field(name: &str, field: &Field) -> Arg {
    let mut help = field.description.trim_end_matches('.').to_owned();
    let arg = Arg::new(name.to_owned()).long(name.to_owned());
    let arg = match &field.kind {
        Kind::Text(choices) if !choices.is_empty() => {
            arg.value_name(value_name(name)).value_parser(PossibleValuesParser::new(choices))
        }
        Kind::Text(_) => arg.value_name(value_name(name)),
        Kind::Integer(least, most) => {
            match (*least, *most) {
                (i64::MIN, i64::MAX) => {}
                (least, i64::MAX) => help = format!("{help} (from {least})"),
                (i64::MIN, most) => help = format!("{help} (up to {most})"),
                (least, most) => help = format!("{help} ({least} to {most})"),
            }
            arg.value_name("N")
                .allow_negative_numbers(true)
                .value_parser(clap::value_parser!(i64).range(*least..=*most))
        }
        Kind::Switch => {
            let parser = PossibleValuesParser::new(["true", "false"]);
            let arg = arg.value_name("true|false").value_parser(parser).hide_possible_values(true);
            arg.num_args(0..=1).default_missing_value("true")
        }
        Kind::List => arg.value_name(value_name(name)).action(ArgAction::Append).num_args(1..),
        Kind::Map => arg
            .value_name("NAME=VALUE")
            .action(ArgAction::Append)
            .num_args(0..)
            .value_parser(ValueParser::new(pair)),
        Kind::Json => arg.value_name("JSON|@FILE"),
    };
    match (&field.default, is_location(field)) {
        (Some(default), _) => help = format!("{help}. Default: {default}"),
        (None, true) => help = format!("{help}. Default: that of the profile"),
        (None, false) => {}
    }
    let arg = arg.help(help.trim_start_matches(['.', ' ']).to_owned());
    let arg = if is_location(field) { arg.short('l') } else { arg };
    if field.required && !is_location(field) { arg.required_unless_present_any([SET, BODY]) } else { arg }
}

/// Whether a field says where something is.
pub fn is_location(field: &Field) -> bool {
    field.path == ["location"]
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or("write NAME=VALUE".to_owned())
}
