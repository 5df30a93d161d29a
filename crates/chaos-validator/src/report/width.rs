//! Text in the width that a terminal has.

use comfy_table::{CellAlignment, Table, presets};
use unicode_width::UnicodeWidthStr;

/// How many columns the terminal at standard output has; `None` when it is not one.
pub fn terminal_width() -> Option<usize> {
    Table::new().width().map(usize::from)
}

/// A table without lines but one under its header, which gives up columns rather than break its lines.
#[derive(Debug)]
pub(super) struct Grid<const N: usize> {
    pub(super) header: [&'static str; N],
    /// The columns with numbers, on the right.
    pub(super) numbers: std::ops::Range<usize>,
    pub(super) rows: Vec<[String; N]>,
}

impl<const N: usize> Grid<N> {
    /// The lines of the table, and which columns were given up, in the order of `expendable`.
    pub(super) fn fit(
        &self,
        width: Option<usize>,
        expendable: &[&'static str],
    ) -> (String, Vec<&'static str>) {
        let mut without = Vec::new();
        let mut left = expendable.iter();
        loop {
            let text = self.render(&without);
            if width.is_none_or(|width| text.lines().all(|line| line.width() <= width)) {
                return (text, without);
            }
            match left.next() {
                Some(column) => without.push(column),
                None => return (text, without),
            }
        }
    }

    fn render(&self, without: &[&str]) -> String {
        let kept: Vec<usize> = (0..N)
            .filter(|i| !without.contains(&self.header[*i]))
            .collect();
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.force_no_tty();
        table.set_header(kept.iter().map(|i| self.header[*i]));
        for row in &self.rows {
            table.add_row(kept.iter().map(|i| row[*i].as_str()));
        }
        for (i, column) in kept.iter().zip(table.column_iter_mut()) {
            if self.numbers.contains(i) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        lines(&table)
    }
}

/// The lines of a table without those that only cost height.
fn lines(table: &Table) -> String {
    let all: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    let rule = |line: &str| !line.is_empty() && line.chars().all(|c| c == '─');
    let kept: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|line| !rule(line))
        .collect();
    // The rule is as wide as the widest line, not as its trailing spaces.
    let widest = kept.iter().filter(|line| !line.contains('═'));
    let widest = widest.map(|line| line.width()).max().unwrap_or_default();
    let cut = |line: &&str| match line.contains('═') {
        true => "─".repeat(widest),
        false => (*line).to_owned(),
    };
    kept.iter().map(cut).collect::<Vec<_>>().join("\n")
}

/// Breaks lines between words, where they are longer than the width; what follows in a new line is indented by two more
/// than the first.
pub fn wrap(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let wrapped = text.split('\n').map(|line| wrap_line(line, width));
    wrapped.collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let hang = " ".repeat(indent + 2);
    let mut out = " ".repeat(indent);
    let mut used = indent;
    let mut first = true;
    for word in line.split_whitespace() {
        let needed = word.width() + usize::from(!first);
        if !first && used + needed > width {
            out.push('\n');
            out += &hang;
            used = hang.len() + word.width();
        } else {
            if !first {
                out.push(' ');
            }
            used += needed;
        }
        out += word;
        first = false;
    }
    out
}

/// A text that is cut to a width.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + 2 > width {
            break;
        }
        short.push(c);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_words_never() {
        let text = "  ! one two three\nfour";
        assert_eq!(wrap(text, None), text);
        assert_eq!(wrap(text, Some(12)), "  ! one two\n    three\nfour");
        assert_eq!(wrap("incomprehensible", Some(4)), "incomprehensible");
    }

    #[test]
    fn names_are_cut_to_their_room() {
        assert_eq!(shorten("scenario", 8), "scenario");
        assert_eq!(shorten("scenario", 7), "scenar…");
        assert_eq!(shorten("\u{4e00}\u{4e00}\u{4e00}", 5), "\u{4e00}\u{4e00}…");
    }

    #[test]
    fn a_table_gives_up_columns_rather_than_break_its_lines() {
        let grid = Grid {
            header: ["name", "time", "errors"],
            numbers: 1..3,
            rows: vec![["a".into(), "10 s".into(), "0 %".into()]],
        };
        let (all, none) = grid.fit(None, &["time"]);
        assert!(all.contains("time") && none.is_empty(), "{all}");
        let (some, gone) = grid.fit(Some(18), &["time"]);
        assert!(!some.contains("time") && some.contains("errors"), "{some}");
        assert_eq!(gone, ["time"]);
    }
}
