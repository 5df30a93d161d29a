//! Which fields of a message's head pass from one connection to the next.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that belong to one connection and do not pass (RFC 9110, section 7.6.1). How a body is coded passes, and which
/// codings are welcome, as the body is not coded anew.
const HOP_BY_HOP: [HeaderName; 4] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::UPGRADE,
];

/// What `name` lists, separated by commas.
fn listed(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
}

/// Whether this is asked for of the connection.
pub(crate) fn has_option(headers: &HeaderMap, option: &str) -> bool {
    listed(headers, header::CONNECTION).any(|listed| listed.eq_ignore_ascii_case(option))
}

/// Takes the headers out that belong to one connection; those of an upgrade stay.
pub(crate) fn without_hop_by_hop(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    let named: Vec<HeaderName> = listed(headers, header::CONNECTION)
        .filter_map(|name| name.parse().ok())
        .filter(|name| ![header::TE, header::TRANSFER_ENCODING].contains(name))
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        // It does not count then, and the next server must not think so (RFC 9112, section 6.3).
        headers.remove(header::CONTENT_LENGTH);
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}

/// Whether the body is coded for the transfer, by more than being cut into chunks.
pub(crate) fn is_coded(headers: &HeaderMap) -> bool {
    let none = ["", "chunked", "identity"];
    let is_none = |coding: &str| none.iter().any(|none| coding.eq_ignore_ascii_case(none));
    listed(headers, header::TRANSFER_ENCODING).any(|coding| !is_none(coding))
}

/// Does not let the next server code the body for the transfer; trailers are taken as before.
pub(crate) fn without_codings_of_transfer(headers: &mut HeaderMap) {
    let trailers = listed(headers, header::TE).any(|one| one.eq_ignore_ascii_case("trailers"));
    match trailers {
        true => headers.insert(header::TE, HeaderValue::from_static("trailers")),
        false => headers.remove(header::TE),
    };
}

/// Makes one field of the cookies, which HTTP/2 may send in several (RFC 9113, section 8.2.3).
pub(crate) fn with_one_cookie_field(headers: &mut HeaderMap) {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let cookies: Vec<&[u8]> = cookies.map(HeaderValue::as_bytes).collect();
    if cookies.len() < 2 {
        return;
    }
    // What is joined by what is allowed is allowed.
    if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_connection_does_not_pass() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Mine, TE"),
            ("x-mine", "1"),
            ("x-other", "2"),
            ("keep-alive", "3"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
        ] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        without_hop_by_hop(&mut headers, None);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["te", "x-other"]);
        without_hop_by_hop(&mut headers, Some(HeaderValue::from_static("websocket")));
        assert_eq!(headers["connection"], "upgrade");
    }

    #[test]
    fn how_a_body_is_coded_passes_and_counts_more_than_a_length() {
        for (codings, coded) in [
            ("chunked", false),
            ("Chunked", false),
            ("gzip, chunked", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::TRANSFER_ENCODING, codings.parse().unwrap());
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(4));
            without_hop_by_hop(&mut headers, None);
            assert_eq!(headers[header::TRANSFER_ENCODING], codings);
            assert!(!headers.contains_key(header::CONTENT_LENGTH));
            assert_eq!(is_coded(&headers), coded, "{codings}");
        }
    }
}
