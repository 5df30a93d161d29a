//! The head of an answer (RFC 9112).

use super::body::Framing;
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::{Header, ParserConfig, Response, Status};
use std::mem::MaybeUninit;

/// More headers than this are no answer.
const MOST_HEADERS: usize = 128;

/// What is no HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Empty unless they are wanted.
    pub(super) headers: HeaderMap,
    /// Where the body ends.
    pub(super) framing: Framing,
    /// Whether the connection can be used again after it.
    pub(super) persistent: bool,
}

/// What is asked of the parser.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The request was a HEAD: there is no body, whatever the headers say.
    pub(super) no_body: bool,
    /// The headers are to be kept.
    pub(super) headers: bool,
}

impl Head {
    /// Reads the head at the start of `bytes`, and how long it is; none while it is not whole.
    pub(super) fn parse(bytes: &[u8], wanted: Wanted) -> Result<Option<(Self, usize)>, Malformed> {
        let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MOST_HEADERS];
        let mut response = Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            bytes,
            &mut headers,
        );
        let length = match parsed {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err(Malformed),
        };
        let status = response.code.ok_or(Malformed)?;
        let mut hints = Hints::default();
        for header in response.headers.iter() {
            hints.see(header)?;
        }
        // RFC 9112, 9.3: 1.1 keeps unless it says otherwise, 1.0 closes unless it does.
        let new = response.version == Some(1);
        let mut persistent = !hints.close && (new || hints.keep_alive);
        let framing = match status {
            _ if wanted.no_body => Framing::NONE,
            // 101 hands the connection over to another protocol.
            101 => {
                persistent = false;
                Framing::NONE
            }
            100..=199 | 204 | 304 => Framing::NONE,
            _ => hints.framing(&mut persistent),
        };
        let headers = match wanted.headers {
            true => kept(response.headers)?,
            false => HeaderMap::new(),
        };
        let head = Self {
            status,
            headers,
            framing,
            persistent: persistent && framing != Framing::UntilEnd,
        };
        Ok(Some((head, length)))
    }

    /// Whether the answer is still to come (RFC 9110, 15.2).
    pub(super) fn is_interim(&self) -> bool {
        (100..=199).contains(&self.status) && self.status != 101
    }
}

fn kept(headers: &[Header<'_>]) -> Result<HeaderMap, Malformed> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| Malformed)?;
        let value = HeaderValue::from_bytes(header.value).map_err(|_| Malformed)?;
        map.append(name, value);
    }
    Ok(map)
}

/// What the headers say of the body and of the connection.
#[derive(Debug, Default)]
struct Hints {
    length: Option<u64>,
    /// How the body is coded in transfer, if it is; the last one decides.
    coding: Option<Coding>,
    close: bool,
    keep_alive: bool,
}

#[derive(Debug, Clone, Copy)]
enum Coding {
    Chunked,
    Other,
}

impl Hints {
    fn see(&mut self, header: &Header<'_>) -> Result<(), Malformed> {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            // One number, however often (RFC 9112, 6.3).
            for item in items(header.value) {
                let length = number(item)?;
                if self.length.replace(length).is_some_and(|l| l != length) {
                    return Err(Malformed);
                }
            }
        } else if is("transfer-encoding") {
            for item in items(header.value) {
                self.coding = Some(match item.eq_ignore_ascii_case(b"chunked") {
                    true => Coding::Chunked,
                    false => Coding::Other,
                });
            }
        } else if is("connection") {
            for item in items(header.value) {
                self.close |= item.eq_ignore_ascii_case(b"close");
                self.keep_alive |= item.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        Ok(())
    }

    fn framing(&self, persistent: &mut bool) -> Framing {
        // Both may be an attempt to smuggle something in.
        *persistent &= self.coding.is_none() || self.length.is_none();
        match (self.coding, self.length) {
            (Some(Coding::Chunked), _) => Framing::CHUNKED,
            (Some(Coding::Other), _) | (None, None) => Framing::UntilEnd,
            (None, Some(length)) => Framing::Length(length),
        }
    }
}

/// What stands between the commas.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| *b == b',').map(<[u8]>::trim_ascii)
}

/// Digits alone: no sign, no space.
fn number(digits: &[u8]) -> Result<u64, Malformed> {
    if digits.is_empty() {
        return Err(Malformed);
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'));
        number
            .checked_mul(10)
            .and_then(|n| n.checked_add(digit?))
            .ok_or(Malformed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Wanted = Wanted {
        no_body: false,
        headers: true,
    };

    fn parse(head: &str) -> Result<Option<(Head, usize)>, Malformed> {
        Head::parse(head.as_bytes(), ANY)
    }

    /// What is said of the body and of the connection.
    fn said(headers: &str) -> Result<(Framing, bool), Malformed> {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
        let (head, length) = parse(&head)?.unwrap();
        assert_eq!(length, 19 + headers.len());
        Ok((head.framing, head.persistent))
    }

    #[test]
    fn the_end_of_a_body_is_known_from_the_headers() {
        for (headers, framing, persistent) in [
            ("Content-Length: 5\r\n", Framing::Length(5), true),
            ("content-length: 5, 5\r\n", Framing::Length(5), true),
            ("Transfer-Encoding: Chunked\r\n", Framing::CHUNKED, true),
            (
                "Transfer-Encoding: gzip, chunked\r\n",
                Framing::CHUNKED,
                true,
            ),
            (
                "Transfer-Encoding: chunked, gzip\r\n",
                Framing::UntilEnd,
                false,
            ),
            (
                "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                Framing::CHUNKED,
                false,
            ),
            ("", Framing::UntilEnd, false),
            (
                "Content-Length: 0\r\nConnection: x, close\r\n",
                Framing::Length(0),
                false,
            ),
        ] {
            assert_eq!(said(headers), Ok((framing, persistent)), "{headers}");
        }
    }

    #[test]
    fn lengths_that_are_none_are_malformed() {
        for value in ["", "x", "-1", "+5", "5, 6", "0x5", "99999999999999999999"] {
            let headers = format!("Content-Length: {value}\r\n");
            assert_eq!(said(&headers), Err(Malformed), "{value}");
        }
    }

    #[test]
    fn some_answers_have_no_body() {
        for status in [100, 101, 204, 304] {
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n");
            let (head, _) = parse(&head).unwrap().unwrap();
            assert_eq!(head.framing, Framing::NONE, "{status}");
            assert_eq!(head.is_interim(), status == 100, "{status}");
            assert_eq!(head.persistent, status != 101, "{status}");
        }
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let wanted = Wanted {
            no_body: true,
            headers: false,
        };
        let (head, _) = Head::parse(head, wanted).unwrap().unwrap();
        assert_eq!((head.framing, head.headers.len()), (Framing::NONE, 0));
    }

    #[test]
    fn the_old_version_keeps_a_connection_only_when_it_says_so() {
        for (connection, persistent) in [("", false), ("Connection: Keep-Alive\r\n", true)] {
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n{connection}\r\n");
            assert_eq!(parse(&head).unwrap().unwrap().0.persistent, persistent);
        }
    }

    #[test]
    fn what_is_no_head_is_malformed_and_what_is_no_whole_one_is_none_yet() {
        for bytes in ["", "HTTP", "HTTP/1.1 200 OK\r\nA: b\r\n"] {
            assert!(parse(bytes).unwrap().is_none(), "{bytes}");
        }
        let many = "a: b\r\n".repeat(MOST_HEADERS + 1);
        for bytes in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "\0\0\x12\u{4}\0",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
            &format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        ] {
            assert_eq!(parse(bytes).map(|_| ()), Err(Malformed), "{bytes}");
        }
    }

    #[test]
    fn the_headers_are_kept_when_they_are_wanted() {
        let head = "HTTP/1.1 200 OK\r\nX-Version: 7\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n";
        let (head, _) = parse(head).unwrap().unwrap();
        assert_eq!(head.headers["x-version"], "7");
        assert_eq!(head.headers.get_all("set-cookie").iter().count(), 2);
    }
}
