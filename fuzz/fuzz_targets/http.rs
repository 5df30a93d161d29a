//! Whatever a client says to an HTTP proxy with faults on it, and whatever its upstream answers: nothing panics, nobody
//! hangs, and the next client is served.
#![no_main]

use chaos_core::{Engine, FaultExt, Injection};
use chaos_faults_http::{Abort, Delay, HttpProxy, Patch, Replace, Requests};
use libfuzzer_sys::fuzz_target;
use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{LazyLock, Mutex},
    thread,
    time::Duration,
};

/// Nothing takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(10);

struct World {
    address: SocketAddr,
    /// What the upstream says next.
    answer: &'static Mutex<Vec<u8>>,
    _faults: Vec<Injection>,
    _proxy: HttpProxy,
    _runtime: tokio::runtime::Runtime,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let panics = std::panic::take_hook();
    // A panic of a task would only end that task.
    std::panic::set_hook(Box::new(move |info| {
        panics(info);
        std::process::abort();
    }));
    let answer: &Mutex<Vec<u8>> = Box::leak(Box::default());
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", upstream.local_addr().unwrap());
    thread::spawn(move || {
        for stream in upstream.incoming().flatten() {
            thread::spawn(move || answer_all(stream, answer));
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (proxy, faults) = runtime.block_on(async {
        let proxy = HttpProxy::in_front_of(url).await.unwrap();
        let engine = Engine::open().await.unwrap();
        let patch = Patch::response().json(serde_json::json!({ "a": null, "b": { "c": 1 } }));
        let replace = Replace::request().header("x-new", "1").path("/other");
        let faults = [
            Delay::ms(1).requests(Requests::path("/late*")).on(&proxy),
            Abort::status(503)
                .requests(Requests::path("/abort"))
                .on(&proxy),
            Abort::reset().requests(Requests::path("/reset")).on(&proxy),
            patch.on(&proxy),
            Patch::request()
                .json(serde_json::json!({ "n": 1 }))
                .on(&proxy),
            replace
                .requests(Requests::all().methods(["POST"]).share(50.0))
                .on(&proxy),
        ];
        let mut injections = Vec::new();
        for fault in faults {
            injections.push(engine.inject(fault).await.unwrap());
        }
        (proxy, injections)
    });
    World {
        address: proxy.address(),
        answer,
        _faults: faults,
        _proxy: proxy,
        _runtime: runtime,
    }
});

/// Says what it is to say as soon as somebody has asked something, and ends.
fn answer_all(mut stream: TcpStream, answer: &Mutex<Vec<u8>>) {
    stream.set_read_timeout(Some(LIMIT)).ok();
    let mut asked = [0; 4096];
    if stream.read(&mut asked).is_ok_and(|count| count > 0) {
        let answer = answer.lock().unwrap().clone();
        stream.write_all(&answer).ok();
    }
    stream.shutdown(Shutdown::Write).ok();
    while stream.read(&mut asked).is_ok_and(|count| count > 0) {}
}

/// What it is answered. Who goes on (`end` is false) waits for the proxy to end the connection.
fn ask(says: &[u8], end: bool) -> Vec<u8> {
    let mut stream = TcpStream::connect(WORLD.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    // It may have had enough before the end.
    stream.write_all(says).ok();
    if end {
        stream.shutdown(Shutdown::Write).ok();
    }
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        let kind = error.kind();
        assert!(
            kind == std::io::ErrorKind::ConnectionReset,
            "neither an end nor a reset: {error}"
        );
    }
    answer
}

fuzz_target!(|data: &[u8]| {
    // What the client says, and what the upstream answers.
    let middle = data.windows(4).position(|four| four == b"\n==\n");
    let (client, server) = match middle {
        Some(at) => (&data[..at], &data[at + 4..]),
        None => (data, &b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..]),
    };
    *WORLD.answer.lock().unwrap() = server.to_vec();
    ask(client, true);

    *WORLD.answer.lock().unwrap() = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
    let answer = ask(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        false,
    );
    assert!(answer.ends_with(b"ok"), "the next client is not served");
});
