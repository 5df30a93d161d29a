//! Moving data from socket to socket within the kernel, where there is a way to.

#[cfg(target_os = "linux")]
mod tube;
#[cfg(target_os = "linux")]
pub(crate) use tube::Tube;

#[cfg(not(target_os = "linux"))]
mod none;
#[cfg(not(target_os = "linux"))]
pub(crate) use none::Tube;
