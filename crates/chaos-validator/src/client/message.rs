//! A request that is ready to be sent, as often as it is wanted.

use super::Endpoint;
use bytes::Bytes;
use chaos_core::ConfigError;
use http::{
    HeaderMap, HeaderName, Method, Request,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
};
use http_body_util::Full;
use std::fmt;

/// A request that is ready to be sent, as often as it is wanted.
pub(crate) struct Message {
    endpoint: Endpoint,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
    /// As HTTP/1.1 has it, up to the body.
    head: Bytes,
    closes: bool,
}

impl Message {
    /// A request to an endpoint.
    ///
    /// # Errors
    /// Headers that say something else of the body than is sent.
    pub(crate) fn new(
        endpoint: Endpoint,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Self, ConfigError> {
        let wrong = |name: HeaderName, problem: String| {
            Err(ConfigError::field(format!("headers.{name}"), problem))
        };
        if method == Method::CONNECT {
            return Err(ConfigError::field("method", "`CONNECT` asks for a tunnel")
                .help("name the address behind the proxy itself"));
        }
        if headers.contains_key(TRANSFER_ENCODING) {
            return wrong(TRANSFER_ENCODING, "is not for you to say".to_owned())
                .map_err(|e: ConfigError| e.help("a body is sent with its length"));
        }
        let length = body.len();
        if headers
            .get_all(CONTENT_LENGTH)
            .iter()
            .any(|said| *said != length.to_string())
        {
            return wrong(CONTENT_LENGTH, format!("the body has {length} bytes"));
        }
        let closes = headers.get_all(CONNECTION).iter().any(|value| {
            let items = value.as_bytes().split(|b| *b == b',');
            items
                .map(<[u8]>::trim_ascii)
                .any(|item| item.eq_ignore_ascii_case(b"close"))
        });
        Ok(Self {
            head: head(&endpoint, &method, &headers, length),
            endpoint,
            method,
            headers,
            body,
            closes,
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What HTTP/1.1 sends: the head, and the body.
    pub(super) fn parts(&self) -> (Bytes, Bytes) {
        (self.head.clone(), self.body.clone())
    }

    /// Whether it asks for the end of the connection.
    pub(super) fn closes(&self) -> bool {
        self.closes
    }

    /// Whether its answer has no body, whatever the headers say.
    pub(super) fn asks_for_no_body(&self) -> bool {
        self.method == Method::HEAD
    }

    /// What HTTP/2 sends.
    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        request.headers_mut().clone_from(&self.headers);
        // The address says it.
        request.headers_mut().remove(HOST);
        if let Some(uri) = self.endpoint.absolute() {
            *request.uri_mut() = uri;
        }
        request
    }
}

/// RFC 9112, sections 3 and 5.
fn head(endpoint: &Endpoint, method: &Method, headers: &HeaderMap, length: usize) -> Bytes {
    let mut head = format!("{method} {} HTTP/1.1\r\n", endpoint.target).into_bytes();
    let mut line = |name: &HeaderName, value: &[u8]| {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    };
    if !headers.contains_key(HOST) {
        line(&HOST, endpoint.host_header.as_bytes());
    }
    for (name, value) in headers {
        line(name, value.as_bytes());
    }
    // RFC 9110, 8.6: said for methods that are expected to have a body even when it is empty.
    let expected = [Method::POST, Method::PUT, Method::PATCH].contains(method);
    if (length > 0 || expected) && !headers.contains_key(CONTENT_LENGTH) {
        line(&CONTENT_LENGTH, length.to_string().as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

/// Without query, headers and body, which may hold secrets.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("method", &self.method)
            .field("endpoint", &self.endpoint.describe())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(method: &str, headers: &[(&str, &str)], body: &str) -> Result<Message, ConfigError> {
        let endpoint = Endpoint::parse("http://localhost:80/a?b=c").unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let body = Bytes::from(body.to_owned());
        Message::new(endpoint, method.parse().unwrap(), map, body)
    }

    #[test]
    fn a_head_says_where_it_goes_and_how_long_the_body_is() {
        for (method, headers, body, head) in [
            (
                "GET",
                &[][..],
                "",
                "GET /a?b=c HTTP/1.1\r\nhost: localhost:80\r\n\r\n",
            ),
            (
                "POST",
                &[("X-A", "1"), ("x-a", "2")],
                "",
                "POST /a?b=c HTTP/1.1\r\nhost: localhost:80\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n",
            ),
            (
                "DELETE",
                &[("Host", "other"), ("Content-Length", "2")],
                "{}",
                "DELETE /a?b=c HTTP/1.1\r\nhost: other\r\ncontent-length: 2\r\n\r\n",
            ),
        ] {
            let message = message(method, headers, body).unwrap();
            assert_eq!(message.head, head.as_bytes(), "{method}");
            assert!(!message.closes());
        }
        assert!(
            message("GET", &[("connection", "x, Close")], "")
                .unwrap()
                .closes()
        );
    }

    #[test]
    fn headers_that_say_something_else_of_the_body_are_refused() {
        for (method, header, says) in [
            (
                "POST",
                ("Content-Length", "3"),
                "headers.content-length: the body has 2 bytes",
            ),
            (
                "POST",
                ("Transfer-Encoding", "chunked"),
                "headers.transfer-encoding",
            ),
            ("CONNECT", ("a", "b"), "method"),
        ] {
            let error = message(method, &[header], "{}").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let message = message("GET", &[("authorization", "hunter2")], "hunter2").unwrap();
        let said = format!("{message:?}");
        assert!(
            said.contains("http://localhost:80/a") && !said.contains("hunter2"),
            "{said}"
        );
    }
}
