//! The drop-in Toxiproxy over real sockets. Everything here blocks, as many clients do, in a current-thread runtime.

mod api;
mod config;
mod ending;
mod hostile;
mod lifecycle;
mod metrics;
mod toxicity;
mod toxics;
mod world;
