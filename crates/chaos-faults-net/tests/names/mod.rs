//! The trials, and the file of names that they have for themselves.

use chaos_faults_net::Proxy;
use libtest_mimic::Trial;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

const HOSTS: &str = "/etc/hosts";
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    vec![
        trial("a_busy_session_follows_its_upstream", datagrams),
        trial("new_connections_follow_their_upstream", connections),
    ]
}

/// Where `upstream.test` leads. Nobody outside of this test sees it.
#[derive(Debug)]
struct Names(PathBuf);

impl Names {
    fn new(dir: &tempfile::TempDir) -> Self {
        let file = dir.path().join("hosts");
        fs::write(&file, "").unwrap();
        let mounted = Command::new("mount")
            .arg("--bind")
            .args([file.as_path(), HOSTS.as_ref()])
            .status();
        assert!(mounted.unwrap().success());
        Self(file)
    }

    fn lead_to(&self, address: &str) {
        fs::write(&self.0, format!("{address} upstream.test\n")).unwrap();
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        Command::new("umount").arg(HOSTS).status().unwrap();
    }
}

/// Two of something at the same port of two addresses.
fn two<T>(bind: impl Fn(&str) -> std::io::Result<T>, port: impl Fn(&T) -> u16) -> (T, T, u16) {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        let one = bind("127.0.0.2:0").unwrap();
        let port = port(&one);
        if let Ok(other) = bind(&format!("127.0.0.3:{port}")) {
            return (one, other, port);
        }
    }
    panic!("no port is free on both addresses");
}

/// Answers each datagram with a name.
fn answer(socket: &UdpSocket, name: &str) {
    while let Ok((_, from)) = socket.recv_from(&mut [0; 100]) {
        socket.send_to(name.as_bytes(), from).unwrap();
    }
}

fn datagrams() {
    let dir = tempfile::tempdir().unwrap();
    let names = Names::new(&dir);
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let (one, other, port) = two(|at| UdpSocket::bind(at), port);
    for socket in [&one, &other] {
        socket.set_nonblocking(true).unwrap();
    }
    names.lead_to("127.0.0.2");
    let proxy = proxy(Proxy::udp(format!("upstream.test:{port}")));
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(proxy.address()).unwrap();
    client
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    // It never stops asking, so its session goes on.
    let until = |name: &str, servers: &[(&UdpSocket, &str)]| {
        let start = Instant::now();
        let mut heard = [0; 10];
        while start.elapsed() < LIMIT {
            client.send(b"who is there?").ok();
            if let Ok(len) = client.recv(&mut heard)
                && &heard[..len] == name.as_bytes()
            {
                return;
            }
            for (socket, name) in servers {
                answer(socket, name);
            }
        }
        panic!("never heard of {name}");
    };
    until("one", &[(&one, "one"), (&other, "other")]);
    drop(one);
    names.lead_to("127.0.0.3");
    until("other", &[(&other, "other")]);
}

fn connections() {
    let dir = tempfile::tempdir().unwrap();
    let names = Names::new(&dir);
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let (one, other, port) = two(|at| TcpListener::bind(at), port);
    names.lead_to("127.0.0.2");
    let proxy = proxy(Proxy::in_front_of(format!("upstream.test:{port}")));
    for (listener, next) in [(one, "127.0.0.3"), (other, "127.0.0.2")] {
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let mut server = listener.accept().unwrap().0;
        server.write_all(b"here").unwrap();
        client.read_exact(&mut [0; 4]).unwrap();
        names.lead_to(next);
    }
}

/// A proxy, which needs no runtime once it is there.
fn proxy(starting: impl Future<Output = Result<Proxy, chaos_core::FaultError>>) -> Proxy {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(starting).unwrap()
}
