//! The report as JSON: the source of truth, from which everything else can be rendered again.
//!
//! Times of the metrics are seconds as numbers. A reader ignores fields that it does not know; a new
//! meaning gets a new schema number.

use super::Report;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value as Json};

/// The version of the JSON that this library writes and reads.
pub const SCHEMA: u32 = 1;

/// The version of a report's JSON; only the current one can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Schema(u32);

impl Schema {
    pub(crate) const fn current() -> Self {
        Self(SCHEMA)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            SCHEMA => Ok(Self(SCHEMA)),
            other => Err(D::Error::custom(unreadable(u64::from(other)))),
        }
    }
}

fn unreadable(schema: u64) -> String {
    format!("the report has schema {schema}; this version reads {SCHEMA}")
}

/// What can be read.
const GIVE: &str = "give what `chaos run --output` has written";

/// A text that is not a report.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the report")]
#[non_exhaustive]
pub struct ReportError(#[source] pub(super) serde_json::Error);

impl ReportError {
    /// Looks at the schema alone first: of a later one nothing else may be readable.
    pub(super) fn check_schema(text: &str) -> Result<Map<String, Json>, Self> {
        let wrong = |why: String| Err(Self(serde_json::Error::custom(why)));
        let map = match serde_json::from_str(text) {
            Ok(Json::Object(map)) => map,
            Ok(other) => {
                let kind = match other {
                    Json::Array(_) => "a list",
                    Json::Number(_) => "a number",
                    Json::String(_) => "a text",
                    _ => "a single word",
                };
                return wrong(format!("it is no report: {kind} stands there; {GIVE}"));
            }
            Err(error) => return wrong(format!("it is no JSON: {error}; {GIVE}")),
        };
        match map.get("schema").map(Json::as_u64) {
            None => wrong(format!("it is no report: it has no `schema`; {GIVE}")),
            Some(None) => wrong(format!(
                "it is no report: its `schema` is no number; {GIVE}"
            )),
            Some(Some(schema)) if schema != u64::from(SCHEMA) => wrong(unreadable(schema)),
            _ if map.contains_key("run") || map.contains_key("reports") => Ok(map),
            _ if map.contains_key("changes") => {
                wrong(format!("it is a comparison and no report; {GIVE}"))
            }
            _ => wrong(format!(
                "it is no report: it has neither `run` nor `reports`; {GIVE}"
            )),
        }
    }
}

impl Report {
    /// The report as JSON, indented.
    ///
    /// # Errors
    /// A number of the run's samples cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, ReportError> {
        serde_json::to_string_pretty(self).map_err(ReportError)
    }

    /// Reads a report.
    ///
    /// # Errors
    /// The text is cut off, is no report, or has another schema.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        ReportError::check_schema(text)?;
        serde_json::from_str(text).map_err(ReportError)
    }
}
