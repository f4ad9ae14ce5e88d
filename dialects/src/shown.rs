//! Texts of a file's making as people may see them. Names of nodes and arrays are whatever a file holds: some characters
//! would act on the terminal or on the order of the text instead of being shown, and lists have no end.

use std::borrow::Cow;

/// Names that a list shows.
const MOST: usize = 10;

/// A text within a line: control characters, line breaks and what turns the direction of a text are written as escapes
/// (`\n`, `\u{1b}`).
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c).then(|| c.escape_default().collect()))
}

/// As [`shown`], for a text whose lines and columns are meant.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| (acts(c) && !matches!(c, '\n' | '\t')).then(|| c.escape_default().collect()))
}

/// JSON that says the same and can be shown: such characters are within its strings.
pub fn shown_json(json: &str) -> Cow<'_, str> {
    escaped(json, |c| (acts(c) && c != '\n').then(|| format!("\\u{:04x}", u32::from(c))))
}

fn escaped(text: &str, escape: impl Fn(char) -> Option<String>) -> Cow<'_, str> {
    if !text.contains(acts) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match escape(c) {
            Some(escape) => escaped.push_str(&escape),
            None => escaped.push(c),
        }
    }
    escaped.into()
}

/// Whether a character does something instead of being seen: Unicode's control characters (C0, DEL, C1), its line and
/// paragraph separators, and the marks of its bidirectional algorithm (UAX #9).
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Names for a message; long lists are cut.
pub fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let mut names = names.into_iter();
    let first: Vec<S> = names.by_ref().take(MOST).collect();
    let first = first.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    match names.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A text of at most about `most` characters: its beginning and its end.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let at = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
    let (head, tail) = (at(most * 3 / 4), at(count - most / 4));
    format!("{} [… {} characters …] {}", &text[..head], count - most * 3 / 4 - most / 4, &text[tail..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_is_escaped_and_all_else_is_kept() {
        assert_eq!(shown("ünï 数 \"q\" \\ lif"), "ünï 数 \"q\" \\ lif");
        assert_eq!(shown("a\x1b[31m\x07\r\n\u{9b}b\u{202e}c\u{2066}"), r"a\u{1b}[31m\u{7}\r\n\u{9b}b\u{202e}c\u{2066}");
        assert_eq!(shown_lines("a\tb\n\x1b"), "a\tb\n\\u{1b}");
    }

    #[test]
    fn json_stays_exact() {
        assert_eq!(shown_json("{\n\"a\": \"\u{7f}\u{9b}\u{202e}ü\"}"), "{\n\"a\": \"\\u007f\\u009b\\u202eü\"}");
    }

    #[test]
    fn lists_and_texts_have_an_end() {
        assert_eq!(list(["a", "b"]), "a, b");
        assert!(list((0..100_000).map(|n| n.to_string())).ends_with("8, 9 and 99990 more"));
        assert_eq!(cut("ünï", 3), "ünï");
        let long = "ü".repeat(1000);
        assert_eq!(cut(&long, 100), format!("{} [… 900 characters …] {}", "ü".repeat(75), "ü".repeat(25)));
    }
}
