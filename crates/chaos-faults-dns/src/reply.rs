//! An answer that the upstream did not give.

use crate::asked::{self, Asked, Client, Transport};
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
    pub(crate) fn answer_to(&self, asked: &Asked, query: &[u8]) -> Option<Vec<u8>> {
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
        if asked.client.transport == Transport::Udp && bytes.len() > fits {
            message.answers.clear();
            message.metadata.truncation = true;
            return message.to_vec().ok();
        }
        Some(bytes)
    }
}

/// What a forwarder says when the upstream does not answer. `None`: `query` is no query.
pub(crate) fn upstream_failed(query: &[u8], client: Client) -> Option<Vec<u8>> {
    if let Some(asked) = Asked::read(query, client) {
        return Reply::code(ResponseCode::ServFail).answer_to(&asked, query);
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

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::{
        op::Query,
        rr::{RData, rdata::A},
    };
    use proptest::{collection::vec, prelude::*};

    fn query() -> Vec<u8> {
        let mut message = Message::query();
        message.add_query(Query::query("a.b.example.".parse().unwrap(), 1.into()));
        message.set_edns(Edns::new());
        message.to_vec().unwrap()
    }

    /// Of any message: what is told, and whether it is one that somebody else can read.
    fn told(message: &[u8]) {
        let address = RData::A(A::new(192, 0, 2, 1));
        let record = Record::from_rdata("b.example.".parse().unwrap(), 0, address);
        for transport in [Transport::Udp, Transport::Tcp] {
            let client = Client::new(transport, ([127, 0, 0, 1], 1).into());
            let failed = upstream_failed(message, client);
            assert_eq!(failed.is_some(), asked::is_query(message));
            let asked = Asked::read(message, client);
            let replies = [
                Reply::code(ResponseCode::NXDomain),
                Reply::truncated(),
                Reply::records(vec![record.clone(); 60]),
            ];
            let replied = asked.iter().flat_map(|asked| {
                let replied = |reply: &Reply| reply.answer_to(asked, message);
                replies.each_ref().map(replied)
            });
            for answer in replied.chain(failed.into_iter().map(Some)).flatten() {
                let metadata = asked::whole(&answer).unwrap().metadata;
                assert_eq!(metadata.message_type, MessageType::Response);
                assert!(asked::answers(&answer, message));
            }
        }
    }

    proptest! {
        #[test]
        fn anything_is_answered_readably_or_not_at_all(message in vec(any::<u8>(), 0..300)) {
            told(&message);
        }

        #[test]
        fn what_is_nearly_a_query_is_answered_readably_or_not_at_all(
            changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            length in 0..80_usize,
        ) {
            let mut message = query();
            for (at, byte) in changes {
                let at = at.index(message.len());
                message[at] = byte;
            }
            message.truncate(length);
            told(&message);
        }
    }
}
