//! Loads from configuration.

mod http;
mod other;
mod pace;

pub use http::{Auth, HttpLoadConfig, HttpRequestConfig, Statuses};
#[cfg(feature = "postgres")]
pub use other::PostgresLoadConfig;
#[cfg(feature = "redis")]
pub use other::RedisLoadConfig;
pub use other::TcpLoadConfig;
pub use pace::{Ramp, Step};

use super::Load;
use chaos_core::{
    ConfigError,
    schemars::{self, JsonSchema},
};
use serde::Deserialize;
use std::sync::Arc;

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
    /// HTTP/1.1 or HTTP/2 requests.
    Http(HttpLoadConfig),
    /// TCP connections, or questions with their answers.
    Tcp(TcpLoadConfig),
    /// Commands to a Redis.
    #[cfg(feature = "redis")]
    Redis(RedisLoadConfig),
    /// Queries to a PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(PostgresLoadConfig),
}

impl LoadConfig {
    /// Checks ranges and makes the load.
    ///
    /// # Errors
    /// A value out of range, with the field and what is allowed.
    pub fn build(self) -> Result<Arc<dyn Load>, ConfigError> {
        let (kind, load) = match self {
            Self::Http(config) => ("http", config.build().map(Arc::<dyn Load>::from)),
            Self::Tcp(config) => ("tcp", config.build().map(Arc::<dyn Load>::from)),
            #[cfg(feature = "redis")]
            Self::Redis(config) => ("redis", config.build().map(Arc::<dyn Load>::from)),
            #[cfg(feature = "postgres")]
            Self::Postgres(config) => ("postgres", config.build().map(Arc::<dyn Load>::from)),
        };
        load.map_err(|e| e.within(kind))
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
            (r#"{ "http": { "url": "http://x/", "rate": 5 } }"#, "200/s"),
            (r#"{ "http": { "url": "http://x/", "timeout": 5 } }"#, "5s"),
            (r#"{ "ftp": {} }"#, "unknown variant `ftp`"),
        ] {
            let error = serde_json::from_str::<LoadConfig>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        for (text, field) in [
            (r#"{ "rate": "1/s" }"#, "http.url"),
            (r#"{ "url": "x", "slots": 4 }"#, "http.url"),
            (
                r#"{ "url": "http://x/", "requests": [{ "url": "http://x/" }] }"#,
                "http.requests",
            ),
            (
                r#"{ "requests": [{ "url": "http://x/", "status": 99 }] }"#,
                "http.status",
            ),
            (
                r#"{ "requests": [{ "url": "http://x/" }, { "url": "y" }] }"#,
                "http.requests[1].url",
            ),
            (
                r#"{ "url": "http://x/", "rate": "1/s", "steps": [] }"#,
                "http.steps",
            ),
            (
                r#"{ "url": "http://x/", "auth": { "bearer": { "env": "CHAOS_NO_SUCH" } } }"#,
                "http.auth.bearer",
            ),
            (r#"{ "url": "http://x/", "version": 3 }"#, "http.version"),
        ] {
            let text = format!(r#"{{ "http": {text} }}"#);
            let config: LoadConfig = serde_json::from_str(&text).unwrap();
            let error = config.build().unwrap_err();
            assert_eq!(error.field_path(), Some(field), "{text}: {error}");
        }
    }

    #[test]
    fn what_can_be_said_is_understood() {
        for (text, says) in [
            (
                r#"{ "url": "http://x/", "ramp": { "from": "1/s", "to": "5/s", "over": "10s" } }"#,
                "GET http://x/ from 1/s to 5/s within 10s, timeout 2s",
            ),
            (
                r#"{ "url": "http://x/", "steps": [{ "rate": "1/s", "lasts": "10s" }, { "rate": "5/s" }] }"#,
                "GET http://x/ at 1/s for 10s, then at 5/s, timeout 2s",
            ),
            (
                r#"{ "url": "http://x/", "version": 2 }"#,
                "GET http://x/ by HTTP/2 at 50/s, timeout 2s",
            ),
            (
                r#"{ "requests": [{ "url": "http://x/", "weight": 9, "status": 404 }, { "url": "http://x/y", "method": "DELETE" }] }"#,
                "9 × GET http://x/, 1 × DELETE http://x/y at 50/s, timeout 2s",
            ),
        ] {
            let text = format!(r#"{{ "http": {text} }}"#);
            let config: LoadConfig = serde_json::from_str(&text).unwrap();
            assert_eq!(config.build().unwrap().recording().description(), says);
        }
    }
}
