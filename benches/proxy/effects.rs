//! What a fault must not leave behind or do to others.

use crate::{
    Options, Result, load,
    ours::Ours,
    report::{Targets, median},
    servers::{Ports, Servers, source},
};
use std::{
    io::Read,
    net::{Ipv4Addr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

pub(crate) fn measure(options: &Options, targets: &mut Targets) -> Result<()> {
    back_to_the_fast_path(options, targets)?;
    others_are_not_slowed(options, targets)
}

/// Reads all there is, and counts it.
pub(crate) fn drink(port: u16) -> Result<Arc<AtomicU64>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let bytes = Arc::new(AtomicU64::new(0));
    let count = Arc::downgrade(&bytes);
    thread::spawn(move || {
        let mut buffer = vec![0; 256 * 1024];
        // Until nobody is interested any more.
        while let (Ok(read @ 1..), Some(count)) = (stream.read(&mut buffer), count.upgrade()) {
            count.fetch_add(read as u64, Ordering::Relaxed);
        }
    });
    Ok(bytes)
}

/// Bytes per second, from now on.
#[expect(clippy::cast_precision_loss, reason = "some billions")]
pub(crate) fn speed(bytes: &AtomicU64, time: Duration) -> f64 {
    let (before, start) = (bytes.load(Ordering::Relaxed), Instant::now());
    thread::sleep(time);
    let moved = bytes.load(Ordering::Relaxed) - before;
    moved as f64 / start.elapsed().as_secs_f64()
}

/// One live connection in bulk: before a fault, and after one was put on it and taken off.
fn back_to_the_fast_path(options: &Options, targets: &mut Targets) -> Result<()> {
    let mut ours = Ours::start(&[source()?])?;
    let mut ratios = Vec::new();
    for _ in 0..options.rounds {
        let bytes = drink(ours.ports[0])?;
        thread::sleep(Duration::from_millis(300));
        let before = speed(&bytes, Duration::from_secs(1));
        ours.tell("latency 0 20000000")?;
        thread::sleep(Duration::from_millis(300));
        ours.tell("off")?;
        thread::sleep(Duration::from_millis(300));
        ratios.push(speed(&bytes, Duration::from_secs(1)) / before);
    }
    targets.at_least("bulk after a fault / before it", median(&ratios), 1.0);
    Ok(())
}

/// 50 redis clients beside one connection in bulk through 1 MB/s: in the same proxy, and in one of its own, so that
/// the machine has the same to do.
fn others_are_not_slowed(options: &Options, targets: &mut Targets) -> Result<()> {
    let servers = Servers::start()?;
    let mut ours = Ours::start(&[servers.ports.redis, source()?])?;
    let mut elsewhere = Ours::start(&[servers.ports.redis, source()?])?;
    let ports = Ports {
        redis: ours.ports[0],
        ..servers.ports
    };
    let beside = |narrow: &mut Ours| -> Result<f64> {
        narrow.tell("bandwidth 1 1000000")?;
        let bytes = drink(narrow.ports[1])?;
        let requests = load::redis(ports, 50, 60_000)?;
        drop(bytes);
        narrow.tell("off")?;
        thread::sleep(Duration::from_millis(300));
        Ok(requests.per_second)
    };
    let mut ratios = Vec::new();
    for round in 0..options.rounds {
        // By turns, because whoever comes second has it easier.
        let elsewhere_first = round % 2 == 1;
        let first = elsewhere_first
            .then(|| beside(&mut elsewhere))
            .transpose()?;
        let same = beside(&mut ours)?;
        let other = first.map_or_else(|| beside(&mut elsewhere), Ok)?;
        ratios.push(same / other);
    }
    targets.at_least(
        "requests/s beside a connection with a fault / with that elsewhere",
        median(&ratios),
        1.0,
    );
    Ok(())
}
