//! What a proxy has in common with the faults on it.

use super::{
    address::Address,
    door::Door,
    effect::{Effect, Hits},
    faults::Faults,
    moved::Traffic,
    relay::Close,
    stack::{Active, Stack},
    transport::Transport,
    udp::UnderWay,
    workers::Worker,
};
use crate::connections::Picked;
use chaos_core::{FaultError, Seed};
use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many clients that have ended their streams may wait: whoever closed its end looks the same, and a long fault would collect
/// them.
pub(crate) const ENDED: usize = 256;

/// What a proxy has in common with the faults on it.
#[derive(Debug)]
pub(crate) struct Shared {
    name: Option<String>,
    upstream: String,
    /// How a client is let go whose upstream cannot be reached.
    unreachable: Close,
    /// The upstream could not be reached the last time.
    unreached: AtomicBool,
    address: Address,
    transport: Transport,
    door: Mutex<Door>,
    /// Where the door is.
    home: &'static Worker,
    faults: Faults,
    moved: Traffic,
    under_way: Arc<UnderWay>,
    /// How many connections are open.
    open: AtomicUsize,
    /// The number of the next connection.
    connections: AtomicU64,
    next_fault: AtomicU64,
    /// Places for clients that have ended their streams and wait all the same.
    ended: Arc<Semaphore>,
    /// How many faults keep the door shut; `None`: the proxy is closed.
    refusing: Mutex<Option<usize>>,
}

impl Shared {
    pub(crate) fn new(
        name: Option<String>,
        upstream: String,
        door: Door,
        home: &'static Worker,
    ) -> Self {
        Self {
            name,
            upstream,
            unreachable: Close::Reset,
            unreached: AtomicBool::new(false),
            address: door.address(),
            transport: door.transport(),
            door: Mutex::new(door),
            home,
            faults: Faults::default(),
            moved: Traffic::default(),
            under_way: Arc::default(),
            open: AtomicUsize::new(0),
            connections: AtomicU64::new(0),
            next_fault: AtomicU64::new(0),
            ended: Arc::new(Semaphore::new(ENDED)),
            refusing: Mutex::new(Some(0)),
        }
    }

    /// A place for a client that has ended its stream and waits all the same; `None` when all are taken.
    pub(crate) fn place_for_ended(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.ended).try_acquire_owned().ok()
    }

    /// The same, and a client whose upstream cannot be reached is closed rather than reset.
    #[cfg(feature = "toxiproxy")]
    pub(crate) fn gentle(self) -> Self {
        Self {
            unreachable: Close::Gently,
            ..self
        }
    }

    /// The name for people: the one that was given, or the address.
    pub(crate) fn name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| self.address.to_string())
    }

    pub(crate) fn upstream(&self) -> &str {
        &self.upstream
    }

    /// How a client is let go now that the upstream cannot be reached. People are told of the first time: it may be that nobody
    /// ever listened there.
    pub(crate) fn unreachable(&self, error: &io::Error) -> Close {
        let upstream = &self.upstream;
        if self.unreached.swap(true, Ordering::Relaxed) {
            tracing::debug!(upstream, %error, "the upstream cannot be reached");
        } else {
            tracing::warn!(proxy = %self, %error, "the upstream cannot be reached");
        }
        self.unreachable
    }

    /// The upstream was reached.
    pub(crate) fn reached(&self) {
        if self.unreached.load(Ordering::Relaxed) {
            self.unreached.store(false, Ordering::Relaxed);
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// What it passes on.
    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    pub(crate) fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults, now and as they change.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What went through.
    pub(crate) fn moved(&self) -> &Traffic {
        &self.moved
    }

    /// How much memory its datagrams take.
    pub(crate) fn under_way(&self) -> &Arc<UnderWay> {
        &self.under_way
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> &AtomicUsize {
        &self.open
    }

    /// Connection `number` was accepted.
    pub(crate) fn count(&self, number: u64) {
        self.connections.store(number + 1, Ordering::Relaxed);
    }

    /// Puts a fault on top of the others; live connections feel it at once. Returns its id.
    pub(crate) fn put(
        &self,
        effect: Arc<dyn Effect>,
        picked: Picked,
        seed: Seed,
        count: Hits,
    ) -> u64 {
        let id = self.next_fault.fetch_add(1, Ordering::Relaxed);
        let active = Arc::new(Active {
            id,
            revision: 0,
            effect,
            picked,
            seed,
            count,
            first: self.connections.load(Ordering::Relaxed),
        });
        self.faults.change(|stack| Some(stack.with(active)));
        id
    }

    /// Puts something else in the place of a fault; live connections feel it at once.
    #[cfg(feature = "toxiproxy")]
    pub(crate) fn replace(&self, id: u64, effect: Arc<dyn Effect>, seed: Seed) {
        self.faults.change(|stack| stack.replaced(id, effect, seed));
    }

    /// Takes a fault off; live connections feel it at once.
    pub(crate) fn take_off(&self, id: u64) {
        let without = |stack: &Stack| stack.holds(id).then(|| stack.without(id));
        self.faults.change(without);
    }

    /// Whether a fault is on an open proxy.
    pub(crate) fn holds(&self, id: u64) -> bool {
        self.refusing().is_some() && self.faults.stack().holds(id)
    }

    /// Shuts the door for one more fault.
    pub(crate) fn refuse(&self) -> Result<(), FaultError> {
        let mut refusing = self.refusing();
        let Some(faults) = *refusing else {
            return Err(FaultError::no_target(self.to_string(), "it was closed"));
        };
        if faults == 0 {
            let shut = self.door().shut();
            shut.map_err(|e| FaultError::host(format!("keep the port of {self}"), e))?;
        }
        *refusing = Some(faults + 1);
        Ok(())
    }

    /// Opens the door when no other fault keeps it shut.
    pub(crate) fn admit(&self) -> Result<(), FaultError> {
        let mut refusing = self.refusing();
        // A closed proxy has no port to give back.
        let Some(faults) = *refusing else {
            return Ok(());
        };
        if faults == 1 {
            let _within = self.home.enter();
            let unlocked = self.door().unlock();
            unlocked.map_err(|e| FaultError::host(format!("listen again on {self}"), e))?;
        }
        *refusing = Some(faults.saturating_sub(1));
        Ok(())
    }

    /// Gives the port up for good and closes every connection.
    pub(crate) fn close(&self) {
        *self.refusing() = None;
        self.door().close();
        self.faults.close();
    }

    fn refusing(&self) -> MutexGuard<'_, Option<usize>> {
        self.refusing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("proxy ")?;
        if let Some(name) = &self.name {
            write!(f, "{name} ")?;
        }
        if let Transport::Udp = self.transport {
            f.write_str("udp ")?;
        }
        write!(f, "{} -> {}", self.address, self.upstream)
    }
}
