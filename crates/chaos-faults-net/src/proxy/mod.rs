//! A proxy inside this process, on whose connections faults are put; for datagrams see [`udp`].
//!
//! [`handle`] is what a user holds; [`shared`] is what it has in common with its faults; [`door`] is the port,
//! [`accept`] the loop behind it, [`connection`] one client and its upstream, [`relay`] both directions of that and
//! [`pipe`] one. A pipe copies, splices ([`splice`]) or has the data [`staged`].
//! A fault is an [`effect`] in the [`stack`]; per direction of a connection it becomes a [`stage`]. Connections hear
//! of changes through [`faults`], and of an end that is gone though nobody reads from it by a [`watch`]. The [`workers`] are
//! the threads, and each has a [`clock`]; what a delay counts from is when data [`arrived`].

mod accept;
mod address;
mod arrived;
mod clock;
mod config;
mod connection;
mod departure;
mod door;
mod effect;
mod faults;
mod handle;
mod in_all;
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
mod transport;
mod udp;
mod watch;
mod workers;

pub use address::Address;
pub use config::ProxyConfig;
#[cfg(feature = "toxiproxy")]
pub(crate) use door::TcpDoor;
pub(crate) use effect::{Effect, Gate, Hits, Leg};
pub use handle::Proxy;
#[cfg(feature = "toxiproxy")]
pub(crate) use handle::open_at;
pub(crate) use place::{InPlace, change, has_streams, is_a_proxy, plan_on_proxies, proxies};
pub(crate) use shared::Shared;
#[cfg(test)]
pub(crate) use stage::Carried;
pub(crate) use stage::{Fate, Piece, Room, Stage, Then};
pub use transport::Transport;
pub(crate) use udp::{Datagram, DatagramStage, Onward};
