//! `--target`: the address in place of the file's `base_url`.

use crate::{diagnose::Diagnostic, tree::Node};
use serde_json::Value as Json;

/// Whether it is a URL.
pub(crate) fn check(target: &str) -> Result<(), Diagnostic> {
    if is_url(target) {
        return Ok(());
    }
    let problem = format!("--target: `{target}` is no URL");
    Err(Diagnostic::new(problem).help("write it with its scheme, such as `http://localhost:8000`"))
}

/// What to say when nothing in a file asks for it.
pub(crate) fn unused(tree: &mut Node) -> Option<Diagnostic> {
    let mut is_used = false;
    tree.scalars(&mut |scalar, _| {
        if let Json::String(text) = scalar {
            is_used |= text.replace("$${", "").contains("${base_url}");
        }
    });
    let problem = "--target changes nothing: nowhere in the file is `${base_url}`";
    (!is_used).then(|| {
        Diagnostic::new(problem).help(
            "write it where the address belongs, such as `url: \"${base_url}/health\"`, or leave --target out",
        )
    })
}

/// Whether a text is `scheme://host`, with a port and a path or without.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !name.is_empty()
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_scheme_and_a_host() {
        for url in [
            "http://localhost",
            "https://a.b:8443/x?y#z",
            "http://[::1]:80/",
            "http://[::1]",
            "redis://me:secret@db:6379/1",
        ] {
            assert!(is_url(url), "{url}");
        }
        for text in [
            "",
            "localhost:8000",
            "not a url",
            "http://",
            "http:///x",
            "http://a b",
            "http://a:port",
            "://a",
            "1://a",
        ] {
            assert!(!is_url(text), "{text}");
        }
    }

    #[test]
    fn a_target_that_nothing_in_the_file_asks_for_is_told() {
        let problem = |file: &str| {
            let mut tree = Node::parse(file).unwrap();
            unused(&mut tree).map(|error| error.to_string())
        };
        assert_eq!(problem("a: \"${base_url}/x\""), None);
        for file in ["base_url: http://y", "a: \"$${base_url}\""] {
            assert!(problem(file).unwrap().contains("changes nothing"), "{file}");
        }
    }
}
