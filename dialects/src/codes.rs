//! The table of all diagnostic codes, each with a page of explanation.
//!
//! The table is `codes.md`, a section per code in alphabetical order. A diagnostic with a new code needs a new
//! section there; a test finds those without one, and sections that nothing uses.

/// A code with its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable kebab-case name, as in `error[NAME]`.
    pub name: &'static str,
    /// What was found and what to do about it, as Markdown paragraphs.
    pub page: &'static str,
}

impl Code {
    /// The first sentence of the page.
    pub fn summary(&self) -> &'static str {
        let end = self.page.find(". ").or_else(|| self.page.find(".\n")).map_or(self.page.len(), |at| at + 1);
        &self.page[..end]
    }
}

/// All codes in alphabetical order.
pub fn all() -> impl Iterator<Item = Code> {
    include_str!("codes.md").split("\n## ").skip(1).filter_map(|section| {
        let (name, page) = section.split_once('\n')?;
        Some(Code { name: name.trim(), page: page.trim() })
    })
}

/// The code of a name.
pub fn find(name: &str) -> Option<Code> {
    all().find(|code| code.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_page_says_what_to_do() {
        let codes: Vec<Code> = all().collect();
        assert!(codes.len() > 50);
        for pair in codes.windows(2) {
            assert!(pair[0].name < pair[1].name, "`{}` stands before `{}`", pair[0].name, pair[1].name);
        }
        for code in codes {
            assert!(code.page.split("\n\n").count() >= 2, "`{}` says what happened but not what to do", code.name);
            assert!(code.summary().ends_with('.'), "`{}` does not begin with a sentence", code.name);
        }
    }
}
