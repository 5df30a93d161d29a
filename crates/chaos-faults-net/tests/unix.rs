//! A proxy that listens on a Unix socket.
#![cfg(unix)]

use chaos_core::{Engine, FaultExt, Registry, testing::Conformance};
use chaos_faults_net::{Address, Latency, Proxy, Refuse, Reset};
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::Path,
    thread,
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_secs(20);

/// The address of a server that sends back what it gets.
fn echo() -> String {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut copy = stream.try_clone().unwrap();
                std::io::copy(&mut stream, &mut copy).ok();
            });
        }
    });
    address
}

fn ping(client: &mut UnixStream) -> Duration {
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let start = Instant::now();
    client.write_all(b"ping").unwrap();
    let mut reply = [0; 4];
    client.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"ping");
    start.elapsed()
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

#[tokio::test]
async fn it_serves_its_owner_and_is_gone_with_the_proxy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let proxy = Proxy::listen(unix(&path), echo()).await.unwrap();
    assert_eq!(proxy.listens_on(), &Address::Path(path.clone()));
    assert_eq!(proxy.listens_on().to_string(), unix(&path));
    let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut client = UnixStream::connect(&path).unwrap();
    ping(&mut client);
    let again = proxy.clone();
    drop(proxy);
    assert!(is_socket(&path), "there is another handle");
    drop(again);
    assert!(fs::symlink_metadata(&path).is_err());
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[tokio::test]
async fn a_proxy_of_unix_sockets_on_both_sides_takes_faults() {
    let dir = tempfile::tempdir().unwrap();
    let (path, upstream) = (
        dir.path().join("proxy.sock"),
        dir.path().join("server.sock"),
    );
    let server = UnixListener::bind(&upstream).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut copy = stream.try_clone().unwrap();
        std::io::copy(&mut stream, &mut copy).ok();
    });
    let proxy = Proxy::listen(unix(&path), unix(&upstream)).await.unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    ping(&mut client);
    let engine = Engine::open().await.unwrap();
    let late = engine.inject(Latency::ms(100).on(&proxy)).await.unwrap();
    assert!(ping(&mut client) >= Duration::from_millis(100));
    assert_eq!(late.recover().await.unwrap().hits, 1);
    let reset = engine.inject(Reset::new().on(&proxy)).await.unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "it is closed");
    assert_eq!(reset.recover().await.unwrap().hits, 1);
}

#[tokio::test]
async fn clients_without_an_address_cannot_be_picked_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let proxy = Proxy::listen(unix(&path), echo()).await.unwrap();
    let engine = Engine::open().await.unwrap();
    let late = Latency::ms(100);
    let some = late.clone().clients(["10.0.0.0/8"]).on(&proxy);
    let error = engine.inject(some).await.unwrap_err();
    let said = chaos_core::Chain(&error).to_string();
    assert!(
        said.contains("clients of a Unix socket have no address"),
        "{said}"
    );
    assert!(said.contains("`toxicity`"), "{said}");
    // A share of them can be.
    let all = engine
        .inject(late.toxicity(100.0).on(&proxy))
        .await
        .unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    assert!(ping(&mut client) >= Duration::from_millis(100));
    assert_eq!(all.recover().await.unwrap().hits, 1);
}

#[tokio::test]
async fn what_is_there_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    let (dead, live, link) = ["dead.sock", "live.sock", "link"]
        .map(|n| dir.path().join(n))
        .into();
    drop(UnixListener::bind(&dead).unwrap());
    let _live = UnixListener::bind(&live).unwrap();
    std::os::unix::fs::symlink(dir.path().join("nowhere"), &link).unwrap();
    for path in [&file, &dead, &live, &link] {
        let error = Proxy::listen(unix(path), "127.0.0.1:1").await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains("there is something already"), "{said}");
        assert!(fs::symlink_metadata(path).is_ok(), "{}", path.display());
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    UnixStream::connect(&live).unwrap();
}

#[tokio::test]
async fn another_file_in_its_place_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let engine = Engine::open().await.unwrap();
    for refuse in [false, true] {
        let proxy = Proxy::listen(unix(&path), "127.0.0.1:1").await.unwrap();
        fs::remove_file(&path).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        if refuse {
            let refused = engine.inject(Refuse::new().on(&proxy)).await.unwrap_err();
            let said = chaos_core::Chain(&refused).to_string();
            assert!(said.contains("taken the place of the socket"), "{said}");
        }
        drop(proxy);
        UnixStream::connect(&path).unwrap();
        drop(other);
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn refusing_keeps_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let proxy = Proxy::listen(unix(&path), echo()).await.unwrap();
    let engine = Engine::open().await.unwrap();
    for _ in 0..5 {
        let mut client = UnixStream::connect(&path).unwrap();
        ping(&mut client);
        let fault = engine.inject(Refuse::new().on(&proxy)).await.unwrap();
        let refused = UnixStream::connect(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let taken = UnixListener::bind(&path).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert_eq!(fault.recover().await.unwrap().hits, 1);
    }
    let fault = engine.inject(Refuse::new().on(&proxy)).await.unwrap();
    drop(proxy);
    // The fault has the last handle.
    drop(fault);
    let start = Instant::now();
    while fs::symlink_metadata(&path).is_ok() {
        assert!(start.elapsed() < LIMIT, "the socket is left");
        thread::yield_now();
    }
}

#[tokio::test]
async fn refuse_keeps_the_promises() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let proxy = Proxy::listen(unix(&path), "127.0.0.1:9").await.unwrap();
    let look = move || match UnixStream::connect(&path) {
        Ok(_) => "open".to_owned(),
        Err(error) => error.kind().to_string(),
    };
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    Conformance::new(registry, move || Refuse::new().on(&proxy))
        .world(look)
        .run()
        .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_abstract_socket_is_no_file() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("chaos-test-{}", std::process::id());
    let abstract_ = format!("unix:@{name}");
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let proxy = Proxy::listen(&abstract_, echo()).await.unwrap();
    assert_eq!(proxy.listens_on().to_string(), abstract_);
    ping(&mut UnixStream::connect_addr(&address).unwrap());
    let error = Proxy::listen(&abstract_, "127.0.0.1:1").await.unwrap_err();
    assert!(error.to_string().contains(&abstract_), "{error}");
    // A proxy in front of it.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let before = Proxy::listen(unix(&path), &abstract_).await.unwrap();
    ping(&mut UnixStream::connect(&path).unwrap());
    drop(before);
    let engine = Engine::open().await.unwrap();
    let fault = engine.inject(Refuse::new().on(&proxy)).await.unwrap();
    let refused = UnixStream::connect_addr(&address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    fault.recover().await.unwrap();
    ping(&mut UnixStream::connect_addr(&address).unwrap());
    drop(proxy);
    UnixListener::bind_addr(&address).unwrap();
}

#[tokio::test]
async fn wrong_paths_are_told_what_is_allowed() {
    let long = format!("unix:/{}", "x".repeat(200));
    for (listen, upstream, says) in [
        ("unix:relative", "127.0.0.1:1", "unix:/path"),
        ("unix:", "127.0.0.1:1", "unix:/path"),
        ("unix:@", "127.0.0.1:1", "unix:/path"),
        (&*long, "127.0.0.1:1", "at most 103 bytes"),
        ("unix:/tmp/a", "unix:/tmp/a", "the proxy itself"),
    ] {
        let error = Proxy::listen(listen, upstream).await.unwrap_err();
        let said = chaos_core::Chain(&error).to_string();
        assert!(said.contains(says), "{listen}: {said}");
    }
    let error = Proxy::listen_udp("unix:/tmp/a", "127.0.0.1:1").await;
    assert!(error.unwrap_err().to_string().contains("takes no UDP"));
    assert!(!Path::new("/tmp/a").exists());
}
