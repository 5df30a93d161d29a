//! What this kernel can do, found by trying where nobody is: in a network namespace made for it.

use super::{leaf::Leaf, split::Split};
use crate::{
    netlink::{Family, Netlink},
    route::{Handle, Queue},
};
use chaos_core::Capability;
use nix::sched::{CloneFlags, unshare};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    thread,
};

/// What was found once; a module that is loaded later is asked for again.
static WORKS: Mutex<BTreeMap<&'static str, ()>> = Mutex::new(BTreeMap::new());

/// The number of the loopback interface of every namespace.
const LOOPBACK: u32 = 1;

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
    let attempt = thread::spawn(move || attempt(kind));
    let worked = attempt
        .join()
        .unwrap_or_else(|_| Err("the attempt panicked".into()));
    if worked.is_ok() {
        known().insert(kind, ());
    }
    worked
}

/// Moves the calling thread into a namespace of its own, which ends with it.
fn attempt(kind: &'static str) -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|e| format!("make a network namespace: {e}"))?;
    let route = Netlink::open(Family::Route).map_err(|e| e.to_string())?;
    let options = match kind {
        "netem" => Leaf::Netem(Box::default()).options(0),
        "tbf" => Leaf::rate(1_000_000).options(0),
        "prio" => Split::Prio.options(),
        "htb" => Split::Htb.options(),
        _ => Vec::new(),
    };
    let add = Queue::add(
        LOOPBACK,
        Handle::ROOT,
        Handle::queue(0xc4a0),
        kind,
        &options,
    );
    route.ask(&[add], |_, _| {}).map_err(|e| e.to_string())
}
