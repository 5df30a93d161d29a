//! nftables over netlink: just what a partition needs, without the `nft` program.
//!
//! [`attributes`] and [`message`] are the bytes, [`expression`] and [`table`] what they say, [`socket`] talks to the
//! kernel. The numbers are those of `linux/netlink.h` and `linux/netfilter/nf_tables.h`.

mod attributes;
mod expression;
mod message;
mod socket;
mod table;

pub(crate) use socket::{FoundTable, Nft};
pub(crate) use table::Table;
