//! Writing SVG.

use crate::report::paint::steers;
use std::fmt::{self, Display, Write as _};

/// A text in which nothing is markup.
#[derive(Debug, Clone, Copy)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(' ')?,
                c if steers(c) => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A coordinate: a tenth of a pixel is fine enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(pub(super) f64);

impl Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = if self.0.is_finite() {
            (self.0 * 10.0).round() / 10.0
        } else {
            0.0
        };
        write!(f, "{}", if tenths == 0.0 { 0.0 } else { tenths })
    }
}

/// A text of SVG that is being written.
#[derive(Debug, Default)]
pub(super) struct Svg(String);

impl Svg {
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Writes what is markup already.
    pub(super) fn raw(&mut self, markup: impl Display) -> &mut Self {
        self.write(format_args!("{markup}"))
    }

    fn write(&mut self, markup: fmt::Arguments<'_>) -> &mut Self {
        self.0 += &markup.to_string();
        self
    }

    pub(super) fn rect(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (w, h): (f64, f64),
    ) -> &mut Self {
        let (x, y, w, h) = (At(x), At(y), At(w.max(0.0)), At(h.max(0.0)));
        self.write(format_args!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}"/>"#
        ))
    }

    pub(super) fn line(
        &mut self,
        class: &str,
        (x1, y1): (f64, f64),
        (x2, y2): (f64, f64),
    ) -> &mut Self {
        let (x1, y1, x2, y2) = (At(x1), At(y1), At(x2), At(y2));
        self.write(format_args!(
            r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#
        ))
    }

    pub(super) fn path(&mut self, class: &str, d: &str) -> &mut Self {
        if d.is_empty() {
            return self;
        }
        self.write(format_args!(r#"<path class="{class}" d="{d}"/>"#))
    }

    /// A text; `class` says where its anchor is.
    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) -> &mut Self {
        let (x, y, text) = (At(x), At(y), Escaped(text));
        self.write(format_args!(
            r#"<text class="{class}" x="{x}" y="{y}">{text}</text>"#
        ))
    }

    /// Begins what can be reached with the keyboard, and says what it is.
    pub(super) fn open_point(&mut self, label: &str) -> &mut Self {
        let label = Escaped(label);
        self.write(format_args!(
            r#"<g class="pt" tabindex="0" role="img" aria-label="{label}">"#
        ))
    }

    pub(super) fn close(&mut self) -> &mut Self {
        self.raw("</g>")
    }
}

/// The path of a line through points, broken where there is none.
#[derive(Debug, Default)]
pub(super) struct Line {
    d: String,
    drawn: Option<(String, String)>,
}

impl Line {
    pub(super) fn to(&mut self, x: f64, y: f64) {
        let at = (At(x).to_string(), At(y).to_string());
        if self.drawn.as_ref() == Some(&at) {
            return;
        }
        let step = if self.drawn.is_none() { 'M' } else { 'L' };
        self.d += &format!("{step}{} {}", at.0, at.1);
        self.drawn = Some(at);
    }

    pub(super) fn lift(&mut self) {
        self.drawn = None;
    }

    pub(super) fn finish(self) -> String {
        self.d
    }
}

/// The path of many rectangles, which is shorter than as many elements.
#[derive(Debug, Default, Clone)]
pub(super) struct Boxes(String);

impl Boxes {
    pub(super) fn add(&mut self, (x, y): (f64, f64), (w, h): (f64, f64)) {
        // Both ends are rounded, not the width, so that there is no gap to the next.
        let tenths = |at: f64| (at * 10.0).round() / 10.0;
        let (w, h) = (At(tenths(x + w) - tenths(x)), At(tenths(y + h) - tenths(y)));
        let (x, y) = (At(x), At(y));
        self.0 += &format!("M{x} {y}h{w}v{h}h-{w}z");
    }

    pub(super) fn d(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        let text = Escaped("</script><img src=x onerror='a()'>\u{1b}\n\"&").to_string();
        let expected = "&lt;/script&gt;&lt;img src=x onerror=&#39;a()&#39;&gt;\u{fffd} &quot;&amp;";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_line_is_broken_where_there_is_no_point() {
        let mut line = Line::default();
        line.to(1.0, 2.0);
        line.to(1.01, 2.0);
        line.to(2.04, f64::NAN);
        line.lift();
        line.to(3.0, 4.0);
        assert_eq!(line.finish(), "M1 2L2 0M3 4");
    }
}
