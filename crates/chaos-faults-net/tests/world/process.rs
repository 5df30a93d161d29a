//! What a process that serves many clients has of them, and many clients.

use super::world::{put, take_off, within};
use chaos_faults_net::{Latency, Proxy};
use peak_alloc::PeakAlloc;
use std::{future::Future, time::Duration};
use tokio::{
    net::TcpStream,
    sync::{Mutex, MutexGuard},
    task::JoinSet,
};

pub(crate) const MIB: u64 = 1024 * 1024;

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What this process has, of which everything a test leaves is part: one test at a time.
pub(crate) struct Alone(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Alone {
    pub(crate) async fn begin() -> Self {
        static ONE: Mutex<()> = Mutex::const_new(());
        let one = ONE.lock().await;
        // The threads of all proxies are started with the first one.
        let proxy = Proxy::udp("127.0.0.1:9").await.unwrap();
        take_off(put(Latency::ms(1), &proxy).await).await;
        Self(one)
    }
}

/// So many more may be open than before: the runtime of another test that has begun since and waits for its turn.
pub(crate) const OTHERS: usize = 8;

/// How many descriptors are open.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Counts what is allocated. The memory that a process has from its kernel tells how many threads have allocated at the
/// same time, too, as each of them may get an arena whose holes stay.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// How much memory is ours, in bytes.
pub(crate) fn memory() -> u64 {
    ALLOCATED.current_usage() as u64
}

/// How much more memory there is than before.
pub(crate) fn grown(before: u64) -> u64 {
    memory().saturating_sub(before)
}

/// Waits until there is no more memory than so much beside what there was: what has just ended may still give its own back.
pub(crate) async fn memory_back(before: u64, most: u64) {
    let start = std::time::Instant::now();
    loop {
        let more = grown(before);
        if more < most {
            return;
        }
        assert!(start.elapsed() < super::world::LIMIT, "{more} bytes more");
        tokio::time::sleep(ms(5)).await;
    }
}

/// Runs `count` clients, never more than a hundred at a time.
pub(crate) async fn clients<F>(count: usize, client: impl Fn(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for n in 0..count {
        if running.len() == 100 {
            within(running.join_next()).await.unwrap().unwrap();
        }
        running.spawn(client(n));
    }
    while let Some(ended) = within(running.join_next()).await {
        ended.unwrap();
    }
}

/// Has a connection end with a reset.
pub(crate) fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}
