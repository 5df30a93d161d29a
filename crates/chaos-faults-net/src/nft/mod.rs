//! nftables: just what our faults need, without the `nft` program.
//!
//! [`message`] has the bytes, [`expression`] and [`table`] what they say, [`socket`] talks to the kernel. The numbers are
//! those of `linux/netfilter/nf_tables.h`.

mod expression;
mod message;
mod socket;
mod table;

pub(crate) use socket::{FoundTable, Nft};
pub(crate) use table::Table;
