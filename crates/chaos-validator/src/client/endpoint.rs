//! Where to send a request.

use chaos_core::ConfigError;
use http::Uri;

/// A parsed `http://` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of the `host` header.
    pub(crate) authority: String,
    /// Path and query: the request target.
    pub(crate) target: Uri,
}

impl Endpoint {
    /// Reads `http://host:port/path?query`.
    ///
    /// # Errors
    /// Anything else, with what is allowed. The text itself is not repeated: it may hold a secret.
    pub(crate) fn parse(url: &str) -> Result<Self, ConfigError> {
        let wrong = |problem: &str| {
            ConfigError::field("url", problem).help("write `http://host:port/path`")
        };
        let uri: Uri = url
            .parse()
            .map_err(|e| wrong(&format!("is not an address: {e}")))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(wrong("https is not supported; use the plain port")),
            Some(other) => return Err(wrong(&format!("the scheme `{other}` is not supported"))),
            None => return Err(wrong("has no scheme")),
        }
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(ConfigError::field("url", "holds a user name or password")
                .help("send an `authorization` header instead"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(wrong("has no host"));
        }
        let target = uri.path_and_query().map_or("/", |p| p.as_str());
        Ok(Self {
            host,
            port: match authority.as_str().strip_prefix(authority.host()) {
                None | Some("") => 80,
                Some(port) => port[1..]
                    .parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or_else(|| wrong("the port is not between 1 and 65535"))?,
            },
            authority: authority.as_str().to_owned(),
            target: target
                .parse()
                .map_err(|e| wrong(&format!("has a wrong path: {e}")))?,
        })
    }

    /// The address without the query, which may hold a secret.
    pub(crate) fn describe(&self) -> String {
        format!("http://{}{}", self.authority, self.target.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let endpoint = Endpoint::parse("http://[::1]:8000/orders?key=secret").unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("::1", 8000));
        assert_eq!(endpoint.target, "/orders?key=secret");
        assert_eq!(endpoint.describe(), "http://[::1]:8000/orders");
        let endpoint = Endpoint::parse("http://example.org").unwrap();
        assert_eq!((endpoint.port, endpoint.target.path()), (80, "/"));
    }

    #[test]
    fn what_cannot_be_reached_is_refused_at_once() {
        for (url, says) in [
            ("https://example.org", "https"),
            ("ftp://example.org", "ftp"),
            ("example.org/x", "url"),
            ("", "url"),
            ("http://", "url"),
            ("http://user:hunter2@host/", "authorization"),
            ("http://host:99999/", "url"),
            ("http://host:0/", "port"),
            ("http://a b/", "url"),
        ] {
            let error = Endpoint::parse(url).unwrap_err().to_string();
            assert!(error.contains(says), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
