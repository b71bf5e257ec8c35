//! The help of the program: its commands in groups.

use clap::Command;

/// What stands above each group, and the commands of it. Those that are in none are of the control plane.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Clusters of this machine", &["demo", "dev"]),
    ("Clusters", &["init", "credentials", "node", "mount", "status", "fsck"]),
    ("Sizing, measuring, proving", &["plan", "bench", "validate"]),
    ("This program", &["completion", "help"]),
];
/// Above those of the control plane.
const CONTROL: &str = "Control plane";
/// Those of the control plane that come first; the others follow by name.
const CONTROL_FIRST: [&str; 5] = ["control", "login", "logout", "account", "api"];
/// The longest that is said about a command.
const ABOUT_CHARS_MAX: usize = 64;

const TEMPLATE: &str =
    "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}Options:\n{options}{after-help}";

/// Gives the program's help its groups.
pub fn in_groups(command: Command) -> Command {
    let text = text(&command);
    command.help_template(TEMPLATE).before_help(text)
}

fn text(command: &Command) -> String {
    let mut text = String::new();
    let of = |name: &str| command.find_subcommand(name).filter(|of| !of.is_hide_set());
    let in_groups: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let mut control: Vec<&str> = CONTROL_FIRST.to_vec();
    let others = command.get_subcommands().map(Command::get_name);
    control.extend(others.filter(|name| !in_groups.contains(name) && !CONTROL_FIRST.contains(name)));
    let (last, first) = (GROUPS.len() - 1, GROUPS.iter());
    let mut groups: Vec<(&str, &[&str])> = first.copied().collect();
    groups.insert(last, (CONTROL, &control));
    for (heading, names) in groups {
        text += &format!("{heading}:\n");
        for name in names {
            let about = match (*name, of(name)) {
                ("help", _) => "Say more about a command".to_owned(),
                (_, Some(of)) => of.get_about().map(ToString::to_string).unwrap_or_default(),
                (_, None) => continue,
            };
            let about = short(&about);
            text += &format!("  {name:<14}{about}\n");
        }
        text.push('\n');
    }
    // The template ends the last line.
    text.trim_end().to_owned()
}

/// As much of a sentence as fits, up to where it pauses.
fn short(about: &str) -> &str {
    let pauses = about.match_indices([',', ';', ':']).map(|(at, _)| at).chain([about.len()]);
    let last = pauses.rev().find(|at| about[..*at].chars().count() <= ABOUT_CHARS_MAX);
    last.map_or(about, |at| &about[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(command: &Command, found: &mut Vec<Command>) {
        found.push(command.clone());
        command.get_subcommands().for_each(|below| all(below, found));
    }

    #[test]
    fn the_help_of_every_command_fits_the_terminal_and_says_what_it_does() {
        let mut found = Vec::new();
        all(&crate::args::command(), &mut found);
        for mut command in found {
            assert!(command.get_about().is_some_and(|about| !about.to_string().is_empty()), "{command:?}");
            let name = command.get_name().to_owned();
            for columns in [80, 100] {
                let help = command.clone().term_width(columns).render_long_help().to_string();
                // Examples are lines to be copied; they stand last.
                let help = help.split("Examples:").next().unwrap_or_default();
                // A word that is longer than half of a line stays whole, and so does a usage.
                let is_whole = |line: &str| {
                    ["Usage:", "[possible values"].iter().any(|word| line.contains(word))
                        || line.split(' ').any(|word| word.len() > columns / 2)
                };
                let is_wide = |line: &&str| line.chars().count() > columns && !is_whole(line);
                let wide: Vec<&str> = help.lines().filter(is_wide).collect();
                assert!(wide.is_empty(), "{name} in {columns} columns: {wide:#?}");
            }
            for argument in command.clone().get_arguments().filter(|argument| !argument.is_hide_set()) {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "isobar … {name}: nothing is said about {}", argument.get_id());
            }
            command.build();
        }
    }

    #[test]
    fn every_command_is_in_one_group_of_the_help() {
        let mut command = crate::args::command();
        let help = command.render_help().to_string();
        for name in command.get_subcommands().filter(|of| !of.is_hide_set()).map(Command::get_name) {
            let lines = help.lines().filter(|line| line.split_whitespace().next() == Some(name));
            let count = lines.filter(|line| line.starts_with("  ")).count();
            assert_eq!(count, 1, "{name} in\n{help}");
        }
        assert!(help.lines().count() < 70, "{help}");
    }
}
