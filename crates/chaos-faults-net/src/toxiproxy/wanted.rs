//! A proxy that somebody wants.

use super::{
    error::ApiError,
    json::{Fields, first_value},
    toxic::Toxic,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// A proxy that somebody wants.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// As it was given.
    pub(super) listen: String,
    pub(super) upstream: String,
    pub(super) enabled: bool,
    /// Each is an object that a toxic can be read from.
    pub(super) toxics: Vec<Value>,
}

impl Wanted {
    /// The proxy of a body. Its toxics are passed over: clients that send a proxy back as they got it do not expect
    /// them to be added.
    pub(super) fn one(body: &[u8]) -> Result<Self, ApiError> {
        Self::read(Fields::read(body)?, "")
    }

    /// The proxies of a body; the same.
    pub(super) fn all(body: &[u8]) -> Result<Vec<Self>, ApiError> {
        let read = |(fields, place): (Fields, String)| Self::read(fields, &place);
        each(body)?.map(|entry| read(entry?)).collect()
    }

    /// The proxies of a configuration, with their toxics.
    pub(super) fn configured(text: &[u8]) -> Result<Vec<Self>, ApiError> {
        let read = |(mut fields, place): (Fields, String)| {
            let toxics = fields.array("toxics")?.unwrap_or_default();
            check(&toxics).map_err(|why| why.at(&place))?;
            let wanted = Self::read(fields, &place)?;
            Ok(Self { toxics, ..wanted })
        };
        each(text)?.map(|entry| read(entry?)).collect()
    }

    fn read(mut said: Fields, place: &str) -> Result<Self, ApiError> {
        let name = said.text("name")?.unwrap_or_default();
        let listen = said.text("listen")?.unwrap_or_default();
        let upstream = said.text("upstream")?.unwrap_or_default();
        let enabled = said.flag("enabled")?.unwrap_or(true);
        for (field, value) in [("name", &name), ("upstream", &upstream)] {
            if value.is_empty() {
                return Err(ApiError::missing(format!("{field}{place}")));
            }
        }
        Ok(Self {
            name,
            listen,
            upstream,
            enabled,
            toxics: Vec::new(),
        })
    }
}

/// The objects of an array, each with its place in words.
fn each(body: &[u8]) -> Result<impl Iterator<Item = Result<(Fields, String), ApiError>>, ApiError> {
    let values = match first_value(body)? {
        Value::Array(values) => values,
        Value::Null => Vec::new(),
        _ => return Err(ApiError::bad_body("json: the value must be an array")),
    };
    let entry = |(at, value)| Ok((Fields::of(value)?, format!(" at proxy {}", at + 1)));
    Ok(values.into_iter().enumerate().map(entry))
}

/// Reads toxics as if they were put on a new proxy.
fn check(toxics: &[Value]) -> Result<(), ApiError> {
    let mut names = BTreeSet::new();
    for toxic in toxics {
        let toxic = Toxic::read(Fields::of(toxic.clone())?, |name| names.contains(name))?;
        names.insert(toxic.name().to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_place() {
        let said = |body: &str| Wanted::all(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            said(r#"[{"name":"a","upstream":"b:1"},{"name":"c"}]"#),
            "missing required field: upstream at proxy 2"
        );
        assert_eq!(said("[null]"), "missing required field: name at proxy 1");
        assert_eq!(
            said("{}"),
            "bad request body: json: the value must be an array"
        );
        let one = Wanted::one(b"{}").unwrap_err();
        assert_eq!(one.to_string(), "missing required field: name");
        assert!(Wanted::all(b"null").unwrap().is_empty());
    }

    #[test]
    fn toxics_count_in_a_configuration_only() {
        let text = br#"[{"name":"a","upstream":"b:1","toxics":[{"type":"noop"}]}]"#;
        assert_eq!(Wanted::configured(text).unwrap()[0].toxics.len(), 1);
        assert_eq!(Wanted::all(text).unwrap()[0].toxics.len(), 0);
        let text = br#"[{"name":"a","upstream":"b:1","toxics":[{"type":"noop"},{"type":"noop"}]}]"#;
        let error = Wanted::configured(text).unwrap_err();
        assert_eq!(error.to_string(), "toxic already exists at proxy 1");
    }

    proptest::proptest! {
        #[test]
        fn no_body_is_too_strange(body in "[\\[\\]{}\",:a-zA-Z0-9 .null-]{0,60}", bytes: Vec<u8>) {
            for body in [body.as_bytes(), &bytes] {
                for read in [Wanted::all, Wanted::configured] {
                    drop(read(body));
                }
                drop(Wanted::one(body));
            }
        }
    }
}
