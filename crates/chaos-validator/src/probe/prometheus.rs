//! What a Prometheus has measured.

use super::{
    asker::Asker,
    value::{number, positive},
};
use async_trait::async_trait;
use bytes::Bytes;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::Value as Json;
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// Asks a Prometheus for the value of a query now: a scalar, or a vector of one sample. Nothing measured, NaN and several
/// samples are no value.
#[derive(Debug)]
pub struct PrometheusProbe {
    asker: Asker,
}

impl PrometheusProbe {
    /// Asks the Prometheus at `http://host:port` for this query in PromQL; timeout 2 s.
    ///
    /// # Errors
    /// Not an `http://` address, or no query.
    pub fn query(url: &str, query: &str) -> Result<Self, ConfigError> {
        if query.trim().is_empty() {
            return Err(ConfigError::field("query", "is empty"));
        }
        if url.contains('?') {
            let error = ConfigError::field("url", "has a query of its own");
            return Err(error.help("write `http://host:9090`"));
        }
        let base = url.trim_end_matches('/');
        let asker = Asker::of(&format!("{base}/api/v1/query?query={}", encoded(query)))?;
        Ok(Self { asker })
    }

    /// Trusts who is certified in this file, and nobody else.
    ///
    /// # Errors
    /// Not an `https://` address, or no certificates.
    pub fn trust(mut self, ca_file: &Path) -> Result<Self, ConfigError> {
        self.asker.trust(ca_file)?;
        Ok(self)
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.asker.timeout = timeout;
        self
    }
}

/// A text as a part of an address: <https://url.spec.whatwg.org/#percent-encoded-bytes>.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a text cannot fail.
            _ => write!(encoded, "%{byte:02X}").unwrap_or_default(),
        }
        encoded
    })
}

#[async_trait]
impl Probe for PrometheusProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        let none = (HeaderMap::new(), Bytes::new());
        let message = self.asker.message(Method::GET, none.0, none.1)?;
        let reply = self.asker.ask(&message, true).await?;
        value(&reply.body).map_err(|why| {
            let (address, status) = (self.asker.describe(), reply.status);
            format!("{address}: answered {status}: {why}").into()
        })
    }
}

/// <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>
fn value(body: &[u8]) -> Result<Value, BoxError> {
    let answer: Json =
        serde_json::from_slice(body).map_err(|e| format!("not an answer of a Prometheus: {e}"))?;
    match answer["status"].as_str() {
        Some("success") => {}
        Some("error") => return Err(answer["error"].as_str().unwrap_or("an error").into()),
        _ => return Err("not an answer of a Prometheus".into()),
    }
    let result = &answer["data"]["result"];
    let sample = match answer["data"]["resultType"].as_str() {
        Some("scalar") => &result[1],
        Some("vector") => match result.as_array().map(Vec::as_slice) {
            Some([]) => return Err("the query has no sample".into()),
            Some([sample]) => &sample["value"][1],
            Some(several) => {
                return Err(format!("the query has {} samples, not one", several.len()).into());
            }
            None => return Err("the vector is no list".into()),
        },
        Some(other) => return Err(format!("the query is a {other}, not one number").into()),
        None => return Err("the answer has no type".into()),
    };
    let text = sample.as_str().ok_or("the sample has no value")?;
    number(text).map(Value::Number)
}

/// What a Prometheus has measured: the one value of a query now.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct PrometheusProbeConfig {
    /// Which: `http://host:9090`.
    pub url: String,
    /// A query in PromQL with one number as its value: `sum(rate(http_requests_total[1m]))`.
    pub query: String,
    /// The certificates of who is trusted, in PEM, for https. Default: whom the system trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// After what time it is given up. Default 2s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

impl ProbeConfig for PrometheusProbeConfig {
    const KIND: &'static str = "prometheus";
    type Probe = PrometheusProbe;

    fn build(self) -> Result<PrometheusProbe, ConfigError> {
        let mut probe = PrometheusProbe::query(&self.url, &self.query)?;
        if let Some(ca_file) = &self.ca_file {
            probe = probe.trust(ca_file)?;
        }
        if let Some(timeout) = self.timeout {
            probe = probe.timeout(positive(timeout)?);
        }
        Ok(probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_is_a_number_and_nothing_else_is() {
        let vector = |samples: &str| {
            format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":[{samples}]}}}}"#
            )
        };
        let sample = |value: &str| format!(r#"{{"metric":{{}},"value":[1.5,"{value}"]}}"#);
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"7"]}}"#;
        assert_eq!(value(scalar.as_bytes()).unwrap(), Value::Number(7.0));
        let one = vector(&sample("0.25"));
        assert_eq!(value(one.as_bytes()).unwrap(), Value::Number(0.25));
        for (body, says) in [
            (vector(""), "no sample"),
            (vector(&sample("NaN")), "`NaN` is not a number"),
            (vector(&sample("+Inf")), "`+Inf` is not a number"),
            (vector(&sample("x")), "`x` is not a number"),
            (vector(r#"{"metric":{}}"#), "has no value"),
            (vector(&[sample("1"), sample("2")].join(",")), "2 samples"),
            (one.replace("vector", "matrix"), "is a matrix"),
            (
                r#"{"status":"error","error":"parse error"}"#.into(),
                "parse error",
            ),
            ("{}".into(), "not an answer"),
            ("<html>".into(), "not an answer"),
            (String::new(), "not an answer"),
        ] {
            let error = value(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
    }

    #[test]
    fn a_query_is_a_part_of_the_address() {
        assert_eq!(encoded(r#"up{job="ü"}"#), "up%7Bjob%3D%22%C3%BC%22%7D");
    }
}
