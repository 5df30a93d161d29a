//! A proxy for datagrams.
//!
//! [`receive`] is the loop behind the port; it finds the [`session`] of a client in the table of [`sessions`], each of which
//! has a socket of its own towards the [`upstream`]. Per direction of a session a fault becomes a [`stage`], where
//! datagrams wait at a [`station`]; the stations are on a [`line`].

mod line;
mod receive;
mod session;
mod sessions;
mod stage;
mod station;
#[cfg(test)]
mod tests;
mod under_way;
mod upstream;

pub(crate) use receive::receive;
pub(crate) use stage::{Datagram, DatagramStage, Onward};
pub(crate) use under_way::UnderWay;
