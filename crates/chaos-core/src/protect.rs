//! Names that no fault may touch.

/// Whether a pattern of `safety.protected` names something in this text, which is the name or the description of a
/// target or a site.
///
/// A pattern names whole words; `*` stands for any part of a word. Words end at spaces and at `,` `(` `)` `/` `:` `=`,
/// so that a port, a directory or the value of a label is a word, too.
///
/// ```
/// use chaos_core::protects;
/// assert!(protects("postgres", "process postgres (pid 77)"));
/// assert!(protects("77", "process postgres (pid 77)"));
/// assert!(!protects("postgres", "process postgres-exporter (pid 78)"));
/// assert!(protects("postgres*", "process postgres-exporter (pid 78)"));
/// ```
pub fn protects(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (words(pattern), words(text));
    !pattern.is_empty()
        && text.windows(pattern.len()).any(|found| {
            found
                .iter()
                .zip(&pattern)
                .all(|(word, pattern)| fits(word, pattern))
        })
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '/' | ':' | '='))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether a word is what a pattern with `*` says.
fn fits(word: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = word.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        // The first place is the best one: it leaves the most for the rest.
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_whole_words() {
        for (pattern, text, named) in [
            ("postgres", "postgres", true),
            ("postgres", "container postgres (a1b2)", true),
            ("postgres", "container my-postgres (a1b2)", false),
            ("*postgres", "container my-postgres (a1b2)", true),
            ("*postgres", "container my-postgres-2 (a1b2)", false),
            ("a1*", "container my-postgres (a1b2)", true),
            ("p*g*s", "postgres", true),
            ("p*x*s", "postgres", false),
            ("pre*fix", "prefix", true),
            ("ab*ba", "aba", false),
            ("*", "anything", true),
            ("big db", "proxy big db", true),
            ("big db", "proxy big dbs", false),
            ("127.0.0.1:5432", "proxy of 127.0.0.1:5432", true),
            ("127.0.0.1:543", "proxy of 127.0.0.1:5432", false),
            ("5432", "proxy of 127.0.0.1:5432", true),
            ("543", "proxy of 127.0.0.1:5432", false),
            ("/run/pg.pid", "process of /run/pg.pid", true),
            ("/run/*", "process of /run/pg.pid", true),
            ("web", "containers labelled tier=web", true),
            ("", "anything", false),
            (" ", "anything", false),
        ] {
            assert_eq!(protects(pattern, text), named, "{pattern} in {text}");
        }
    }
}
