//! A drop-in for [Toxiproxy](https://github.com/Shopify/toxiproxy): its HTTP API, over the proxies of this crate.
//!
//! [`Server`] starts it. Whatever talks to Toxiproxy, a client library, `toxiproxy-cli` or `curl`, talks to it as well: the
//! routes, the JSON, the statuses and the effects on live connections are the same. What is not is on [`Server`].
//!
//! Each toxic is put on its [`Proxy`](crate::Proxy) like a fault. Nothing is changed on the host but that ports are
//! listened at; dropping [`Running`] gives them back.

// server: what a user holds. serve: clients, on a thread of their own. api: a request and its answer, with route (which), body,
// json, answer, error. proxies: all of them, and entry: one, made from wanted, at a listen address. toxic: what the API tells, with
// attributes; effect: what it does, with stages. ledger, process: metrics.

mod answer;
mod api;
mod attributes;
mod body;
mod effect;
mod entry;
mod error;
mod json;
mod ledger;
mod listen;
mod process;
mod proxies;
mod route;
mod serve;
mod server;
mod stages;
mod thread;
mod toxic;
mod wanted;

pub use server::{Running, Server, VERSION};
