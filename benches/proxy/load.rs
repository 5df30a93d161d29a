//! What is asked of a proxy.

use crate::{Result, process, servers::Ports};
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How fast a byte stream goes: bytes per second, and bytes. A server that is still at the one before is asked again.
pub(crate) fn bulk(ports: Ports, streams: u32) -> Result<(f64, f64)> {
    let start = Instant::now();
    loop {
        match bulk_once(ports, streams) {
            Err(_) if start.elapsed() < Duration::from_secs(10) => {
                thread::sleep(Duration::from_millis(100));
            }
            done => return done,
        }
    }
}

fn bulk_once(ports: Ports, streams: u32) -> Result<(f64, f64)> {
    let text = output(Command::new("iperf3").args([
        "-c",
        "127.0.0.1",
        "-p",
        &ports.bulk.to_string(),
        "-t",
        "1",
        "-P",
        &streams.to_string(),
        "-J",
    ]))?;
    let report: Value = serde_json::from_str(&text)?;
    let received = &report["end"]["sum_received"];
    let number = |name| {
        let problem = || format!("iperf3 through port {}: {}", ports.bulk, report["error"]);
        received[name].as_f64().ok_or_else(problem)
    };
    Ok((number("bits_per_second")? / 8.0, number("bytes")?))
}

/// What redis-benchmark says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Requests {
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

pub(crate) fn redis(ports: Ports, clients: u32, requests: u32) -> Result<Requests> {
    let text = output(
        Command::new("redis-benchmark")
            .args(["-h", "127.0.0.1", "-t", "get", "--csv"])
            .args(["-p", &ports.redis.to_string()])
            .args(["-c", &clients.to_string()])
            .args(["-n", &requests.to_string()]),
    )?;
    // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",…
    let line = text.lines().find(|line| line.starts_with("\"GET\""));
    let line = line.ok_or_else(|| format!("redis-benchmark: {text}"))?;
    let fields: Vec<f64> = line
        .split(',')
        .filter_map(|field| field.trim_matches('"').parse().ok())
        .collect();
    match fields[..] {
        [per_second, _, _, p50, _, p99, ..] => Ok(Requests {
            per_second,
            p50_us: p50 * 1000.0,
            p99_us: p99 * 1000.0,
        }),
        _ => Err(format!("redis-benchmark: {line}").into()),
    }
}

/// How many connections per second can be made, used for one byte each way, and closed by the server.
pub(crate) fn connections(ports: Ports) -> f64 {
    const CLIENTS: usize = 4;
    let made = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if one_connection(ports.short).is_ok() {
                        made.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(1500));
        stop.store(true, Ordering::Relaxed);
    });
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let made = made.into_inner() as f64;
    made / start.elapsed().as_secs_f64()
}

fn one_connection(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.write_all(&[1])?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    if reply.len() == 1 {
        return Ok(());
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

/// Connections that have been used once and do nothing.
pub(crate) fn idle(port: u16, connections: usize) -> Result<Vec<TcpStream>> {
    process::await_port(port)?;
    let open = |_| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.write_all(&[1])?;
        stream.read_exact(&mut [0])?;
        Ok(stream)
    };
    (0..connections).map(open).collect()
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    Ok(String::from_utf8(output.stdout)?)
}
