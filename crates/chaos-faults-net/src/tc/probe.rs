//! What this kernel can do, found by trying where nobody is: in a network namespace made for it.

use super::{leaf::Leaf, netem, split::Split};
use crate::{
    netlink::{Family, Netlink},
    route::{Handle, Queue},
};
use chaos_core::Capability;
use nix::sched::{CloneFlags, unshare};
use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

/// What was found once; a module that is loaded later is asked for again.
static WORKS: Mutex<BTreeMap<&'static str, ()>> = Mutex::new(BTreeMap::new());

/// The number of the loopback interface of every namespace.
const LOOPBACK: u32 = 1;
/// The queue that is tried.
const QUEUE: Handle = Handle::queue(0xc4a0);

/// Whether the kernel has this queue; why not.
pub(super) fn works(kind: &'static str) -> Result<(), String> {
    // Without them nothing works, and they are reported on their own.
    if !Capability::NetAdmin.is_held() || !Capability::SysAdmin.is_held() {
        return Ok(());
    }
    let known = || WORKS.lock().unwrap_or_else(PoisonError::into_inner);
    if known().contains_key(kind) {
        return Ok(());
    }
    let attempt = thread::spawn(move || attempt(kind).map(drop));
    let worked = attempt
        .join()
        .unwrap_or_else(|_| Err("the attempt panicked".into()));
    if worked.is_ok() {
        known().insert(kind, ());
    }
    worked
}

/// Whether the emulator takes a seed, which it then tells; `None`: that cannot be tried here.
pub(super) fn takes_seeds() -> Option<bool> {
    static TAKES: OnceLock<Option<bool>> = OnceLock::new();
    let attempt = || {
        let route = attempt("netem").ok()?;
        let options = Queue::options(&route, LOOPBACK, QUEUE).ok()??;
        Some(netem::has_a_seed(&options))
    };
    *TAKES.get_or_init(|| thread::spawn(attempt).join().ok()?)
}

/// Moves the calling thread into a namespace of its own, which ends with it, and makes such a queue there.
fn attempt(kind: &'static str) -> Result<Netlink, String> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|e| format!("make a network namespace: {e}"))?;
    let route = Netlink::open(Family::Route).map_err(|e| e.to_string())?;
    let options = match kind {
        "netem" => Leaf::Netem(Box::default()).options(0),
        "tbf" => Leaf::rate(1_000_000).options(0),
        "prio" => Split::Prio.options(),
        "htb" => Split::Htb.options(),
        _ => Vec::new(),
    };
    let add = Queue::add(LOOPBACK, Handle::ROOT, QUEUE, kind, &options);
    route.ask(&[add], |_, _| {}).map_err(|e| e.to_string())?;
    Ok(route)
}
