//! Text in columns.

use s2c_dialects::shown::shown;
use std::borrow::Cow;

/// Rows with aligned columns; columns of numbers are aligned to the right.
pub fn columns(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> = rows.iter().map(|row| row.iter().map(|cell| shown(cell)).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let widths: Vec<usize> =
        (0..count).map(|column| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0)).collect();
    let is_number =
        |cell: &Cow<'_, str>| cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '%'));
    let right: Vec<bool> = (0..count).map(|column| cells(column).skip(1).all(is_number) && rows.len() > 1).collect();
    let mut text = String::new();
    for row in &rows {
        let line: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| match right[column] {
                true => format!("{cell:>width$}", width = widths[column]),
                false => format!("{cell:<width$}", width = widths[column]),
            })
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_aligned_to_the_right() {
        let rows = [["name", "bytes"], ["a", "10"], ["long", "7"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(super::columns(&rows), "name  bytes\na        10\nlong      7\n");
    }
}
