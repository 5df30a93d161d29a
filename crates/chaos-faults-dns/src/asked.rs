//! A query as far as it has to be understood.

use crate::names;
use hickory_proto::{
    op::{Header, Message, MessageType, OpCode, Query},
    rr::{DNSClass, RecordType},
    serialize::binary::{BinDecodable, BinDecoder},
};
use std::net::{IpAddr, SocketAddr};

/// How a query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) transport: Transport,
    pub(crate) address: IpAddr,
}

impl Client {
    pub(crate) fn new(transport: Transport, address: SocketAddr) -> Self {
        Self {
            transport,
            // What came to a port of both families has an IPv4 address in another form.
            address: address.ip().to_canonical(),
        }
    }
}

/// A standard query with one question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// In lower case, without the last dot.
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) header: Header,
    /// The name as the client has written it.
    pub(crate) question: Query,
}

impl Asked {
    /// Reads a message; `None`: it is no standard query with one question, so no fault hits it.
    pub(crate) fn read(message: &[u8], client: Client) -> Option<Self> {
        let mut decoder = BinDecoder::new(message);
        let header = Header::read(&mut decoder).ok()?;
        let metadata = &header.metadata;
        let standard =
            metadata.message_type == MessageType::Query && metadata.op_code == OpCode::Query;
        if !standard || header.counts.queries != 1 {
            return None;
        }
        let question = Query::read(&mut decoder).ok()?;
        Some(Self {
            name: names::plain(question.name()),
            client,
            header,
            question,
        })
    }

    pub(crate) fn record_type(&self) -> RecordType {
        self.question.query_type()
    }

    /// Whether it is about the internet, and not about the server (the class CH).
    pub(crate) fn is_internet(&self) -> bool {
        matches!(self.question.query_class(), DNSClass::IN | DNSClass::ANY)
    }
}

/// Whether this is a query, of any kind: what comes with the sign of an answer, or without a header, is none.
pub(crate) fn is_query(message: &[u8]) -> bool {
    header(message).is_some_and(|header| header.metadata.message_type == MessageType::Query)
}

/// Whether this may be the answer to that query.
pub(crate) fn answers(message: &[u8], query: &[u8]) -> bool {
    message.get(..2) == query.get(..2)
        && header(message)
            .is_some_and(|header| header.metadata.message_type == MessageType::Response)
}

/// The transaction id.
pub(crate) fn id(message: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*message.first_chunk()?))
}

pub(crate) fn header(message: &[u8]) -> Option<Header> {
    Header::read(&mut BinDecoder::new(message)).ok()
}

/// The whole message, if it can be read to its end.
pub(crate) fn whole(message: &[u8]) -> Option<Message> {
    Message::from_vec(message).ok()
}
