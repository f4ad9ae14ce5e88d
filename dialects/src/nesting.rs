//! How deep a text of MLIR is nested. Its parser, verifier and printer call themselves for every level, so that a text can
//! be deep enough to exhaust the stack; a dump of `s2c` has about ten levels.

use std::collections::HashMap;

/// Levels that a text may have.
const DEEPEST: usize = 100;

/// Where a text becomes too deep, as a byte, with what is wrong.
pub(crate) fn check(text: &str) -> Result<(), (usize, &'static str)> {
    let mut scan = Scan::default();
    let mut at = 0;
    while at < text.len() {
        let end = token(text, at);
        scan.take(&text[at..end], &text[end..]).map_err(|what| (at, what))?;
        at = end;
    }
    Ok(())
}

/// The end of a token: a string, a comment, a name, or a single character.
fn token(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let until = |stop: &dyn Fn(char) -> bool| rest[first..].find(stop).map_or(rest.len(), |end| first + end);
    let length = match rest.as_bytes()[0] {
        b'"' => {
            let mut escaped = false;
            let end = rest[1..].bytes().position(|byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        }
        b'/' if rest.starts_with("//") => until(&|c| c == '\n'),
        b'#' | b'!' | b'_' | b'a'..=b'z' | b'A'..=b'Z' => until(&|c| !(c.is_ascii_alphanumeric() || "_.$".contains(c))),
        // Arrows and shifts are no brackets.
        b'-' if rest.starts_with("->") => 2,
        b'<' if rest.starts_with("<<") => 2,
        _ => first,
    };
    at + length
}

#[derive(Default)]
struct Scan<'t> {
    brackets: usize,
    angles: usize,
    /// Levels of what a name of an attribute or a type (`#loc1`) stands for.
    aliases: HashMap<&'t str, usize>,
    /// The name that is being defined, and its levels so far.
    defined: Option<(&'t str, usize)>,
}

impl<'t> Scan<'t> {
    fn take(&mut self, token: &'t str, rest: &str) -> Result<(), &'static str> {
        let mut inner = 0;
        match token.as_bytes()[0] {
            b'(' | b'[' | b'{' => self.brackets += 1,
            b')' | b']' | b'}' => self.brackets = self.brackets.saturating_sub(1),
            b'<' if token == "<" => self.angles += 1,
            b'>' => self.angles = self.angles.saturating_sub(1),
            b'#' | b'!' if self.brackets == 0 && rest.trim_start_matches(' ').starts_with('=') => {
                self.aliases.extend(self.defined.replace((token, 0)));
            }
            b'#' | b'!' => inner = self.aliases.get(token).copied().unwrap_or(0) + 1,
            // Their operators nest without brackets; no dialect of ours has them.
            b'a' if token == "affine_map" || token == "affine_set" => return Err("affine maps are not allowed"),
            _ => return Ok(()),
        }
        let levels = self.brackets + self.angles + inner;
        if let Some((_, most)) = &mut self.defined {
            *most = levels.max(*most);
        }
        if levels > DEEPEST { Err("the text is nested too deeply") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_is_no_level_does_not_count() {
        let dump = "  current decay dense<1> : tensor<2xi64> >> 4 bytes << 8 -> tensor<2xi1> loc(#loc1) // (((\n";
        let text = format!("#loc = loc(\"[[[[\\\"[[[\")\n{}#loc1 = loc(\"a\"(#loc))\n", dump.repeat(1000));
        assert_eq!(check(&text), Ok(()));
    }

    #[test]
    fn every_way_down_is_found() {
        let open = |bracket: &str| format!("module {{ {}", bracket.repeat(200));
        let chain: String = (1..200).map(|n| format!("#a{n} = [#a{}]\n", n - 1)).collect();
        let types: String = (1..200).map(|n| format!("!t{n} = tuple<!t{}>\n", n - 1)).collect();
        for text in [open("("), open("["), open("{ "), open("tuple<"), open("x ([<"), chain, types, open("affine_map ")]
        {
            assert!(check(&text).is_err(), "{}", &text[..50]);
        }
    }
}
