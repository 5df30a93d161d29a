//! Interfaces and their queues, by route netlink. The numbers are those of `linux/rtnetlink.h`, `linux/if_link.h` and
//! `linux/pkt_sched.h`.

mod addresses;
mod kept;
mod link;
mod queue;

pub(crate) use addresses::addresses;
pub(crate) use kept::Kept;
pub(crate) use link::{IFB, Link};
pub(crate) use queue::{Handle, Queue};
