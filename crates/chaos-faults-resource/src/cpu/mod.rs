//! CPU pressure.

mod burn;
mod duty;
mod worker;

pub use burn::{CpuBurn, CpuBurnConfig};
