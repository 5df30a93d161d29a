//! The body of an answer, taken out of what frames it (RFC 9112, sections 6 and 7).

use super::head::Malformed;
use httparse::{EMPTY_HEADER, Status};

/// The longest line that says how long a chunk is, extensions included.
const LONGEST_LINE: usize = 4 << 10;
/// The longest headers after the last chunk.
const LONGEST_TRAILER: usize = 8 << 10;
/// How many of them there may be.
const MOST_TRAILERS: usize = 64;

/// How the end of a body is known, and how far it has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// It comes in chunks.
    Chunked(Chunk),
    /// It ends with the connection.
    UntilEnd,
}

/// Where in a chunked body we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// Before the line that says how long the next one is.
    Size,
    /// So many bytes of it are left.
    Data(u64),
    /// Before the line end behind it.
    End,
    /// Before the headers behind the last one.
    Trailer,
}

/// What is next in a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// These bytes of it, which stand at the start of what was given.
    Data(&'a [u8]),
    /// So many bytes that are not of it.
    Frame(usize),
    /// What was given does not say yet.
    More,
    /// It is over.
    Done,
}

impl Framing {
    /// No body.
    pub(super) const NONE: Self = Self::Length(0);
    /// A chunked one, at its start.
    pub(super) const CHUNKED: Self = Self::Chunked(Chunk::Size);

    /// Takes the next step into `input`.
    pub(super) fn step<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, Malformed> {
        match self {
            Self::Length(0) => Ok(Step::Done),
            _ if input.is_empty() => Ok(Step::More),
            Self::UntilEnd => Ok(Step::Data(input)),
            Self::Length(left) => Ok(Step::Data(up_to(input, left))),
            Self::Chunked(chunk) => match chunk {
                Chunk::Data(left) => {
                    let data = up_to(input, left);
                    if *left == 0 {
                        *chunk = Chunk::End;
                    }
                    Ok(Step::Data(data))
                }
                // The parser takes a line without a number for a 0.
                Chunk::Size if !input[0].is_ascii_hexdigit() => Err(Malformed),
                Chunk::Size => match httparse::parse_chunk_size(input) {
                    Ok(Status::Complete((length, size))) if length <= LONGEST_LINE => {
                        *chunk = match size {
                            0 => Chunk::Trailer,
                            _ => Chunk::Data(size),
                        };
                        Ok(Step::Frame(length))
                    }
                    Ok(Status::Partial) if input.len() <= LONGEST_LINE => Ok(Step::More),
                    _ => Err(Malformed),
                },
                Chunk::End => match input {
                    [b'\r', b'\n', ..] => {
                        *chunk = Chunk::Size;
                        Ok(Step::Frame(2))
                    }
                    [b'\r'] => Ok(Step::More),
                    _ => Err(Malformed),
                },
                Chunk::Trailer => {
                    let mut headers = [EMPTY_HEADER; MOST_TRAILERS];
                    match httparse::parse_headers(input, &mut headers) {
                        Ok(Status::Complete((length, _))) if length <= LONGEST_TRAILER => {
                            *self = Self::NONE;
                            Ok(Step::Frame(length))
                        }
                        Ok(Status::Partial) if input.len() <= LONGEST_TRAILER => Ok(Step::More),
                        _ => Err(Malformed),
                    }
                }
            },
        }
    }
}

/// As much of `input` as is left.
fn up_to<'a>(input: &'a [u8], left: &mut u64) -> &'a [u8] {
    let length = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
    *left -= length as u64;
    &input[..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The body in what comes in parts of these lengths, and what is left behind it.
    fn read(
        mut framing: Framing,
        wire: &[u8],
        parts: &[usize],
    ) -> Result<(Vec<u8>, usize), Malformed> {
        let mut parts = parts.iter().copied().chain(std::iter::repeat(usize::MAX));
        let (mut body, mut at, mut have) = (Vec::new(), 0, 0);
        loop {
            match framing.step(&wire[at..have])? {
                Step::Data(data) => {
                    assert!(!data.is_empty());
                    body.extend_from_slice(data);
                    at += data.len();
                }
                Step::Frame(length) => {
                    assert!(length > 0 && at + length <= have);
                    at += length;
                }
                Step::Done => return Ok((body, wire.len() - at)),
                Step::More if have == wire.len() => return Ok((body, usize::MAX)),
                Step::More => {
                    let part = parts.next().unwrap().max(1);
                    have = wire.len().min(have.saturating_add(part));
                }
            }
        }
    }

    #[test]
    fn chunks_are_put_together() {
        let wire = b"3\r\nabc\r\n0000A;a=\"b\"\r\n0123456789\r\n0\r\nX: y\r\n\r\nrest";
        let whole = read(Framing::CHUNKED, wire, &[]).unwrap();
        assert_eq!(whole, (b"abc0123456789".to_vec(), 4));
        assert_eq!(read(Framing::CHUNKED, wire, &[1; 100]).unwrap(), whole);
    }

    #[test]
    fn what_is_no_chunk_is_malformed() {
        let long = format!("1;{}\r\n", "x".repeat(LONGEST_LINE));
        let trailer = format!("0\r\n{}", "a: b\r\n".repeat(2000));
        for wire in [
            "x\r\n",
            "-1\r\n",
            "\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "10000000000000000\r\n",
            "0\r\nno header\r\n\r\n",
            &long,
            &trailer,
        ] {
            assert_eq!(
                read(Framing::CHUNKED, wire.as_bytes(), &[1; 99]),
                Err(Malformed),
                "{wire}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_body_comes_through_in_any_parts(
            body in proptest::collection::vec(any::<u8>(), 0..300),
            sizes in proptest::collection::vec(1_usize..50, 1..20),
            parts in proptest::collection::vec(1_usize..40, 0..60),
        ) {
            let (mut wire, mut left) = (Vec::new(), body.as_slice());
            for size in sizes.iter().cycle() {
                let (chunk, rest) = left.split_at(left.len().min(*size));
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
                if chunk.is_empty() {
                    break;
                }
                left = rest;
            }
            wire.extend_from_slice(b"next");
            prop_assert_eq!(read(Framing::CHUNKED, &wire, &parts), Ok((body.clone(), 4)));
            let length = Framing::Length(body.len() as u64);
            let wire = [&body[..], b"next"].concat();
            prop_assert_eq!(read(length, &wire, &parts), Ok((body, 4)));
        }

        #[test]
        fn whatever_comes_is_read_alike_in_any_parts(
            wire in "[0-9a-f;\r\n: x]{0,80}",
            parts in proptest::collection::vec(1_usize..20, 0..30),
        ) {
            let whole = read(Framing::CHUNKED, wire.as_bytes(), &[]);
            prop_assert_eq!(read(Framing::CHUNKED, wire.as_bytes(), &parts), whole);
        }
    }
}
