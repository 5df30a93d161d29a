//! Whatever datagrams go through a UDP proxy with whatever faults on it: nothing is invented, nothing comes more often
//! than faults say, and without a fault that loses something nothing is lost.
#![no_main]

use arbitrary::Arbitrary;
use chaos_core::{Engine, FaultExt, Placed};
use chaos_faults_net::{
    Bandwidth, Blackhole, Corrupt, Direction, Duplicate, Latency, Loss, Proxy, Reorder,
};
use libfuzzer_sys::fuzz_target;
use std::{
    collections::HashMap,
    net::{SocketAddr, UdpSocket},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Nothing takes longer unless it is lost.
const LIMIT: Duration = Duration::from_secs(10);
/// What comes after this is none of it.
const AFTER: Duration = Duration::from_millis(2);

struct World {
    echo: SocketAddr,
    engine: Engine,
    runtime: Runtime,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let panics = std::panic::take_hook();
    // A panic of a task would only end that task.
    std::panic::set_hook(Box::new(move |info| {
        panics(info);
        std::process::abort();
    }));
    let echo = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = echo.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        loop {
            if let Ok((length, from)) = echo.recv_from(&mut buffer) {
                echo.send_to(&buffer[..length], from).ok();
            }
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    World {
        echo: address,
        engine: runtime.block_on(Engine::open()).unwrap(),
        runtime,
    }
});

#[derive(Debug, Arbitrary)]
enum Wish {
    Latency { ms: u8, jitter: u8 },
    Bandwidth { rate: u16 },
    Blackhole,
    Loss { percent: u8 },
    Duplicate { percent: u8 },
    Reorder { percent: u8 },
    Corrupt { percent: u8 },
}

#[derive(Debug, Arbitrary)]
enum Way {
    Up,
    Down,
    Both,
}

#[derive(Debug, Arbitrary)]
struct Input {
    faults: [Option<(Wish, Way)>; 4],
    /// How long each is, and of which bytes.
    datagrams: [(u16, u8); 8],
}

fn percent(number: u8) -> f64 {
    f64::from(number % 100) + 1.0
}

fn place(wish: &Wish, way: &Way, proxy: &Proxy) -> Placed {
    let direction = match way {
        Way::Up => Direction::Upstream,
        Way::Down => Direction::Downstream,
        Way::Both => Direction::Both,
    };
    match *wish {
        Wish::Latency { ms, jitter } => Latency::ms(u64::from(ms) + 1)
            .jitter_ms(u64::from(jitter))
            .direction(direction)
            .on(proxy),
        Wish::Bandwidth { rate } => Bandwidth::per_second(u64::from(rate) + 1)
            .direction(direction)
            .on(proxy),
        Wish::Blackhole => Blackhole::new().direction(direction).on(proxy),
        Wish::Loss { percent: p } => Loss::percent(percent(p)).direction(direction).on(proxy),
        Wish::Duplicate { percent: p } => Duplicate::percent(percent(p))
            .direction(direction)
            .on(proxy),
        Wish::Reorder { percent: p } => Reorder::percent(percent(p), Duration::from_millis(5))
            .direction(direction)
            .on(proxy),
        Wish::Corrupt { percent: p } => Corrupt::percent(percent(p)).direction(direction).on(proxy),
    }
}

fuzz_target!(|input: Input| {
    let world = &*WORLD;
    let faults: Vec<&(Wish, Way)> = input.faults.iter().flatten().collect();
    let is = |which: fn(&Wish) -> bool| faults.iter().any(|(wish, _)| which(wish));
    let loses = is(|wish| matches!(wish, Wish::Loss { .. } | Wish::Blackhole));
    let corrupts = is(|wish| matches!(wish, Wish::Corrupt { .. }));
    let doubling: u32 = faults
        .iter()
        .filter(|(wish, _)| matches!(wish, Wish::Duplicate { .. }))
        .map(|(_, way)| if matches!(way, Way::Both) { 2 } else { 1 })
        .sum();
    let most = 2_usize.pow(doubling);

    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Each with its number, so that they differ.
    let datagrams: Vec<Vec<u8>> = (0_u8..)
        .zip(input.datagrams)
        .map(|(number, (length, byte))| {
            let mut data = vec![byte; usize::from(length % 1400) + 1];
            data[0] = number;
            data
        })
        .collect();
    world.runtime.block_on(async {
        let proxy = Proxy::udp(world.echo).await.unwrap();
        let mut injections = Vec::new();
        for (wish, way) in &faults {
            let placed = place(wish, way, &proxy);
            injections.push(world.engine.inject(placed).await.unwrap());
        }
        client.connect(proxy.address()).unwrap();
        for data in &datagrams {
            client.send(data).unwrap();
        }
        thread::sleep(Duration::from_millis(1));
        for injection in injections {
            injection.recover().await.unwrap();
        }
        let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut buffer = vec![0; 1 << 16];
        let start = Instant::now();
        loop {
            let whole = loses || seen.values().sum::<usize>() >= datagrams.len();
            let patience = if whole { AFTER } else { LIMIT };
            client.set_read_timeout(Some(patience)).unwrap();
            match client.recv(&mut buffer) {
                Ok(length) => *seen.entry(buffer[..length].to_vec()).or_default() += 1,
                // By the fuzzer's own alarm.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) if whole => break,
                Err(error) => panic!("{error} after {seen:?} of {faults:?}"),
            }
            assert!(start.elapsed() < LIMIT, "it goes on and on");
        }
        for (data, count) in &seen {
            assert!(
                corrupts || datagrams.contains(data),
                "{data:?} was invented"
            );
            assert!(corrupts || *count <= most, "{data:?} came {count} times");
            assert!(datagrams.iter().any(|sent| sent.len() == data.len()));
        }
    });
});
