//! A TCP proxy inside this process, on whose connections faults are put.
//!
//! [`handle`] is what a user holds; [`shared`] is what it has in common with its faults; [`door`] is the port,
//! [`accept`] the loop behind it, [`connection`] one client and its upstream, [`relay`] both directions of that and
//! [`pipe`] one. A pipe copies, splices ([`splice`]) or has the data [`staged`].
//! A fault is an [`effect`] in the [`stack`]; per direction of a connection it becomes a [`stage`]. Connections hear
//! of changes through [`faults`]. The [`workers`] are the threads, and each has a [`clock`].

mod accept;
mod clock;
mod config;
mod connection;
mod door;
mod effect;
mod faults;
mod handle;
mod moved;
mod pace;
mod pipe;
mod place;
mod queue;
mod relay;
mod scratch;
mod shared;
mod splice;
mod stack;
mod stage;
mod staged;
mod stages;
mod stream;
#[cfg(test)]
mod tests;
mod workers;

pub use config::ProxyConfig;
#[cfg(feature = "toxiproxy")]
pub(crate) use door::Door;
pub(crate) use effect::{Effect, Gate, Hits, Leg};
pub use handle::Proxy;
#[cfg(feature = "toxiproxy")]
pub(crate) use handle::open_door;
pub(crate) use place::{InPlace, change, is_a_proxy, plan_on_proxies, proxies};
pub(crate) use shared::Shared;
#[cfg(test)]
pub(crate) use stage::Carried;
pub(crate) use stage::{Fate, Piece, Room, Stage, Then};
#[cfg(feature = "toxiproxy")]
pub(crate) use workers::home;
