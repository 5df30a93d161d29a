//! Whatever a client asks of the drop-in Toxiproxy: it is answered at once, nothing panics, and a proxy that has nothing
//! to do with it still passes what it gets.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use chaos_faults_net::toxiproxy::{Running, Server};
use libfuzzer_sys::fuzz_target;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::LazyLock,
    thread,
    time::Duration,
};

/// Nothing takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(10);
/// A proxy that no request names.
const BYSTANDER: &str = "bystander";

struct World {
    api: SocketAddr,
    echo: SocketAddr,
    bystander: SocketAddr,
    _server: Running,
    _runtime: tokio::runtime::Runtime,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let panics = std::panic::take_hook();
    // A panic of a task would only end that task.
    std::panic::set_hook(Box::new(move |info| {
        panics(info);
        std::process::abort();
    }));
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let echo = upstream.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in upstream.incoming().flatten() {
            thread::spawn(move || {
                let mut copy = stream.try_clone().unwrap();
                std::io::copy(&mut stream, &mut copy).ok();
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = runtime
        .block_on(Server::new().listen("127.0.0.1:0").start())
        .unwrap();
    let mut world = World {
        api: server.address(),
        echo,
        bystander: echo,
        _server: server,
        _runtime: runtime,
    };
    let body = format!(r#"{{"name":"{BYSTANDER}","listen":"127.0.0.1:0","upstream":"{echo}"}}"#);
    let (status, answer) = world.ask("POST", "/proxies", body.as_bytes());
    assert_eq!(status, 201);
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    world.bystander = answer["listen"].as_str().unwrap().parse().unwrap();
    world
});

impl World {
    /// The status and the body of an answer.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(self.api).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer in time");
        let text = String::from_utf8_lossy(&answer);
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in {text}"));
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n");
        (status, answer.split_off(body.unwrap() + 4))
    }
}

/// One request. Names and paths come from a few, so that requests meet.
#[derive(Debug)]
struct Asked {
    method: &'static str,
    path: String,
    body: String,
}

impl<'a> Arbitrary<'a> for Asked {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let name = *u.choose(&["a", "b", "%20", "a%2fb", ""])?;
        let toxic = *u.choose(&["t", "u", "latency_downstream", "%"])?;
        let path = match u.int_in_range(0..=9)? {
            0 => "/version".to_owned(),
            1 | 2 => "/proxies".to_owned(),
            3 => "/populate".to_owned(),
            4 => "/reset".to_owned(),
            5 | 6 => format!("/proxies/{name}"),
            7 => format!("/proxies/{name}/toxics"),
            8 => format!("/proxies/{name}/toxics/{toxic}"),
            _ => format!("/proxies/{name}/toxics/{toxic}/more"),
        };
        let body = match u.int_in_range(0..=4)? {
            0 => String::from_utf8_lossy(u.arbitrary()?).into_owned(),
            1 => proxy(u)?,
            2 => format!("[{},{}]", proxy(u)?, proxy(u)?),
            _ => toxic_body(u)?,
        };
        Ok(Self {
            method: u.choose(&["GET", "POST", "PATCH", "DELETE", "PUT"])?,
            path,
            body,
        })
    }
}

fn proxy(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let name = u.choose(&["a", "b", " ", "a/b", ""])?;
    // On loopback only, and nothing but the echo behind it.
    let listen = u.choose(&[
        "127.0.0.1:0",
        "localhost:0",
        "[::1]:0",
        "127.0.0.1",
        "x:y",
        "",
    ])?;
    let upstream = WORLD.echo;
    let enabled = u.choose(&["true", "false", "null", "1"])?;
    Ok(format!(
        r#"{{"name":"{name}","listen":"{listen}","upstream":"{upstream}","enabled":{enabled}}}"#
    ))
}

fn toxic_body(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let kinds = [
        "latency",
        "bandwidth",
        "slow_close",
        "timeout",
        "reset_peer",
        "slicer",
        "limit_data",
        "packet_loss",
        "noop",
        "other",
    ];
    let kind = u.choose(&kinds)?;
    let stream = u.choose(&["upstream", "downstream", "Downstream", "both", ""])?;
    let name = u.choose(&["t", "u", ""])?;
    let attributes = [
        "latency",
        "jitter",
        "rate",
        "delay",
        "timeout",
        "average_size",
        "size_variation",
        "bytes",
        "loss_rate",
        "correlation",
    ];
    let mut of = Vec::new();
    for _ in 0..u.int_in_range(0..=3)? {
        let value = match u.int_in_range(0..=4)? {
            0 => u.arbitrary::<i64>()?.to_string(),
            1 => u.int_in_range(0..=20)?.to_string(),
            2 => format!("{:?}", u.arbitrary::<f32>()?),
            3 => "null".to_owned(),
            _ => "-1".to_owned(),
        };
        of.push(format!(r#""{}":{value}"#, u.choose(&attributes)?));
    }
    let toxicity = u.choose(&["1", "0.5", "0", "-1", "2", "null", "\"1\""])?;
    Ok(format!(
        r#"{{"name":"{name}","type":"{kind}","stream":"{stream}","toxicity":{toxicity},"attributes":{{{}}}}}"#,
        of.join(",")
    ))
}

fuzz_target!(|requests: Vec<Asked>| {
    let world = &*WORLD;
    for asked in requests.iter().take(16) {
        let (status, answer) = world.ask(asked.method, &asked.path, asked.body.as_bytes());
        // 500 is for an address that cannot be listened on.
        let known = [200, 201, 204, 400, 404, 405, 409, 413, 500].contains(&status);
        assert!(
            known,
            "{asked:?}: {status} {}",
            String::from_utf8_lossy(&answer)
        );
        if status == 500 {
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.contains("listen"), "{asked:?}: {answer}");
        }
    }
    // Data flows through what they made, whatever becomes of it.
    let (status, proxies) = world.ask("GET", "/proxies", b"");
    assert_eq!(status, 200);
    let proxies: serde_json::Value = serde_json::from_slice(&proxies).unwrap();
    for (name, proxy) in proxies.as_object().unwrap() {
        if name == BYSTANDER {
            continue;
        }
        let listens = proxy["listen"].as_str().unwrap().parse::<SocketAddr>();
        if let (Ok(address), Some(true)) = (listens, proxy["enabled"].as_bool())
            && let Ok(mut stream) = TcpStream::connect_timeout(&address, LIMIT)
        {
            stream
                .set_read_timeout(Some(Duration::from_millis(5)))
                .unwrap();
            stream.write_all(&[7; 5000]).ok();
            stream.read(&mut [0; 100]).ok();
        }
    }
    let mut stream = TcpStream::connect(world.bystander).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(b"ping").unwrap();
    let mut echo = [0; 4];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"ping");
    for name in proxies.as_object().unwrap().keys() {
        // As with Toxiproxy, there is no path to a name with a slash.
        if name != BYSTANDER && !name.contains('/') {
            let path: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let (status, answer) = world.ask("DELETE", &format!("/proxies/{path}"), b"");
            assert_eq!(
                status,
                204,
                "{name:?}: {}",
                String::from_utf8_lossy(&answer)
            );
        }
    }
});
