//! Clients that say exactly what they are told to, and hear exactly what comes.

use super::within;
use hickory_proto::{
    op::{Edns, Message},
    rr::{Name, RecordType},
};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU16, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

/// A query to be made.
pub(crate) struct Query(Message);

impl Query {
    pub(crate) fn of(name: &str, record_type: RecordType) -> Self {
        static ID: AtomicU16 = AtomicU16::new(0x1234);
        let mut message = Message::query();
        message.metadata.id = ID.fetch_add(1, Ordering::Relaxed);
        message.metadata.recursion_desired = true;
        let mut question = hickory_proto::op::Query::new();
        question.set_name(Name::from_ascii(name).unwrap());
        question.set_query_type(record_type);
        message.add_query(question);
        Self(message)
    }

    pub(crate) fn a(name: &str) -> Self {
        Self::of(name, RecordType::A)
    }

    pub(crate) fn edns(mut self, payload: u16) -> Self {
        let mut edns = Edns::new();
        edns.set_max_payload(payload).set_dnssec_ok(true);
        self.0.set_edns(edns);
        self
    }

    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Message)) -> Self {
        change(&mut self.0);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.to_vec().unwrap()
    }
}

/// Asks by UDP, and waits for the answer.
pub(crate) async fn udp(address: SocketAddr, query: &[u8]) -> Vec<u8> {
    let any = if address.is_ipv4() {
        "127.0.0.1:0"
    } else {
        "[::1]:0"
    };
    let socket = UdpSocket::bind(any).await.unwrap();
    socket.connect(address).await.unwrap();
    socket.send(query).await.unwrap();
    let mut answer = vec![0; 65_535];
    let length = within(socket.recv(&mut answer)).await.unwrap();
    answer.truncate(length);
    answer
}

/// A client by TCP.
pub(crate) struct Tcp(pub(crate) TcpStream);

impl Tcp {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(within(TcpStream::connect(address)).await.unwrap())
    }

    pub(crate) async fn say(&mut self, message: &[u8]) {
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        let framed = [&length, message].concat();
        within(self.0.write_all(&framed)).await.unwrap();
    }

    pub(crate) async fn hear(&mut self) -> Vec<u8> {
        let length = within(self.0.read_u16()).await.unwrap();
        let mut message = vec![0; length.into()];
        within(self.0.read_exact(&mut message)).await.unwrap();
        message
    }

    pub(crate) async fn ask(&mut self, query: &[u8]) -> Vec<u8> {
        self.say(query).await;
        self.hear().await
    }

    /// Whether the other side ends the connection, instead of saying anything.
    pub(crate) async fn ended(&mut self) -> bool {
        !matches!(within(self.0.read(&mut [0])).await, Ok(1..))
    }
}
