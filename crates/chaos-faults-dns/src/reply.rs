//! An answer that the upstream did not give.

use crate::asked::{self, Asked, Transport};
use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, ResponseCode},
    rr::Record,
};

/// What a client is told in place of the upstream's answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) code: ResponseCode,
    pub(crate) truncated: bool,
    pub(crate) records: Vec<Record>,
}

impl Reply {
    /// No records, and a reason.
    pub(crate) const fn code(code: ResponseCode) -> Self {
        Self {
            code,
            truncated: false,
            records: Vec::new(),
        }
    }

    /// "There is more: come again by TCP."
    pub(crate) const fn truncated() -> Self {
        Self {
            code: ResponseCode::NoError,
            truncated: true,
            records: Vec::new(),
        }
    }

    pub(crate) const fn records(records: Vec<Record>) -> Self {
        Self {
            code: ResponseCode::NoError,
            truncated: false,
            records,
        }
    }

    /// The message that answers `query`. `None`: it would be too long for any message.
    pub(crate) fn to(&self, asked: &Asked, query: &[u8]) -> Option<Vec<u8>> {
        let mut message = Message::error_msg(asked.header.metadata.id, OpCode::Query, self.code);
        let metadata = &mut message.metadata;
        metadata.recursion_desired = asked.header.metadata.recursion_desired;
        metadata.recursion_available = true;
        metadata.checking_disabled = asked.header.metadata.checking_disabled;
        metadata.truncation = self.truncated;
        message.add_query(asked.question.clone());
        message.add_answers(self.records.iter().cloned());
        // Who speaks EDNS is answered with it: RFC 6891, section 6.1.1.
        let whole = asked::whole(query);
        if let Some(edns) = whole.as_ref().and_then(|whole| whole.edns.as_ref()) {
            let mut ours = Edns::new();
            ours.set_dnssec_ok(edns.flags().dnssec_ok);
            message.set_edns(ours);
        }
        let fits = whole.map_or(512, |whole| usize::from(whole.max_payload()));
        let bytes = message.to_vec().ok()?;
        if asked.transport == Transport::Udp && bytes.len() > fits {
            message.answers.clear();
            message.metadata.truncation = true;
            return message.to_vec().ok();
        }
        Some(bytes)
    }
}

/// What a forwarder says when the upstream does not answer. `None`: `query` is no query.
pub(crate) fn upstream_failed(query: &[u8], transport: Transport) -> Option<Vec<u8>> {
    if let Some(asked) = Asked::read(query, transport) {
        return Reply::code(ResponseCode::ServFail).to(&asked, query);
    }
    let metadata = asked::header(query)?.metadata;
    if metadata.message_type != MessageType::Query {
        return None;
    }
    let code = ResponseCode::ServFail;
    let mut message = Message::error_msg(metadata.id, metadata.op_code, code);
    message.metadata.recursion_desired = metadata.recursion_desired;
    message.to_vec().ok()
}
