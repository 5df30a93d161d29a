//! Loads from configuration.

use super::{HttpLoad, Load, RequestRate};
use chaos_core::{
    ConfigError,
    schemars::{self, JsonSchema},
    units::Time,
};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// A load as it stands in a file: `{ http: { url: …, rate: 200/s } }`.
///
/// ```
/// use chaos_validator::LoadConfig;
/// let config: LoadConfig = serde_json::from_str(
///     r#"{ "http": { "url": "http://127.0.0.1:8000/orders", "rate": "200/s", "timeout": "2s" } }"#,
/// )?;
/// let load = config.build()?;
/// assert_eq!(load.recording().rate(), 200.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub enum LoadConfig {
    /// HTTP/1.1 requests at a constant rate.
    Http(HttpLoadConfig),
}

impl LoadConfig {
    /// Checks ranges and makes the load.
    ///
    /// # Errors
    /// A value out of range, with the field and what is allowed.
    pub fn build(self) -> Result<Arc<dyn Load>, ConfigError> {
        match self {
            Self::Http(config) => config
                .build()
                .map(|load| Arc::new(load) as Arc<dyn Load>)
                .map_err(|e| e.within("http")),
        }
    }
}

/// HTTP/1.1 requests at a constant rate, as they stand in a file.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct HttpLoadConfig {
    /// Where to: `http://host:port/path`.
    pub url: String,
    /// How many requests per second: `200/s`. Default 50/s.
    #[serde(default)]
    pub rate: Option<RequestRate>,
    /// After what time a request is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
    /// How many requests may be under way. Default 64.
    #[serde(default)]
    pub slots: Option<usize>,
    /// The method. Default GET.
    #[serde(default)]
    pub method: Option<String>,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Option<String>,
}

impl HttpLoadConfig {
    /// Checks ranges and makes the load.
    ///
    /// # Errors
    /// A value out of range, with the field and what is allowed.
    pub fn build(self) -> Result<HttpLoad, ConfigError> {
        let mut load = HttpLoad::request(self.method.unwrap_or_else(|| "GET".into()), self.url);
        if let Some(rate) = self.rate {
            load = load.rate(rate.get());
        }
        if let Some(timeout) = self.timeout {
            load = load.timeout(timeout.get());
        }
        if let Some(slots) = self.slots {
            load = load.slots(slots);
        }
        for (name, value) in self.headers {
            load = load.header(name, value);
        }
        if let Some(body) = self.body {
            load = load.body(body);
        }
        load.check()?;
        Ok(load)
    }
}

/// Without address, headers and body, which may hold secrets.
impl fmt::Debug for HttpLoadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLoadConfig")
            .field("rate", &self.rate)
            .field("timeout", &self.timeout)
            .field("slots", &self.slots)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_gets_wrong_is_named() {
        for (text, says) in [
            (
                r#"{ "http": { "url": "http://x/", "rat": "1/s" } }"#,
                "unknown field `rat`",
            ),
            (r#"{ "http": { "rate": "1/s" } }"#, "missing field `url`"),
            (r#"{ "http": { "url": "http://x/", "rate": 5 } }"#, "200/s"),
            (r#"{ "http": { "url": "http://x/", "timeout": 5 } }"#, "5s"),
            (r#"{ "ftp": {} }"#, "unknown variant `ftp`"),
        ] {
            let error = serde_json::from_str::<LoadConfig>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        let config: LoadConfig =
            serde_json::from_str(r#"{ "http": { "url": "x", "slots": 4 } }"#).unwrap();
        let error = config.build().unwrap_err();
        assert_eq!(error.field_path(), Some("http.url"));
    }
}
