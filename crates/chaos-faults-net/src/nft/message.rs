//! Messages to and from nftables.

use crate::netlink::{Attributes, Request, flags};

/// `NFNL_SUBSYS_NFTABLES`.
const NFTABLES: u16 = 10;
/// `NFPROTO_INET`: IPv4 and IPv6. Never 0, which stands for every family when deleting.
const INET: u8 = 1;

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
    ListRules,
}

impl Ask {
    /// The number of its answer: what comes back says that something is, not that it was asked for.
    pub(crate) const TABLE: u16 = NFTABLES << 8;
    pub(crate) const RULE: u16 = NFTABLES << 8 | 6;
    /// `struct nfgenmsg`.
    pub(crate) const HEADER: usize = 4;

    /// The message.
    pub(crate) fn with(self, attributes: &Attributes) -> Request {
        let body = |family: u8, resource: u16| {
            let mut body = vec![family, 0];
            body.extend(resource.to_be_bytes());
            body.extend(attributes.as_bytes());
            body
        };
        let kind = |number: u16| NFTABLES << 8 | number;
        let inet = body(INET, 0);
        match self {
            Self::BatchBegin => Request::tell(16, body(0, NFTABLES)),
            Self::BatchEnd => Request::tell(17, body(0, NFTABLES)),
            Self::AddTable => Request::act(kind(0), flags::CREATE | flags::EXCL, inet),
            Self::FindTable => Request::get(kind(1), inet),
            Self::ListTables => Request::list(kind(1), inet),
            Self::DeleteTable => Request::act(kind(2), 0, inet),
            Self::AddChain => Request::act(kind(3), flags::CREATE | flags::EXCL, inet),
            Self::ListRules => Request::list(kind(7), inet),
            Self::AddRule => Request::act(kind(6), flags::CREATE | flags::APPEND, inet),
        }
    }
}
