//! Netlink messages, of whatever family.

/// What can be said of a request, beside that it is one (`linux/netlink.h`).
pub(crate) mod flags {
    /// `NLM_F_REQUEST`.
    pub(super) const REQUEST: u16 = 0x1;
    /// `NLM_F_ACK`: say when it is done.
    pub(super) const ACK: u16 = 0x4;
    /// `NLM_F_DUMP`: list all.
    pub(super) const DUMP: u16 = 0x300;
    /// `NLM_F_EXCL`: fail when it is there.
    pub(crate) const EXCL: u16 = 0x200;
    /// `NLM_F_REPLACE`: take the place of what is there.
    pub(crate) const REPLACE: u16 = 0x100;
    /// `NLM_F_CREATE`.
    pub(crate) const CREATE: u16 = 0x400;
    /// `NLM_F_APPEND`.
    pub(crate) const APPEND: u16 = 0x800;
}

/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `NLM_F_ACK_TLVS`: attributes come after the error.
const ACK_TLVS: u16 = 0x200;
/// `NLM_F_CAPPED`: of the request only its header is repeated.
const CAPPED: u16 = 0x100;
/// `NLMSGERR_ATTR_MSG`.
const SAID: u16 = 1;

/// What comes back for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Nothing.
    Nothing,
    /// An acknowledgement, or an error.
    Result,
    /// What was asked for, or an error.
    One,
    /// Any number of things.
    List,
}

/// What is asked for: a type, flags, and the family's own header with its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
    pub(super) expect: Expect,
}

impl Request {
    /// Something to be done.
    pub(crate) fn act(kind: u16, flags: u16, body: Vec<u8>) -> Self {
        Self {
            kind,
            flags: flags | flags::ACK,
            body,
            expect: Expect::Result,
        }
    }

    /// Something to be told.
    pub(crate) fn get(kind: u16, body: Vec<u8>) -> Self {
        Self {
            kind,
            flags: 0,
            body,
            expect: Expect::One,
        }
    }

    /// Everything to be listed.
    pub(crate) fn list(kind: u16, body: Vec<u8>) -> Self {
        Self {
            kind,
            flags: flags::DUMP,
            body,
            expect: Expect::List,
        }
    }

    /// Something that nobody answers.
    pub(crate) fn tell(kind: u16, body: Vec<u8>) -> Self {
        Self {
            kind,
            flags: 0,
            body,
            expect: Expect::Nothing,
        }
    }

    /// Appends the message to `to`.
    pub(crate) fn encode(&self, sequence: u32, to: &mut Vec<u8>) {
        let len = HEADER + self.body.len();
        to.extend(u32::try_from(len).unwrap_or(u32::MAX).to_ne_bytes());
        to.extend(self.kind.to_ne_bytes());
        to.extend((flags::REQUEST | self.flags).to_ne_bytes());
        to.extend(sequence.to_ne_bytes());
        to.extend([0; 4]);
        to.extend(&self.body);
        to.resize(to.len().next_multiple_of(4), 0);
    }
}

/// A message from the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// An acknowledgement, or with a number other than 0 an error and what the kernel says of it.
    Result {
        sequence: u32,
        errno: i32,
        said: Option<String>,
    },
    /// The end of a list.
    Done { sequence: u32 },
    /// Something that is: its type, and the family's own header with the attributes.
    Is {
        sequence: u32,
        kind: u16,
        body: &'a [u8],
    },
}

/// The messages in what was received; what is cut off at its end is left out.
pub(crate) fn answers(mut bytes: &[u8]) -> impl Iterator<Item = Answer<'_>> {
    std::iter::from_fn(move || {
        loop {
            let header = bytes.get(..HEADER)?;
            let number = |at: usize| {
                let word: [u8; 4] = header[at..at + 4].try_into().unwrap_or_default();
                u32::from_ne_bytes(word)
            };
            let len = usize::try_from(number(0)).ok()?;
            let kind = u16::from_ne_bytes([header[4], header[5]]);
            let flags = u16::from_ne_bytes([header[6], header[7]]);
            let sequence = number(8);
            let body = bytes.get(HEADER..len)?;
            bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
            match kind {
                1 => {}
                2 => {
                    let errno = body
                        .first_chunk()
                        .map_or(-libc::EIO, |e| i32::from_ne_bytes(*e));
                    return Some(Answer::Result {
                        sequence,
                        errno: -errno,
                        said: said(flags, body),
                    });
                }
                3 => return Some(Answer::Done { sequence }),
                kind => {
                    return Some(Answer::Is {
                        sequence,
                        kind,
                        body,
                    });
                }
            }
        }
    })
}

/// What the kernel says of an error, after the number and the request that it repeats.
fn said(flags: u16, body: &[u8]) -> Option<String> {
    if flags & ACK_TLVS == 0 {
        return None;
    }
    let repeated = body.get(4..8)?.first_chunk()?;
    let repeated = match flags & CAPPED {
        0 => usize::try_from(u32::from_ne_bytes(*repeated)).ok()?,
        _ => HEADER,
    };
    let attributes = body.get(4 + repeated.next_multiple_of(4)..)?;
    let text = super::find(attributes, SAID)?;
    let text = text.strip_suffix(&[0]).unwrap_or(text);
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{super::Attributes, *};

    #[test]
    fn a_message_has_its_header_and_length() {
        let mut bytes = Vec::new();
        let request = Request::act(0xA00, flags::CREATE | flags::EXCL, vec![1, 0, 0, 0, 9]);
        request.encode(7, &mut bytes);
        assert_eq!(bytes.len(), 16 + 8);
        assert_eq!(bytes[..4], 21_u32.to_ne_bytes());
        assert_eq!(bytes[4..6], 0xA00_u16.to_ne_bytes());
        assert_eq!(bytes[6..8], 0x605_u16.to_ne_bytes());
        assert_eq!(bytes[8..12], 7_u32.to_ne_bytes());
        assert_eq!(bytes[16..], [1, 0, 0, 0, 9, 0, 0, 0]);
    }

    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u32::try_from(16 + body.len()).unwrap().to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(9_u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn answers_are_read_and_garbage_is_not() {
        let number = (-17_i32).to_ne_bytes();
        let plain = message(2, 0, &number);
        let text = Attributes::new().text(SAID, "File exists");
        let request = message(0xA00, 0, &[]);
        let talkative = message(
            2,
            ACK_TLVS | CAPPED,
            &[&number[..], &request, text.as_bytes()].concat(),
        );
        let bytes = [plain, talkative, message(0xA00, 0, &[5; 8])].concat();
        let read: Vec<Answer<'_>> = answers(&bytes).collect();
        let result = |said: Option<&str>| Answer::Result {
            sequence: 9,
            errno: 17,
            said: said.map(str::to_owned),
        };
        assert_eq!(
            read,
            [
                result(None),
                result(Some("File exists")),
                Answer::Is {
                    sequence: 9,
                    kind: 0xA00,
                    body: &[5; 8]
                }
            ]
        );
        for garbage in [&[][..], &[0; 16], &[255; 40], &bytes[..30][21..]] {
            assert_eq!(answers(garbage).count(), 0, "{garbage:?}");
        }
    }
}
