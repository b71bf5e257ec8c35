//! Text that fits a terminal: tables whose cells are broken at blanks, sentences with a hanging indent. Words
//! longer than there is room for stay whole.

/// Between two columns.
const GAP: usize = 2;
/// Text in lines after the first is so far to the right.
const HANG: usize = 2;
/// A column of text is not made narrower than this.
const COLUMN_MIN: usize = 6;

/// Breaks a text at blanks into lines of at most `width` characters.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    // Several blanks in a row are the text's own layout: they stay, unless a line is broken there.
    for word in text.split_inclusive(' ') {
        let bare = word.trim_end().chars().count();
        if used > 0 && used + bare > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
        used += word.chars().count();
    }
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
    lines
}

/// A sentence: lines after the first are indented. What it begins with in blanks, all lines begin with.
pub fn sentence(text: &str, width: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start().len();
    labelled(&text[..indent], text.trim_start(), HANG, width)
}

/// A text behind a label, whose further lines begin `hang` characters after the label's indent.
pub fn labelled(label: &str, text: &str, hang: usize, width: usize) -> Vec<String> {
    let first = label.chars().count();
    let indent = label.len() - label.trim_start().len();
    let hang = if label.trim().is_empty() { indent + hang } else { hang };
    // The first line is filled up with what stands before it.
    let filled = format!("{}{text}", "\u{0}".repeat(first.saturating_sub(hang)));
    let lines = wrap(&filled, width.saturating_sub(hang).max(COLUMN_MIN));
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim_start_matches('\u{0}');
        all.push(if at == 0 { format!("{label}{line}") } else { format!("{}{line}", " ".repeat(hang)) });
    }
    all
}

/// Rows in columns; the first row is the heading. Numbers go to the right.
pub fn table(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let widths = column_widths(rows, width);
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<Vec<String>> =
            row.iter().zip(&widths).map(|(cell, width)| wrap(cell, *width)).collect();
        for part in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for (c, cell) in cells.iter().enumerate() {
                let text = cell.get(part).map_or("", String::as_str);
                let pad = " ".repeat(widths[c].saturating_sub(text.chars().count()));
                let right = at > 0 && is_number(&row[c]);
                line += &if right { format!("{pad}{text}  ") } else { format!("{text}{pad}  ") };
            }
            lines.push(line.trim_end().to_owned());
        }
        if at == 0 && rows.len() > 1 {
            lines.push("-".repeat(total(&widths).min(width)));
        }
    }
    lines
}

fn is_number(cell: &str) -> bool {
    cell.starts_with(|ch: char| ch.is_ascii_digit()) && cell.len() < 16
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn longest_word(cell: &str) -> usize {
    cell.split(' ').map(|word| word.chars().count()).max().unwrap_or(0)
}

fn longest_whole(cell: &str) -> usize {
    if is_number(cell) { cell.chars().count() } else { longest_word(cell) }
}

/// As wide as the longest cells, or narrower, the widest first, until all fit or none can give.
fn column_widths(rows: &[Vec<String>], width: usize) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let longest = |c: usize, measure: fn(&str) -> usize| {
        rows.iter().filter_map(|r| r.get(c)).map(|cell| measure(cell)).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns).map(|c| longest(c, |cell| cell.chars().count())).collect();
    // A number keeps its unit beside it as long as text can give way.
    for measure in [longest_whole as fn(&str) -> usize, longest_word] {
        let least: Vec<usize> =
            (0..columns).map(|c| longest(c, measure).max(COLUMN_MIN).min(widths[c])).collect();
        while total(&widths) > width {
            let gives = (0..columns).filter(|&c| widths[c] > least[c]).max_by_key(|&c| widths[c]);
            let Some(c) = gives else { break };
            widths[c] -= 1;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn a_table_fits_the_width_and_loses_no_word() {
        let long =
            "223 files written and fsynced, 91 of them after both deaths; longest pause 0.7 s; 0 errors";
        let table_of = rows(&[
            &["promised", "", "what happened"],
            &["writing goes on with two nodes dead", "kept", long],
            &["nothing that was fsynced is lost", "BROKEN", "short"],
        ]);
        for width in [80, 100] {
            let lines = table(&table_of, width);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:#?}");
            assert!(lines.len() > 4, "{lines:#?}");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let mut said = words(&lines.join(" "));
            said.sort();
            for word in words(long) {
                assert!(said.contains(&word), "{word} in {lines:#?}");
            }
        }
        let wide = table(&table_of, 200);
        assert_eq!(wide.len(), 4, "what fits is not broken");
    }

    #[test]
    fn numbers_stand_to_the_right_and_words_that_are_too_long_stay_whole() {
        let path = "/".repeat(90);
        let lines = table(&rows(&[&["name", "size"], &[&path, "5"], &["b", "1234"]]), 80);
        assert_eq!(lines[2], format!("{path}     5"));
        assert!(lines[3].ends_with("  1234"));
        assert_eq!(lines[1].len(), 80, "the rule fits");
    }

    #[test]
    fn a_sentence_has_a_hanging_indent() {
        let text = "attention: n1 does not answer: start it";
        assert_eq!(sentence(text, 24), ["attention: n1 does not", "  answer: start it"]);
        assert_eq!(sentence(text, 100), [text]);
        let label = labelled("limited by   ", "network in 339 nodes of the zone", 13, 32);
        assert_eq!(label, ["limited by   network in 339", "             nodes of the zone"]);
        assert_eq!(wrap("a  b", 80), ["a  b"], "blanks in a row are kept");
    }
}
