//! What a name in a file may be.

use chaos_core::ConfigError;
use chaos_validator::printable;

/// The longest, in characters: it stands in tables, on charts and in file names of others.
const LONGEST: usize = 200;

/// Whether a name can be read where it is shown.
pub(crate) fn check(name: &str) -> Result<(), ConfigError> {
    let length = name.chars().count();
    if length > LONGEST {
        let start: String = name.chars().take(20).collect();
        let problem = format!("the name `{start}…` has {length} characters");
        return Err(ConfigError::new(problem).help(format!("at most {LONGEST}")));
    }
    let hidden = name
        .chars()
        .find(|c| printable(&c.to_string()) != c.to_string());
    match hidden.or(name.contains('\n').then_some('\n')) {
        Some(c) => {
            let problem = format!(
                "the name `{}` holds U+{:04X}, which is not seen or changes what is",
                printable(name).replace('\n', " "),
                u32::from(c)
            );
            Err(ConfigError::new(problem).help("write it without"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_all_of_it_is_seen() {
        for name in ["Slow Redis", "日本", "עברית", "👩‍🔬", &"x".repeat(200)] {
            check(name).unwrap();
        }
        for (name, says) in [
            ("x".repeat(20_000), "has 20000 characters (at most 200)"),
            ("a\u{202e}b".into(), "U+202E"),
            ("a\u{1b}[2J".into(), "U+001B"),
            ("a\nb".into(), "the name `a b` holds U+000A"),
            ("a\tb".into(), "U+0009"),
        ] {
            let told = check(&name).unwrap_err().to_string();
            assert!(told.contains(says), "{told}");
            assert!(told.len() < 200, "{told}");
        }
    }
}
