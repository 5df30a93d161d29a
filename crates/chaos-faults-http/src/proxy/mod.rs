//! An HTTP proxy inside this process, on whose messages faults are put.
//!
//! [`handle`] is what a user holds, [`builder`] what makes it; [`shared`] is what it has in common with its faults; [`server`] the loop behind
//! the port, [`exchange`] one request and its response. [`upstream`] is the dependency, [`connections`] asks it,
//! [`head`] says what passes to it, [`tls`] speaks for it.
//! [`hitting`] is a fault and what it hits; [`place`] puts it there.

mod body;
mod builder;
mod ca_file;
mod config;
mod connections;
mod exchange;
mod expect;
mod handle;
mod head;
mod hitting;
mod left;
mod limits;
mod place;
mod probe;
mod rest;
mod server;
mod shared;
mod socket;
mod threads;
mod tls;
mod upgrade;
mod upstream;

pub(crate) use body::Body;
pub use builder::HttpProxyBuilder;
pub use config::HttpProxyConfig;
pub use handle::HttpProxy;
pub(crate) use head::is_coded;
pub(crate) use place::plan_on_proxies;
