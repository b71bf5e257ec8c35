//! Patterns of names, in the part of regular expressions that ARM's documents have for names.
//!
//! ```text
//! pattern = "^" { one [ "{n}" | "{n,}" | "{n,m}" | "?" | "*" | "+" ] } "$"
//! one     = a character, "\" and a character, "[" or "[^" and characters or ranges and "]"
//! ```
//! There are no alternatives and no groups. The same text is checked here and published in the API's
//! description, so the two cannot differ; a constant whose text is no pattern does not compile. Comparing
//! takes time that is bounded by the product of the lengths: all places that may have been reached are known
//! at once, and nothing is tried twice.

use std::fmt;

use crate::limits::PATTERN_CHARS_MAX;

/// A pattern of names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pattern(&'static str);

/// One element of a pattern.
struct Element {
    /// Where the characters that fit are listed: a range of bytes of the text.
    class: (usize, usize),
    /// Whether the others fit.
    negated: bool,
    min: u16,
    max: u16,
    /// Where the next element begins.
    next: usize,
}

impl Pattern {
    /// A pattern, for constants.
    ///
    /// # Panics
    /// The text is no pattern; in a constant that is an error of the compiler.
    pub const fn new(text: &'static str) -> Pattern {
        let bytes = text.as_bytes();
        let len = bytes.len();
        assert!(text.is_ascii(), "a pattern is ASCII");
        assert!(len >= 2 && bytes[0] == b'^' && bytes[len - 1] == b'$', "a pattern stands between ^ and $");
        let mut at = 1;
        while at < len - 1 {
            let element = element(bytes, at);
            assert!(element.min <= element.max, "a range of repetitions that begins above its end");
            at = element.next;
        }
        assert!(at == len - 1, "the $ belongs to something else");
        Pattern(text)
    }

    /// The text, for descriptions of the API.
    pub fn text(self) -> &'static str {
        self.0
    }

    /// Whether all of a value fits.
    pub fn fits(self, value: &str) -> bool {
        let pattern = self.0.as_bytes();
        let chars: Vec<char> = value.chars().take(PATTERN_CHARS_MAX + 1).collect();
        if chars.len() > PATTERN_CHARS_MAX {
            return false;
        }
        let mut reached = vec![false; chars.len() + 1];
        reached[0] = true;
        let mut at = 1;
        while at < pattern.len() - 1 {
            let element = element(pattern, at);
            let mut next = vec![false; chars.len() + 1];
            for from in (0..reached.len()).filter(|from| reached[*from]) {
                let fitting = chars[from..].iter().take(element.max.into());
                let run = fitting.take_while(|c| element.has(pattern, **c)).count();
                if run >= element.min.into() {
                    next[from + usize::from(element.min)..=from + run].fill(true);
                }
            }
            reached = next;
            at = element.next;
        }
        reached[chars.len()]
    }
}

impl Element {
    fn has(&self, pattern: &[u8], c: char) -> bool {
        let class = &pattern[self.class.0..self.class.1];
        let mut at = 0;
        while at < class.len() {
            at += usize::from(class[at] == b'\\');
            let first = char::from(class[at]);
            // A hyphen at the end means itself.
            let last = match class.get(at + 1..at + 3) {
                Some([b'-', last]) if *last != b'\\' => char::from(*last),
                _ => first,
            };
            if (first..=last).contains(&c) {
                return !self.negated;
            }
            at += if first == last { 1 } else { 3 };
        }
        self.negated
    }
}

/// The element that begins at `at`.
const fn element(text: &[u8], at: usize) -> Element {
    let (class, negated, next) = match text[at] {
        b'[' => {
            let negated = text[at + 1] == b'^';
            let begin = if negated { at + 2 } else { at + 1 };
            let mut end = begin;
            while text[end] != b']' {
                end += if text[end] == b'\\' { 2 } else { 1 };
                assert!(end < text.len(), "a [ without its ]");
            }
            assert!(end > begin, "no characters between [ and ]");
            ((begin, end), negated, end + 1)
        }
        b'\\' => ((at + 1, at + 2), false, at + 2),
        b'^' | b'$' | b'.' | b'(' | b')' | b'|' | b'{' | b'}' | b'?' | b'*' | b'+' | b']' => {
            panic!("a character that means something: write it with a backslash")
        }
        _ => ((at, at + 1), false, at + 1),
    };
    assert!(next < text.len(), "a pattern ends with $");
    let (min, max, next) = match text[next] {
        b'?' => (0, 1, next + 1),
        b'*' => (0, u16::MAX, next + 1),
        b'+' => (1, u16::MAX, next + 1),
        b'{' => {
            let (min, at) = number(text, next + 1);
            let (max, at) = match (text[at], text[at + 1]) {
                (b',', b'}') => (u16::MAX, at + 1),
                (b',', _) => number(text, at + 1),
                _ => (min, at),
            };
            assert!(text[at] == b'}', "a brace without its end");
            (min, max, at + 1)
        }
        _ => (1, 1, next),
    };
    Element { class, negated, min, max, next }
}

/// The number that begins at `at`, and where it ends.
const fn number(text: &[u8], mut at: usize) -> (u16, usize) {
    assert!(text[at].is_ascii_digit(), "a number has to follow a brace");
    let mut number = 0;
    while text[at].is_ascii_digit() {
        number = number * 10 + (text[at] - b'0') as u16;
        at += 1;
    }
    (number, at)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;

    use super::*;

    const PATTERNS: [Pattern; 9] = [
        Pattern::new("^[a-z][a-z0-9-]{1,61}[a-z0-9]$"),
        Pattern::new(r"^[\-A-Za-z0-9_\.()]{1,64}$"),
        Pattern::new("^a?b*c+d{3}e{2,}$"),
        Pattern::new(r"^[^/\\\]]+$"),
        Pattern::new("^$"),
        Pattern::new("^[0-9a-f]{8}-[0-9a-f]{4}$"),
        Pattern::new("^a*a*a*a*a*a*a*a*b$"),
        Pattern::new(r"^x[a\-c]?y$"),
        Pattern::new(r"^\$\.$"),
    ];

    fn fits(pattern: &'static str, value: &str) -> bool {
        Pattern::new(pattern).fits(value)
    }

    #[test]
    fn the_whole_value_has_to_fit() {
        let name = "^[a-z][a-z0-9-]{1,3}[a-z0-9]$";
        for good in ["abc", "a-c", "ab-c9", "a1234"] {
            assert!(fits(name, good), "{good}");
        }
        for bad in ["", "ab", "Abc", "1bc", "abc-", "ab_c", "abcdef", "abc\n", "abé", " abc"] {
            assert!(!fits(name, bad), "{bad}");
        }
    }

    #[test]
    fn elements_repeat_as_often_as_they_say() {
        let all = "^a?b*c+d{3}e{2,}$";
        for good in ["abbccdddee", "cdddeee", "acdddee", "bcdddee"] {
            assert!(fits(all, good), "{good}");
        }
        for bad in ["aacdddee", "adddee", "cddee", "cddddee", "cddde"] {
            assert!(!fits(all, bad), "{bad}");
        }
        assert!(fits("^$", "") && !fits("^$", "a"));
    }

    #[test]
    fn classes_have_ranges_escapes_and_hyphens() {
        assert!(fits(r"^[a\-c]$", "-") && fits(r"^[a\-c]$", "c") && !fits(r"^[a\-c]$", "b"));
        assert!(fits("^[a-]$", "-") && fits("^[-a]$", "-") && !fits("^[-a]$", "b"));
        assert!(fits(r"^[^/\]]$", "é") && !fits(r"^[^/\]]$", "/") && !fits(r"^[^/\]]$", "]"));
        assert!(fits(r"^[.()]+$", "(.)") && fits(r"^\.$", ".") && !fits(r"^\.$", "x"));
    }

    #[test]
    fn a_pattern_with_many_ways_takes_no_longer() {
        let pattern = Pattern::new("^a*a*a*a*a*a*a*a*b$");
        assert!(!pattern.fits(&"a".repeat(PATTERN_CHARS_MAX)));
        assert!(pattern.fits(&("a".repeat(PATTERN_CHARS_MAX - 1) + "b")));
        assert!(!Pattern::new("^a+$").fits(&"a".repeat(PATTERN_CHARS_MAX + 1)), "too long to look at");
    }

    #[test]
    fn a_text_that_is_no_pattern_is_refused_where_it_is_made() {
        let wrong = [
            "", "a", "^a", "a$", "^[a$", "^[]$", "^a{$", "^a{1$", "^a{3,1}$", "^a{x}$", "^(a)$", "^a|b$",
            "^.$", "^é$", r"^a\$", "^a{1,$", "^*$", "^[a\\]$",
        ];
        for text in wrong {
            assert!(std::panic::catch_unwind(|| Pattern::new(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_is_shown_as_it_was_written() {
        assert_eq!(PATTERNS[7].to_string(), r"^x[a\-c]?y$");
        assert_eq!((PATTERNS[4].text(), format!("{:?}", PATTERNS[4])), ("^$", "Pattern(\"^$\")".to_owned()));
    }

    proptest! {
        #[test]
        fn whatever_a_real_engine_makes_of_a_pattern_fits_it(
            (pattern, value) in proptest::sample::select(&PATTERNS[..]).prop_flat_map(|pattern| {
                // The whole value is made, so that the anchors say nothing.
                let between = &pattern.text()[1..pattern.text().len() - 1];
                let values = string_regex(between).expect("a regular expression");
                (Just(pattern), values)
            })
        ) {
            prop_assert!(pattern.fits(&value), "{pattern} {value:?}");
        }

        #[test]
        fn no_value_makes_it_panic(value in "\\PC{0,40}", at in 0..PATTERNS.len()) {
            let _ = PATTERNS[at].fits(&value);
        }
    }
}
