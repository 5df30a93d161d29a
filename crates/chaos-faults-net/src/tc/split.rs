//! Only some of an interface's packets: a queue with classes above the one that does what a fault says.

use super::tbf::{rate_specification, ticks};
use crate::{
    netlink::{Attributes, Request},
    route::{Handle, Queue},
};

/// `TCA_HTB_PARMS`, `TCA_HTB_INIT`, `TCA_HTB_RATE64`, `TCA_HTB_CEIL64`.
const HTB_PARAMETERS: u16 = 1;
const HTB_INIT: u16 = 2;
const HTB_RATE_64: u16 = 6;
const HTB_CEIL_64: u16 = 7;
/// Faster than any interface, in bytes per second.
const UNLIMITED: u64 = 125_000_000_000;

/// The queue with classes. Packets that no filter names pass it as they would pass the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// `prio`: four bands, of which the first three are filled as the usual queue fills them.
    Prio,
    /// `htb`, for kernels without `prio`: what no filter names is sent at once.
    Htb,
}

impl Split {
    /// The usual queue's map from a packet's priority to its band (`pfifo_fast`).
    const PRIOMAP: [u8; 16] = [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];

    /// The kernel's name.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Prio => "prio",
            Self::Htb => "htb",
        }
    }

    /// The class of the packets that filters name.
    pub(crate) const fn class(self, handle: Handle) -> Handle {
        match self {
            Self::Prio => handle.class(4),
            Self::Htb => handle.class(1),
        }
    }

    /// What the kernel is told.
    pub(crate) fn options(self) -> Vec<u8> {
        match self {
            Self::Prio => [&4_u32.to_ne_bytes()[..], &Self::PRIOMAP].concat(),
            Self::Htb => {
                // struct tc_htb_glob: version 3, rate to quantum, no default class.
                let global: [u32; 5] = [3, 10, 0, 0, 0];
                let global: Vec<u8> = global.iter().flat_map(|word| word.to_ne_bytes()).collect();
                let options = Attributes::new().bytes(HTB_INIT, &global);
                options.as_bytes().to_vec()
            }
        }
    }

    /// The requests that make it and its class.
    pub(crate) fn add(self, index: u32, handle: Handle) -> Vec<Request> {
        let queue = Queue::add(index, Handle::ROOT, handle, self.kind(), &self.options());
        match self {
            Self::Prio => vec![queue],
            Self::Htb => {
                let class = self.class(handle);
                let class = Queue::add_class(index, handle, class, self.kind(), &unlimited());
                vec![queue, class]
            }
        }
    }
}

/// A class of `htb` that holds nothing back: `struct tc_htb_opt`.
fn unlimited() -> Vec<u8> {
    let mut parameters = rate_specification(u32::MAX);
    parameters.extend(rate_specification(u32::MAX));
    let buffer = ticks(UNLIMITED / 1000, UNLIMITED);
    // Buffers of 1 ms, a quantum of some packets, level and priority.
    for word in [buffer, buffer, 60_000, 0, 0] {
        parameters.extend(word.to_ne_bytes());
    }
    let options = Attributes::new()
        .bytes(HTB_PARAMETERS, &parameters)
        .bytes(HTB_RATE_64, &UNLIMITED.to_ne_bytes())
        .bytes(HTB_CEIL_64, &UNLIMITED.to_ne_bytes());
    options.as_bytes().to_vec()
}
