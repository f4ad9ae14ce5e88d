//! The header of `.npy`: a magic number, a version, and a Python dictionary of three entries.
//!
//! The dictionary is scanned here, in one pass without recursion, so that damaged headers can do no harm; the crates
//! for `.npy` parse it as a general Python literal and multiply its sizes unchecked.

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Type of the elements in NumPy's notation: `<f4`.
    pub(super) descr: String,
    /// Whether the first axis varies fastest.
    pub(super) fortran: bool,
    /// Sizes of the axes.
    pub(super) shape: Vec<usize>,
}

/// Axes that an array of NumPy may have (`NPY_MAXDIMS` of release 2).
const MOST_AXES: usize = 64;
/// Multiples of this are where the data begins.
const ALIGNMENT: usize = 64;
const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads a header and gives the bytes after it. The error says in a sentence what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<(Header, &[u8]), String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("It does not begin with the magic number of NumPy.")?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or("It ends within the header.")?;
    let (length, rest) = match version {
        [1, _] => rest.split_first_chunk().map(|(length, rest)| (u32::from(u16::from_le_bytes(*length)), rest)),
        [2 | 3, _] => rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length), rest)),
        [major, minor] => return Err(format!("Version {major}.{minor} of the format is not known.")),
    }
    .ok_or("It ends within the header.")?;
    let length = usize::try_from(length).map_err(|_| "The header is too long.")?;
    let (text, data) = rest.split_at_checked(length).ok_or("It ends within the header.")?;
    let text = std::str::from_utf8(text).map_err(|_| "The header is not text.")?;
    let header = dictionary(text).ok_or_else(|| format!("The header `{}` is not understood.", text.trim_end()))?;
    if header.shape.len() > MOST_AXES {
        return Err(format!("It has {} axes, NumPy at most {MOST_AXES}.", header.shape.len()));
    }
    Ok((header, data))
}

/// The three entries of `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, in any order.
fn dictionary(text: &str) -> Option<Header> {
    let mut rest = text.trim().strip_prefix('{')?.trim_start();
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    while !rest.starts_with('}') {
        let (key, after) = quoted(rest)?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" => {
                let (text, after) = quoted(value)?;
                descr = Some(text.to_owned());
                after
            }
            "fortran_order" => {
                let (truth, after) = match value.strip_prefix("True") {
                    Some(after) => (true, after),
                    None => (false, value.strip_prefix("False")?),
                };
                fortran = Some(truth);
                after
            }
            "shape" => {
                let (sizes, after) = value.strip_prefix('(')?.split_once(')')?;
                let sizes = sizes.trim().trim_end_matches(',');
                let sizes = sizes.split(',').map(str::trim).filter(|size| !sizes.is_empty() || !size.is_empty());
                shape = Some(sizes.map(|size| size.trim_end_matches('L').parse().ok()).collect::<Option<_>>()?);
                after
            }
            _ => return None,
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(Header { descr: descr?, fortran: fortran?, shape: shape? })
}

/// A quoted string without escapes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|&quote| quote == '\'' || quote == '"')?;
    text.strip_prefix(quote)?.split_once(quote)
}

/// The bytes of a header for data in C order, as NumPy writes it.
pub(super) fn format(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<_> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", sizes.join(", "));
    let fixed = MAGIC.len() + 4;
    let padding = (fixed + text.len() + 1).next_multiple_of(ALIGNMENT) - (fixed + text.len() + 1);
    text.extend(std::iter::repeat_n(' ', padding));
    text.push('\n');
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [MAGIC, &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy_are_read() {
        let header = dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (256, 12), }   \n").unwrap();
        assert_eq!(header, Header { descr: "<f4".to_owned(), fortran: false, shape: vec![256, 12] });
        let header = dictionary("{\"shape\":(3L,),'fortran_order':True,'descr':'|u1'}").unwrap();
        assert_eq!(header, Header { descr: "|u1".to_owned(), fortran: true, shape: vec![3] });
        assert_eq!(dictionary("{'descr': '|b1', 'fortran_order': False, 'shape': (), }").unwrap().shape, [0_usize; 0]);
    }

    #[test]
    fn other_headers_are_refused() {
        for text in
            ["", "{", "{'descr': [('a', '<f4')], 'shape': (1,)}", "{'shape': (1, -2)}", "{'shape': (1,,2)}", "((((((("]
        {
            assert_eq!(dictionary(text), None, "{text}");
        }
    }

    #[test]
    fn a_header_reads_back() {
        for shape in [&[][..], &[7], &[2, 3, 4]] {
            let bytes = format("<u2", shape);
            assert_eq!(bytes.len() % ALIGNMENT, 0);
            let (header, data) = parse(&bytes).unwrap();
            assert_eq!((header.descr.as_str(), header.shape.as_slice(), data.len()), ("<u2", shape, 0));
        }
    }
}
