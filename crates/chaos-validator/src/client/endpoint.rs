//! Where to send a request.

use chaos_core::ConfigError;
use http::{HeaderValue, Uri};

/// A parsed `http://` or `https://` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Whether it is spoken to by TLS.
    pub(crate) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port as they were written.
    pub(crate) authority: String,
    /// The same, as a header has it.
    pub(crate) host_header: HeaderValue,
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
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") if cfg!(feature = "tls") => true,
            Some("https") => return Err(wrong("https needs the feature `tls` of chaos-validator")),
            Some(other) => return Err(wrong(&format!("the scheme `{other}` is not supported"))),
            None => return Err(wrong("has no scheme")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(ConfigError::field("url", "holds a user name or password")
                .help("give them as basic auth instead"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(wrong("has no host"));
        }
        let target = uri.path_and_query().map_or("/", |p| p.as_str());
        Ok(Self {
            tls,
            host,
            port: match authority.as_str().strip_prefix(authority.host()) {
                None | Some("") if tls => 443,
                None | Some("") => 80,
                Some(port) => port[1..]
                    .parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or_else(|| wrong("the port is not between 1 and 65535"))?,
            },
            authority: authority.as_str().to_owned(),
            host_header: authority
                .as_str()
                .parse()
                .map_err(|_| wrong("has a host that no header may have"))?,
            target: target
                .parse()
                .map_err(|e| wrong(&format!("has a wrong path: {e}")))?,
        })
    }

    /// The address without the query, which may hold a secret.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{}://{}{}",
            self.scheme(),
            self.authority,
            self.target.path()
        )
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The whole address, as HTTP/2 wants it in a request.
    pub(crate) fn absolute(&self) -> Option<Uri> {
        Uri::builder()
            .scheme(self.scheme())
            .authority(self.authority.as_str())
            .path_and_query(self.target.path_and_query()?.as_str())
            .build()
            .ok()
    }

    /// Whether a connection to the other can be used for this one.
    pub(crate) fn shares_connection(&self, other: &Self) -> bool {
        (self.tls, self.port) == (other.tls, other.port) && self.host == other.host
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
        match (
            cfg!(feature = "tls"),
            Endpoint::parse("https://example.org/x"),
        ) {
            (true, Ok(endpoint)) => {
                assert_eq!((endpoint.tls, endpoint.port), (true, 443));
                assert_eq!(endpoint.absolute().unwrap(), "https://example.org/x");
            }
            (false, Err(error)) => assert!(error.to_string().contains("feature `tls`")),
            (_, other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_reached_is_refused_at_once() {
        for (url, says) in [
            ("ftp://example.org", "ftp"),
            ("example.org/x", "url"),
            ("", "url"),
            ("http://", "url"),
            ("http://user:hunter2@host/", "basic auth"),
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
