//! Netlink: asking the kernel for networks things, without programs and without a runtime, so that a recovery can do
//! it on a throw-away thread in any network namespace.

mod attributes;
mod message;
mod socket;

pub(crate) use attributes::{Attributes, each, find};
pub(crate) use message::{Request, flags};
pub(crate) use socket::{Family, Netlink};
