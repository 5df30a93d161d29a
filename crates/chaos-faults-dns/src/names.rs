//! Names, and patterns of names.

use hickory_proto::rr::Name;
use wildmatch::WildMatch;

/// A name as patterns are compared with it: in lower case, without the last dot. The root is empty.
pub(crate) fn plain(name: &Name) -> String {
    let mut text = name.to_ascii();
    text.make_ascii_lowercase();
    // An escaped dot is one of the last label.
    if text.ends_with('.') && !text.ends_with("\\.") {
        text.pop();
    }
    text
}

/// Reads a name that is no pattern, in ASCII or as people write it.
pub(crate) fn name(text: &str) -> Option<Name> {
    let mut name = Name::from_str_relaxed(text).ok()?;
    name.set_fqdn(true);
    (!text.is_empty()).then_some(name)
}

/// Reads a pattern: a name in which `*` stands for any text, also with dots and also none, and `?` for one character.
pub(crate) fn pattern(text: &str) -> Option<WildMatch> {
    let any_of = |text: &str| text.contains(['*', '?']);
    let stripped = text.strip_suffix('.').unwrap_or(text);
    let plain = match text {
        "" => return None,
        "." => String::new(),
        // With a letter in their place it must be a name.
        _ if text.is_ascii() => {
            name(&stripped.replace(['*', '?'], "x"))?;
            stripped.to_ascii_lowercase()
        }
        _ if stripped
            .split('.')
            .any(|label| !label.is_ascii() && any_of(label)) =>
        {
            return None;
        }
        _ => plain(&name(stripped)?),
    };
    Some(WildMatch::new(&plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern_text: &str, asked: &str) -> bool {
        let pattern = pattern(pattern_text).unwrap_or_else(|| panic!("{pattern_text}"));
        pattern.matches(&plain(&name(asked).unwrap()))
    }

    #[test]
    fn patterns_match_names() {
        for (pattern, name, hit) in [
            ("db.internal", "db.internal.", true),
            ("DB.internal.", "Db.Internal", true),
            ("db.internal", "a.db.internal", false),
            ("db.internal", "db.internal.example", false),
            ("*.internal", "a.b.internal", true),
            ("*.internal", "internal", false),
            ("*.internal", "xinternal", false),
            ("db-?.internal", "db-1.internal", true),
            ("db-?.internal", "db-10.internal", false),
            ("_ldap._tcp.*", "_ldap._tcp.example.org", true),
            ("*", "anything.at.all", true),
            ("*.", ".", true),
            (".", ".", true),
            (".", "a", false),
            ("*.xn--bcher-kva.example", "a.bücher.example", true),
            ("*.Bücher.example", "a.xn--bcher-kva.example", true),
        ] {
            assert_eq!(matches(pattern, name), hit, "{pattern} {name}");
        }
    }

    #[test]
    fn what_can_be_no_name_is_no_pattern() {
        let long = "a".repeat(64);
        for text in ["", "a..b", ".a", "a b", &long, "bü*cher.example"] {
            assert!(pattern(text).is_none(), "{text}");
        }
    }
}
