//! For tests of faults: a fake fault, crash points and the conformance suite. Feature `testing`.

#[cfg(feature = "testing")]
mod bench;
#[cfg(feature = "testing")]
mod conformance;
mod crash;
#[cfg(feature = "testing")]
mod litter;
#[cfg(feature = "testing")]
mod world;

#[cfg(feature = "testing")]
pub use bench::Appender;
#[cfg(feature = "testing")]
pub use conformance::Conformance;
pub(crate) use crash::crash_point;
#[cfg(feature = "testing")]
pub use crash::crash_points;
#[cfg(feature = "testing")]
pub use litter::{Litter, LitterConfig, PickUp, Yard, register};
#[cfg(feature = "testing")]
pub use world::World;
