//! A toxic as the API tells it.

use super::{
    attributes::{Attributes, Kind},
    error::ApiError,
    json::{self, Fields},
};
use crate::direction::Flow;
use serde::{Serialize, Serializer};
use std::fmt;

/// A toxic as the API tells it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Toxic {
    attributes: Attributes,
    name: String,
    #[serde(rename = "type", serialize_with = "name")]
    kind: Kind,
    /// As it was written.
    stream: String,
    #[serde(serialize_with = "json::short_number")]
    toxicity: f32,
    #[serde(skip)]
    flow: Flow,
}

/// For people: as the API tells it.
impl fmt::Display for Toxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match json::write(self) {
            Ok(json) => f.write_str(json.trim_end()),
            Err(error) => error.fmt(f),
        }
    }
}

impl Toxic {
    /// The toxic that somebody wants; `taken` knows the names of the others.
    pub(super) fn read(
        mut said: Fields,
        taken: impl FnOnce(&str) -> bool,
    ) -> Result<Self, ApiError> {
        let name = said.text("name")?.unwrap_or_default();
        let kind = said.text("type")?.unwrap_or_default();
        let stream = said.text("stream")?.unwrap_or_else(|| "downstream".into());
        let toxicity = toxicity(&mut said)?.unwrap_or(1.0);
        let attributes = said.object("attributes")?.unwrap_or_default();

        let flow = flow(&stream).ok_or(ApiError::STREAM)?;
        let name = match name.is_empty() {
            true => format!("{kind}_{stream}"),
            false => name,
        };
        let kind = Kind::named(&kind).ok_or(ApiError::TOXIC_TYPE)?;
        if taken(&name) {
            return Err(ApiError::TOXIC_EXISTS);
        }
        let attributes = Attributes::of(kind).merged(attributes)?;
        attributes.check(kind)?;
        Ok(Self {
            attributes,
            name,
            kind,
            stream,
            toxicity,
            flow,
        })
    }

    /// This one as somebody wants it to be: only its attributes and its toxicity can be changed.
    pub(super) fn changed(&self, mut said: Fields) -> Result<Self, ApiError> {
        let attributes = said.object("attributes")?.unwrap_or_default();
        let attributes = self.attributes.clone().merged(attributes)?;
        let toxicity = toxicity(&mut said)?.unwrap_or(self.toxicity);
        attributes.check(self.kind)?;
        Ok(Self {
            attributes,
            toxicity,
            ..self.clone()
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) const fn flow(&self) -> Flow {
        self.flow
    }

    /// The share of the connections that it hits; all from 1 on, none up to 0.
    pub(super) const fn toxicity(&self) -> f32 {
        self.toxicity
    }

    pub(super) const fn attributes(&self) -> &Attributes {
        &self.attributes
    }
}

fn name<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.name())
}

fn flow(stream: &str) -> Option<Flow> {
    [Flow::Upstream, Flow::Downstream]
        .into_iter()
        .find(|flow| stream.eq_ignore_ascii_case(flow.name()))
}

fn toxicity(said: &mut Fields) -> Result<Option<f32>, ApiError> {
    let Some(wide) = said.real("toxicity")? else {
        return Ok(None);
    };
    #[expect(clippy::cast_possible_truncation, reason = "as precise as it is kept")]
    let toxicity = wide as f32;
    match toxicity.is_finite() {
        true => Ok(Some(toxicity)),
        false => Err(ApiError::bad_body("json: toxicity is too large")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &str) -> Result<Toxic, ApiError> {
        Toxic::read(Fields::read(said.as_bytes())?, |name| name == "taken")
    }

    fn told(toxic: &Toxic) -> String {
        json::write(toxic).unwrap()
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        assert_eq!(
            told(&read(r#"{"type":"latency"}"#).unwrap()),
            r#"{"attributes":{"latency":0,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}"#
        );
        let toxic = read(
            r#"{"type":"noop","stream":"UpStream","Toxicity":0.1,"attributes":null,"name":""}"#,
        );
        assert_eq!(
            told(&toxic.unwrap()),
            r#"{"attributes":{},"name":"noop_UpStream","type":"noop","stream":"UpStream","toxicity":0.1}"#
        );
        assert_eq!(
            read(r#"{"type":"noop","toxicity":-3}"#).unwrap().toxicity(),
            -3.0
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_toxiproxys_order() {
        let body = |why: &str| ApiError::bad_body(why);
        for (said, error) in [
            (
                r#"{"type":7,"stream":"sideways"}"#,
                body("json: type is the number 7 and must be a string"),
            ),
            (r#"{"type":"none","stream":"sideways"}"#, ApiError::STREAM),
            (r#"{"type":"noop","stream":""}"#, ApiError::STREAM),
            (r#"{"type":"none","name":"taken"}"#, ApiError::TOXIC_TYPE),
            (r#"{"name":"taken"}"#, ApiError::TOXIC_TYPE),
            (
                r#"{"type":"latency","name":"taken","attributes":{"latency":"x"}}"#,
                ApiError::TOXIC_EXISTS,
            ),
            (
                r#"{"type":"latency","attributes":{"latency":"x"}}"#,
                body("json: latency is a string and must be an integer"),
            ),
            (
                r#"{"type":"latency","attributes":[]}"#,
                body("json: attributes is an array and must be an object"),
            ),
            (
                r#"{"type":"noop","toxicity":1e40}"#,
                body("json: toxicity is too large"),
            ),
        ] {
            let said_back = read(said).unwrap_err();
            assert_eq!(said_back, error, "{said}");
        }
    }

    #[test]
    fn only_attributes_and_toxicity_change() {
        let toxic = read(r#"{"type":"latency","attributes":{"latency":9,"jitter":1}}"#).unwrap();
        let said = br#"{"name":"x","type":"noop","stream":"upstream","toxicity":2,"attributes":{"latency":7}}"#;
        let changed = toxic.changed(Fields::read(said).unwrap()).unwrap();
        assert_eq!(
            told(&changed),
            r#"{"attributes":{"latency":7,"jitter":1},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":2}"#
        );
        let slicer = read(r#"{"type":"slicer","attributes":{"average_size":5}}"#).unwrap();
        let said = br#"{"attributes":{"average_size":0}}"#;
        assert!(slicer.changed(Fields::read(said).unwrap()).is_err());
    }
}
