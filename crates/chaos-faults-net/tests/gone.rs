//! Clients that are gone though nobody reads from them: nothing of them is left while the fault is still there. On Linux,
//! where it is noticed.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "shared with other tests")]
mod world;

#[expect(dead_code, reason = "shared with other tests")]
#[path = "world/process.rs"]
mod process;

use chaos_core::Injection;
use chaos_faults_net::{AcceptDelay, Bandwidth, Blackhole, Direction, Latency, Proxy};
use process::{Alone, MIB, OTHERS, descriptors, grown, memory, memory_back, ms, reset};
use std::{
    io::{ErrorKind, Write},
    os::unix::net::UnixStream,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};
use world::{Server, connect, how_it_breaks, ping, put, take_off, until, within};

const HOUR: Duration = Duration::from_secs(3600);

/// Waits until no more descriptors are open than before and those that the test has kept. The runtime of another test
/// that begins has some, too.
async fn all_closed(before: usize) {
    until("all is closed", || descriptors() <= before + OTHERS).await;
}

/// What a client does before it is gone.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// It says something.
    Speaks,
    /// It says something, and that this is all.
    Ends,
    /// It says more than anybody takes.
    Fills,
    /// The same, and that this is all.
    FillsAndEnds,
}

impl Before {
    const ALL: [Self; 4] = [Self::Speaks, Self::Ends, Self::Fills, Self::FillsAndEnds];

    async fn act(self, client: &mut TcpStream) {
        match self {
            Self::Speaks | Self::Ends => client.write_all(b"hello").await.unwrap(),
            Self::Fills | Self::FillsAndEnds => fill(client).await,
        }
        if let Self::Ends | Self::FillsAndEnds = self {
            client.shutdown().await.unwrap();
        }
    }
}

/// Writes until nothing is taken any more.
async fn fill(client: &mut TcpStream) {
    let block = vec![7; 64 * 1024];
    while timeout(ms(100), client.write(&block)).await.is_ok() {}
}

/// A client that has little room of its own.
async fn narrow(proxy: &Proxy) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(16 * 1024).unwrap();
    let address = proxy.address().to_string().parse().unwrap();
    within(socket.connect(address)).await.unwrap()
}

/// One of the faults under which nothing that is said arrives.
async fn nothing_arrives(which: usize, proxy: &Proxy) -> Injection {
    let both = Direction::Both;
    match which {
        0 => put(Blackhole::new(), proxy).await,
        1 => put(Bandwidth::per_second(0).direction(both), proxy).await,
        _ => {
            let hour = Latency::new(HOUR).direction(both);
            put(hour, proxy).await
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_that_are_reset_leave_nothing_while_the_fault_is_there() {
    const AT_ONCE: usize = 200;
    let _alone = Alone::begin().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::in_front_of(upstream).await.unwrap();
    let (open, mut had) = (descriptors(), None);
    for round in 0..11 {
        let mut ends = Vec::new();
        for _ in 0..AT_ONCE {
            let client = narrow(&proxy).await;
            ends.push((client, within(listener.accept()).await.unwrap().0));
        }
        let fault = nothing_arrives(round % 3, &proxy).await;
        let mut servers = Vec::new();
        let mut clients = JoinSet::new();
        for (n, (mut client, server)) in ends.into_iter().enumerate() {
            servers.push(server);
            // Behind a delay there is room for more than a test should say.
            let before = Before::ALL[if round % 3 == 2 { n % 2 } else { n % 4 }];
            clients.spawn(async move {
                before.act(&mut client).await;
                reset(client);
            });
        }
        within(clients.join_all()).await;
        all_closed(open + AT_ONCE).await;
        for mut server in servers {
            let broken = how_it_breaks(&mut server).await;
            assert_eq!(broken, ErrorKind::ConnectionReset);
        }
        // The first round has the memory that the others use again.
        memory_back(*had.get_or_insert_with(memory), MIB / 4).await;
        take_off(fault).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_an_hour_is_gone_with_the_client_that_said_it() {
    let _alone = Alone::begin().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::in_front_of(upstream).await.unwrap();
    let fault = nothing_arrives(2, &proxy).await;
    let had = memory();
    for _ in 0..3 {
        let mut client = connect(&proxy).await;
        let (mut server, _) = within(listener.accept()).await.unwrap();
        // What one had the others get.
        let filling = async {
            while grown(had) < 56 * MIB {
                fill(&mut client).await;
            }
        };
        within(filling).await;
        let more = grown(had);
        assert!(more < 72 * MIB, "{more}");
        reset(client);
        let broken = how_it_breaks(&mut server).await;
        assert_eq!(broken, ErrorKind::ConnectionReset);
    }
    take_off(fault).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_clients_that_wait_are_let_go_when_they_are_gone() {
    let _alone = Alone::begin().await;
    let server = Server::echo().await;
    for held in [true, false] {
        let proxy = server.proxy().await;
        let fault = match held {
            true => put(Blackhole::new(), &proxy).await,
            false => put(AcceptDelay::new(HOUR), &proxy).await,
        };
        let open = descriptors();
        for before in Before::ALL {
            let mut clients = JoinSet::new();
            for _ in 0..20 {
                let mut client = narrow(&proxy).await;
                clients.spawn(async move {
                    before.act(&mut client).await;
                    client
                });
            }
            let clients = within(clients.join_all()).await;
            clients.into_iter().for_each(reset);
            all_closed(open).await;
        }
        take_off(fault).await;
        ping(&mut narrow(&proxy).await).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_unix_socket_that_have_closed_it_are_gone() {
    let _alone = Alone::begin().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::listen(format!("unix:{}", path.display()), upstream);
    let proxy = proxy.await.unwrap();
    let open = descriptors();
    for full in [false, true] {
        let mut ends = Vec::new();
        for _ in 0..20 {
            let client = UnixStream::connect(&path).unwrap();
            ends.push((client, within(listener.accept()).await.unwrap().0));
        }
        let fault = nothing_arrives(0, &proxy).await;
        let mut servers = Vec::new();
        for (mut client, server) in ends {
            client.write_all(b"hello").unwrap();
            if full {
                client.set_write_timeout(Some(ms(20))).unwrap();
                while client.write(&[7; 4096]).is_ok() {}
            }
            servers.push(server);
        }
        all_closed(open + servers.len()).await;
        drop(servers);
        take_off(fault).await;
    }
    // What such a client has said arrives, as all that it says.
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(&vec![7; 100_000]).unwrap();
    let (mut server, _) = within(listener.accept()).await.unwrap();
    drop(client);
    let mut said = Vec::new();
    within(server.read_to_end(&mut said)).await.unwrap();
    assert_eq!(said.len(), 100_000);
}
