//! The few lines around a place. Lines of dumps can be megabytes long, so that only a piece of each is kept; positions
//! are still reported as they are in the whole file.

use codespan_reporting::files::{self, Files};
use s2c_dialects::shown::{acts, shown};
use s2c_nir::Listing;
use std::ops::Range;

/// Characters to the left and right of a place that are shown of a long line.
const AROUND: usize = 50;

/// Neighbours of a node that are shown.
const NEIGHBOURS: usize = 5;

/// Lines of a text, with the ranges to underline.
#[derive(Clone, Debug, Default)]
pub(super) struct Excerpt {
    name: String,
    /// The lines that are shown, and for each its number in the file.
    source: String,
    numbers: Vec<usize>,
    /// Columns cut off in front of the primary line.
    cut: usize,
    /// What is at fault.
    pub(super) primary: Option<Range<usize>>,
    /// What has to do with it.
    pub(super) secondary: Vec<Range<usize>>,
}

impl Excerpt {
    /// The place at a 1-based line and column (in bytes): the word that begins there.
    pub(super) fn of_text(name: &str, source: &str, line: usize, column: usize) -> Option<Self> {
        let text = &masked(source.lines().nth(line.checked_sub(1)?)?);
        let at = floor(text, column.saturating_sub(1).min(text.len()));
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '=' | ':');
        let word = text[at..].find(|c| !is_word(c)).unwrap_or(text.len() - at);
        let end = at + word.max(text[at..].chars().next().map_or(0, char::len_utf8));
        let (from, to) =
            (floor(text, at.saturating_sub(AROUND)), floor(text, (end.min(at + AROUND) + AROUND).min(text.len())));
        let mark = if from > 0 { "… " } else { "" };
        let rest = if to < text.len() { " …" } else { "" };
        let start = mark.len() + at - from;
        Some(Self {
            name: shown(name).into_owned(),
            source: format!("{mark}{}{rest}\n", &text[from..to]),
            numbers: vec![line],
            cut: text[..from].chars().count().saturating_sub(mark.chars().count()),
            primary: Some(start..start + (end.min(to) - at)),
            secondary: Vec::new(),
        })
    }

    /// The first operation of a dump whose location names the node.
    pub(super) fn of_dump(name: &str, source: &str, node: &str) -> Option<Self> {
        let location = format!("loc({node:?}");
        let direct = |line: &&str| line.contains(&location) && !line.starts_with('#');
        let alias = source.lines().find(|line| line.starts_with("#loc") && line.contains(&location));
        let alias = alias.and_then(|line| Some(format!("loc({})", line.split_once(" = ")?.0)));
        let names = |line: &&str| direct(line) || alias.as_ref().is_some_and(|alias| line.contains(alias));
        let last = source.lines().position(|line| names(&line))?;
        // An operation of several lines has its location behind the last one.
        let begins = |line: &str| line.split_whitespace().next().is_some_and(|word| word.contains(['%', '.']));
        let (number, line) = source.lines().enumerate().take(last + 1).filter(|(_, line)| begins(line)).last()?;
        Self::of_text(name, source, number + 1, line.len() - line.trim_start().len() + 1)
    }

    /// A node in a model's listing, with its neighbours.
    pub(super) fn of_listing(name: &str, listing: &Listing, node: &str) -> Option<Self> {
        let index = listing.find(node)?;
        let mut excerpt = Self { name: shown(name).into_owned(), ..Self::default() };
        let mut neighbours = listing.neighbours(index);
        neighbours.truncate(NEIGHBOURS);
        for (number, line) in listing.lines().enumerate() {
            if number != index && !neighbours.contains(&number) {
                continue;
            }
            let name = excerpt.source.len()..excerpt.source.len() + listing.name(number).len();
            if number == index {
                excerpt.primary = Some(name);
            } else {
                excerpt.secondary.push(name);
            }
            excerpt.numbers.push(number + 1);
            excerpt.source.push_str(&line);
            excerpt.source.push('\n');
        }
        Some(excerpt)
    }
}

/// A line with something of the same size for each character that would act on the terminal.
fn masked(line: &str) -> String {
    let stand_in = |c: char| match c.len_utf8() {
        _ if !acts(c) => c,
        1 => '?',
        2 => '·',
        _ => char::REPLACEMENT_CHARACTER,
    };
    line.chars().map(stand_in).collect()
}

/// The largest position up to `at` at which a character begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

impl<'a> Files<'a> for Excerpt {
    type FileId = ();
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, (): ()) -> Result<&'a str, files::Error> {
        Ok(&self.name)
    }

    fn source(&'a self, (): ()) -> Result<&'a str, files::Error> {
        Ok(&self.source)
    }

    fn line_index(&'a self, (): (), byte: usize) -> Result<usize, files::Error> {
        Ok(self.source[..floor(&self.source, byte.min(self.source.len()))].matches('\n').count())
    }

    fn line_number(&'a self, (): (), index: usize) -> Result<usize, files::Error> {
        Ok(self.numbers.get(index).or(self.numbers.last()).copied().unwrap_or(1))
    }

    fn column_number(&'a self, (): (), line: usize, byte: usize) -> Result<usize, files::Error> {
        let range = self.line_range((), line)?;
        Ok(self.cut + self.source[range.start..byte.max(range.start)].chars().count() + 1)
    }

    fn line_range(&'a self, (): (), line: usize) -> Result<Range<usize>, files::Error> {
        let mut ends = self.source.match_indices('\n').map(|(at, _)| at + 1);
        let start = match line {
            0 => 0,
            _ => ends.nth(line - 1).unwrap_or(self.source.len()),
        };
        Ok(start..ends.next().unwrap_or(self.source.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_and_its_column_kept() {
        let line = format!("{}wrong{}", "a ".repeat(1000), " b".repeat(1000));
        let excerpt = Excerpt::of_text("f", &line, 1, 2001).unwrap();
        assert!(excerpt.source.len() < 200, "{}", excerpt.source);
        let primary = excerpt.primary.clone().unwrap();
        assert_eq!(&excerpt.source[primary.clone()], "wrong");
        assert_eq!(excerpt.column_number((), 0, primary.start).unwrap(), 2001);
    }

    #[test]
    fn a_column_inside_a_character_is_no_panic() {
        for column in 0..12 {
            assert!(Excerpt::of_text("f", "µµµ\n", 1, column).is_some());
        }
        assert!(Excerpt::of_text("f", "", 1, 1).is_none());
    }

    #[test]
    fn an_operation_is_found_by_the_node_in_its_location() {
        let dump = "a\n  %0 = snn.lif %1 loc(#loc2)\n#loc2 = loc(\"hidden\"(#loc1))\n";
        let excerpt = Excerpt::of_dump("f", dump, "hidden").unwrap();
        assert_eq!((excerpt.numbers[0], excerpt.cut), (2, 0));
        assert!(Excerpt::of_dump("f", dump, "other").is_none());
        let dump = "  %0 = snn.neuron %1\n    membrane loc(\"hidden\")\n";
        assert_eq!(Excerpt::of_dump("f", dump, "hidden").unwrap().numbers[0], 1);
    }
}
