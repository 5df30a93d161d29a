//! Every call of toxiproxy_rust, and what comes of it on real connections.

use std::{
    error::Error,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};
use toxiproxy_rust::{
    client::Client,
    proxy::{Proxy, ProxyPack},
};

const LIMIT: Duration = Duration::from_secs(20);

fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(&proxy.proxy_pack.listen)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

fn echo(client: &mut TcpStream, data: &[u8]) -> io::Result<Duration> {
    let start = Instant::now();
    client.write_all(data)?;
    let mut back = vec![0; data.len()];
    client.read_exact(&mut back)?;
    assert!(back == data, "the echo is another");
    Ok(start.elapsed())
}

fn fastest(client: &mut TcpStream) -> io::Result<Duration> {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        fastest = fastest.min(echo(client, b"ping")?);
    }
    Ok(fastest)
}

fn through(proxy: &Proxy, data: &[u8]) -> io::Result<Duration> {
    echo(&mut connect(proxy)?, data)
}

/// What a new connection gets for a message, and after how long it ends.
fn ending(proxy: &Proxy, message: &[u8]) -> io::Result<(Vec<u8>, Duration)> {
    let mut client = connect(proxy)?;
    let start = Instant::now();
    client.write_all(message)?;
    let mut got = Vec::new();
    client.read_to_end(&mut got)?;
    Ok((got, start.elapsed()))
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn is_refused(proxy: &Proxy) -> bool {
    connect(proxy).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, api, upstream] = &arguments[..] else {
        return Err("give the address of the API and that of a server that echoes".into());
    };
    let server = Client::new(api);
    assert!(server.is_running());
    assert_eq!(server.version()?, "{\"version\": \"2.12.0\"}\n");
    for proxy in server.all()?.values() {
        proxy.delete()?;
    }

    let pack = |name: &str| ProxyPack::new(name.into(), "localhost:0".into(), upstream.clone());
    let made = server.populate(vec![pack("echo"), pack("second")])?;
    let names: Vec<_> = made.iter().map(|p| p.proxy_pack.name.as_str()).collect();
    assert_eq!(names, ["echo", "second"]);
    let [proxy, second] = &made[..] else {
        return Err("there are two".into());
    };
    assert!(proxy.proxy_pack.enabled && proxy.proxy_pack.toxics.is_empty());
    through(proxy, b"ping")?;
    through(second, b"ping")?;
    assert_eq!(server.all()?.len(), 2);
    let found = server.find_proxy("echo")?;
    assert_eq!(found.proxy_pack.listen, proxy.proxy_pack.listen);
    assert!(server.find_proxy("none").is_err());

    let down = || "downstream".to_owned();
    let mut live = connect(proxy)?;
    assert!(fastest(&mut live)? < ms(150));
    proxy
        .with_latency(down(), 200, 0, 1.0)
        .with_latency("upstream".into(), 100, 0, 1.0);
    let told = proxy.toxics()?;
    let told: Vec<_> = told.iter().map(|t| (t.name.as_str(), t.toxicity)).collect();
    assert_eq!(told, [("latency_upstream", 1.0), ("latency_downstream", 1.0)]);
    let seen = &server.find_proxy("echo")?.proxy_pack.toxics;
    assert_eq!(seen[1].attributes["latency"], 200);
    let took = fastest(&mut live)?;
    assert!(took >= ms(300) && took < ms(450), "{took:?}");
    proxy.delete_all_toxics()?;
    assert!(fastest(&mut live)? < ms(150));

    let mut took = Ok(Duration::ZERO);
    proxy
        .with_bandwidth(down(), 100, 1.0)
        .apply(|| took = through(proxy, &[7; 30_000]))?;
    assert!(took? >= ms(250));
    assert!(proxy.toxics()?.is_empty(), "apply removes what it applied");

    let mut ended = Err(ErrorKind::NotFound.into());
    proxy
        .with_slow_close(down(), 300, 1.0)
        .apply(|| ended = slow_end(proxy))?;
    assert!(ended? >= ms(300));

    let mut ended = Err(ErrorKind::NotFound.into());
    proxy
        .with_timeout(down(), 300, 1.0)
        .apply(|| ended = ending(proxy, b"ping"))?;
    let (got, after) = ended?;
    assert!(got.is_empty() && after >= ms(300));

    let mut took = Ok(Duration::ZERO);
    proxy
        .with_slicer(down(), 10, 5, 2000, 1.0)
        .apply(|| took = through(proxy, &[7; 256]))?;
    assert!(took? >= ms(2 * 256 / 15 - 2));

    let mut ended = Err(ErrorKind::NotFound.into());
    proxy
        .with_limit_data(down(), 3, 1.0)
        .apply(|| ended = ending(proxy, b"ping"))?;
    assert_eq!(ended?.0, b"pin");

    // The timeout has closed it.
    assert_eq!(live.read(&mut [0])?, 0);
    let mut live = connect(proxy)?;
    echo(&mut live, b"ping")?;
    let mut refused = false;
    proxy.with_down(|| refused = is_refused(proxy))?;
    assert!(refused);
    through(proxy, b"ping")?;
    assert_eq!(live.read(&mut [0])?, 0, "connections were closed");

    proxy.disable()?;
    assert!(is_refused(proxy));
    assert!(!server.find_proxy("echo")?.proxy_pack.enabled);
    proxy.with_latency(down(), 10_000, 0, 1.0);
    let proxy = server.find_and_reset_proxy("echo")?;
    through(&proxy, b"ping")?;
    proxy.with_latency(down(), 10_000, 0, 0.5);
    proxy.disable()?;
    server.reset()?;
    through(&proxy, b"ping")?;
    assert!(proxy.toxics()?.is_empty());

    proxy.delete()?;
    assert!(is_refused(&proxy) && server.find_proxy("echo").is_err());
    second.delete()?;
    assert!(server.all()?.is_empty());
    println!("as with Toxiproxy");
    Ok(())
}

/// How long the end of a stream takes.
fn slow_end(proxy: &Proxy) -> io::Result<Duration> {
    let mut client = connect(proxy)?;
    echo(&mut client, b"ping")?;
    let start = Instant::now();
    client.shutdown(Shutdown::Write)?;
    client.read_to_end(&mut Vec::new())?;
    Ok(start.elapsed())
}
