//! What the targets use while they are broken.

mod cgroup;
mod origin;
mod phases;
mod point;
mod process;
mod sampler;
mod series;
mod slot;
#[cfg(all(test, target_os = "linux"))]
mod testing;
mod usage;
mod watch;
mod watched;

pub use origin::ResourceSource;
pub use phases::{Life, ResourceUse, Resources, SiteResources};
pub use point::ResourcePoint;
pub use watch::ResourceWatch;
