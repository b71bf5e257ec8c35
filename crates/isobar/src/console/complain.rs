//! Refusals, for people: one line, and one for each detail.

use std::process::ExitCode;

use isobar_remote::{ArmError, RemoteError};

use crate::output;

/// The exit code when something is not there, as az has it.
pub const NOT_THERE: u8 = 3;
/// Details within details are told so deep.
const DEPTH_MAX: usize = 3;

/// Says why something was not done; gives the exit code for it.
pub fn complain(error: &RemoteError) -> ExitCode {
    told(error).iter().for_each(|line| output::complain(line));
    if error.is_not_found() { ExitCode::from(NOT_THERE) } else { ExitCode::FAILURE }
}

fn told(error: &RemoteError) -> Vec<String> {
    let mut lines = vec![on_one_line(&format!("isobar: {error}"))];
    if let Some(said) = error.said() {
        details(said, 1, &mut lines);
    }
    lines
}

fn details(error: &ArmError, depth: usize, lines: &mut Vec<String>) {
    for detail in error.details().iter().filter(|_| depth <= DEPTH_MAX) {
        // Most messages name what they are about.
        let target = detail.target().filter(|target| !detail.message().contains(target));
        let target = target.map(|target| format!("{target}: ")).unwrap_or_default();
        lines.push(on_one_line(&format!("{}{target}{}", "  ".repeat(depth), detail.message())));
        details(detail, depth + 1, lines);
    }
}

/// A text that a terminal shows as it is, in one line.
pub fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same of a text that has lines of its own: a file, or a page.
pub fn lines(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !"\n\t".contains(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_detail_has_its_line_and_nothing_moves_the_cursor() {
        let detail = |target: &str, message: &str| ArmError::new(400, "Wrong", message).with_target(target);
        let error = ArmError::new(400, "InvalidRequestContent", "Two fields are wrong.").with_details(vec![
            detail("sku", "There is none.\u{1b}[2J"),
            detail("nodeCount", "nodeCount is 3 to 64."),
        ]);
        let lines = told(&RemoteError::Refused { status: 400, error: Box::new(error) });
        assert_eq!(lines[0], "isobar: InvalidRequestContent: Two fields are wrong.");
        assert!(lines[1].starts_with("  sku: There is none."), "{lines:?}");
        assert_eq!(lines[2], "  nodeCount is 3 to 64.");
        assert!(lines.iter().all(|line| line.chars().all(|c| !c.is_control())));
        let text = super::lines("a\tb\r\n\u{1b}[2J\u{9b}2J\u{8}c\n");
        assert_eq!(text, "a\tb \n [2J 2J c\n");
    }
}
