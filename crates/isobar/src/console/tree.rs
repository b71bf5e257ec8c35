//! The words of operations as commands within commands.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use clap::Command;
use isobar_remote::description::{Description, Operation};

use super::options;

/// The operations of the table that people type.
pub fn operations() -> &'static [Operation] {
    static DESCRIPTION: OnceLock<Description> = OnceLock::new();
    let read = || Description::read(&isobar_control::openapi_document());
    &DESCRIPTION.get_or_init(read).operations
}

/// All commands of the table.
pub fn commands() -> Vec<Command> {
    below(&operations().iter().collect::<Vec<_>>(), 0)
}

/// The commands of operations that share so many words.
fn below(operations: &[&'static Operation], depth: usize) -> Vec<Command> {
    let mut by_word: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for &operation in operations {
        by_word.entry(&operation.words[depth]).or_default().push(operation);
    }
    let command = |(word, of_word): (&&'static str, &Vec<&'static Operation>)| {
        let is_whole = of_word.iter().any(|operation| operation.words.len() == depth + 1);
        let command = Command::new(*word);
        match is_whole {
            true => options::add(command.about(about(of_word[0])), of_word),
            false => command
                .about(things(of_word))
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommands(below(of_word, depth + 1)),
        }
    };
    by_word.iter().map(command).collect()
}

/// What a command does.
fn about(operation: &Operation) -> String {
    let things = operation.things.to_lowercase();
    match operation.words.last().map(String::as_str) {
        Some("list") => format!("List {things}"),
        Some("show") => format!("Show one of {things}"),
        Some("exists") => format!("Say whether one of {things} is there"),
        _ => operation.description.trim_end_matches('.').to_owned(),
    }
}

/// What the commands of a group are about.
fn things(operations: &[&Operation]) -> String {
    let mut things: Vec<&str> = Vec::new();
    for operation in operations {
        if !things.contains(&operation.things.as_str()) {
            things.push(&operation.things);
        }
    }
    let lower = |at: usize, thing: &str| if at == 0 { thing.to_owned() } else { thing.to_lowercase() };
    things.iter().enumerate().map(|(at, thing)| lower(at, thing)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use isobar_control::table::Command as Typed;

    use super::*;

    fn leaves(command: &Command, before: &str, found: &mut Vec<String>) {
        let words = format!("{before} {}", command.get_name());
        if !command.has_subcommands() {
            found.push(words.trim().to_owned());
        }
        command.get_subcommands().for_each(|below| leaves(below, &words, found));
    }

    #[test]
    fn every_operation_has_a_command_and_every_command_an_operation() {
        let mut found = Vec::new();
        commands().iter().for_each(|command| leaves(command, "", &mut found));
        let typed = isobar_control::operations().filter_map(|operation| match operation.command {
            Typed::Words(words) => Some(words.to_owned()),
            Typed::ForPrograms(_) | Typed::Unsaid => None,
        });
        let typed: BTreeSet<String> = typed.collect();
        assert_eq!(found.len(), typed.len(), "a command is there twice");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), typed);
        assert!(typed.len() > 30, "{typed:?}");
    }

    #[test]
    fn no_command_of_the_table_hides_another_and_all_can_be_built() {
        let command = crate::args::command();
        let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        command.debug_assert();
    }

    #[test]
    fn every_field_of_a_body_has_an_option_unless_its_name_is_taken() {
        for operation in operations() {
            let named = options::fields(operation);
            assert_eq!(named.len(), operation.fields.len(), "{:?}", operation.words);
        }
    }
}
