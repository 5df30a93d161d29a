//! Netlink messages to and from nftables.

use super::attributes::Attributes;

/// `NLM_F_REQUEST`.
const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`.
const ACK: u16 = 0x4;
/// `NLM_F_DUMP`.
const DUMP: u16 = 0x300;
/// `NLM_F_EXCL`: fail when it is there.
const EXCL: u16 = 0x200;
/// `NLM_F_CREATE`.
const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`.
const APPEND: u16 = 0x800;

/// `NFNL_SUBSYS_NFTABLES`.
const NFTABLES: u16 = 10;
/// `NFPROTO_INET`: IPv4 and IPv6. Never 0, which stands for every family when deleting.
const INET: u8 = 1;

/// `struct nlmsghdr` and, after it, `struct nfgenmsg`.
const HEADER: usize = 16;
const FAMILY: usize = 4;

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    BatchBegin,
    BatchEnd,
    ListTables,
    FindTable,
    AddTable,
    DeleteTable,
    AddChain,
    AddRule,
}

impl Ask {
    /// The number of its answer: what comes back says that something is, not that it was asked for.
    pub(crate) const TABLE: u16 = NFTABLES << 8;

    /// Type, flags, family and resource id.
    fn header(self) -> (u16, u16, u8, u16) {
        let ask = |number: u16, flags| (NFTABLES << 8 | number, REQUEST | flags, INET, 0);
        match self {
            Self::BatchBegin => (16, REQUEST, 0, NFTABLES),
            Self::BatchEnd => (17, REQUEST, 0, NFTABLES),
            Self::AddTable => ask(0, ACK | CREATE | EXCL),
            Self::FindTable => ask(1, 0),
            Self::ListTables => ask(1, DUMP),
            Self::DeleteTable => ask(2, ACK),
            Self::AddChain => ask(3, ACK | CREATE | EXCL),
            Self::AddRule => ask(6, ACK | CREATE | APPEND),
        }
    }

    /// Whether an acknowledgement comes back.
    pub(crate) fn is_acknowledged(self) -> bool {
        self.header().1 & ACK != 0
    }

    /// Appends the message to `to`.
    pub(crate) fn encode(self, sequence: u32, attributes: &Attributes, to: &mut Vec<u8>) {
        let (kind, flags, family, resource) = self.header();
        let len = HEADER + FAMILY + attributes.as_bytes().len();
        to.extend(u32::try_from(len).unwrap_or(u32::MAX).to_ne_bytes());
        to.extend(kind.to_ne_bytes());
        to.extend(flags.to_ne_bytes());
        to.extend(sequence.to_ne_bytes());
        to.extend([0; 4]);
        to.extend([family, 0]);
        to.extend(resource.to_be_bytes());
        to.extend(attributes.as_bytes());
    }
}

/// A message from the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// An acknowledgement, or with a number other than 0 an error.
    Result { sequence: u32, errno: i32 },
    /// The end of a list.
    Done { sequence: u32 },
    /// Something that is: its type and attributes.
    Is {
        sequence: u32,
        kind: u16,
        attributes: &'a [u8],
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
            let sequence = number(8);
            let body = bytes.get(HEADER..len)?;
            bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
            match kind {
                1 => {}
                2 => {
                    let errno = body
                        .first_chunk()
                        .map_or(-libc::EIO, |e| i32::from_ne_bytes(*e));
                    let errno = -errno;
                    return Some(Answer::Result { sequence, errno });
                }
                3 => return Some(Answer::Done { sequence }),
                kind => {
                    let attributes = body.get(FAMILY..).unwrap_or_default();
                    return Some(Answer::Is {
                        sequence,
                        kind,
                        attributes,
                    });
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_header_family_and_length() {
        let mut bytes = Vec::new();
        let name = Attributes::new().text(1, "chaos-x");
        Ask::AddTable.encode(7, &name, &mut bytes);
        assert_eq!(bytes.len(), 16 + 4 + 12);
        assert_eq!(bytes[..4], 32_u32.to_ne_bytes());
        assert_eq!(bytes[4..6], 0xA00_u16.to_ne_bytes());
        assert_eq!(bytes[6..8], 0x605_u16.to_ne_bytes());
        assert_eq!(bytes[8..12], 7_u32.to_ne_bytes());
        assert_eq!(bytes[16..20], [1, 0, 0, 0]);
    }

    #[test]
    fn answers_are_read_and_garbage_is_not() {
        let mut bytes = Vec::new();
        for (len, kind) in [(20_u32, 2_u16), (24, Ask::TABLE)] {
            bytes.extend(len.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend([0, 0]);
            bytes.extend(9_u32.to_ne_bytes());
            bytes.extend([0; 4]);
            bytes.extend((-17_i32).to_ne_bytes());
            bytes.resize(bytes.len() + usize::try_from(len - 20).unwrap(), 5);
        }
        let read: Vec<Answer<'_>> = answers(&bytes).collect();
        assert_eq!(
            read,
            [
                Answer::Result {
                    sequence: 9,
                    errno: 17
                },
                Answer::Is {
                    sequence: 9,
                    kind: Ask::TABLE,
                    attributes: &[5; 4]
                }
            ]
        );
        for garbage in [&[][..], &[0; 16], &[255; 40], &bytes[..30][20..]] {
            assert_eq!(answers(garbage).count(), 0, "{garbage:?}");
        }
    }
}
