//! A resolver whose answers are told by the query.

use chaos_faults_dns::{DnsProxy, DnsProxyBuilder};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinHandle,
};

/// The answer to any query: itself, with the sign of an answer and something that no library would write.
pub(crate) fn echo(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2] |= 0x80;
    answer.extend_from_slice(b"\0\xff as it is");
    answer
}

#[derive(Default)]
pub(crate) struct Seen {
    asked: Mutex<Vec<(Vec<u8>, SocketAddr)>>,
    pub(crate) connections: AtomicUsize,
    pub(crate) open: AtomicUsize,
}

/// Answers with [`echo`], after what names with these words ask for: `lies` an answer of another id first,
/// `silent` none, `transfer` three messages (TCP), `once` the end of the connection after it (TCP).
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Upstream {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let (udp, tcp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = tcp.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let tasks = [
            tokio::spawn(by_udp(udp, Arc::clone(&seen))),
            tokio::spawn(by_tcp(tcp, Arc::clone(&seen))),
        ];
        Self {
            address,
            seen,
            tasks,
        }
    }

    pub(crate) async fn proxy(&self) -> DnsProxy {
        self.builder().open().await.unwrap()
    }

    pub(crate) fn builder(&self) -> DnsProxyBuilder {
        DnsProxy::builder(self.address)
    }

    /// What it was asked, and from where.
    pub(crate) fn asked(&self) -> Vec<(Vec<u8>, SocketAddr)> {
        self.seen.asked.lock().unwrap().clone()
    }
}

fn says(query: &[u8], word: &str) -> bool {
    let mut windows = query.windows(word.len());
    windows.any(|window| window == word.as_bytes())
}

async fn by_udp(socket: UdpSocket, seen: Arc<Seen>) {
    let mut buffer = vec![0; 65_535];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let query = &buffer[..length];
        seen.asked.lock().unwrap().push((query.to_vec(), from));
        if says(query, "silent") {
            continue;
        }
        if says(query, "lies") {
            let mut lie = echo(query);
            lie[1] ^= 1;
            socket.send_to(&lie, from).await.unwrap();
            // The query itself is no answer, either.
            socket.send_to(query, from).await.unwrap();
        }
        socket.send_to(&echo(query), from).await.unwrap();
    }
}

async fn by_tcp(listener: TcpListener, seen: Arc<Seen>) {
    loop {
        let (stream, from) = listener.accept().await.unwrap();
        let seen = Arc::clone(&seen);
        seen.connections.fetch_add(1, Ordering::SeqCst);
        seen.open.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            // It fails when the client is gone.
            serve(stream, from, &seen).await.ok();
            seen.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn serve(mut stream: TcpStream, from: SocketAddr, seen: &Seen) -> std::io::Result<()> {
    loop {
        let mut query = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut query).await?;
        seen.asked.lock().unwrap().push((query.clone(), from));
        let times = match () {
            () if says(&query, "silent") => 0,
            () if says(&query, "transfer") => 3,
            () => 1,
        };
        let answer = echo(&query);
        for _ in 0..times {
            let length = u16::try_from(answer.len()).unwrap();
            stream.write_u16(length).await?;
            stream.write_all(&answer).await?;
        }
        if says(&query, "once") {
            return Ok(());
        }
    }
}
