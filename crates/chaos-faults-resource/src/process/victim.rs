//! A process that is about to be signalled, and whom not to signal.

use super::{find::is_kernel, handle};
use chaos_core::{FaultError, Needs, ProcessId, Site};
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, getpid, pidfd_open, test_kill_process},
};

pub(super) fn needs() -> Needs {
    Needs::none()
        .linux()
        .feature("pidfds", "Linux 5.3 or newer", |_| {
            pidfd_open(getpid(), PidfdFlags::empty())
                .map(drop)
                .map_err(|e| e.to_string())
        })
}

/// The process of a site, if it may be signalled.
pub(super) fn of(site: &Site) -> Result<ProcessId, FaultError> {
    let refuse = |why: &str| Err(FaultError::unsupported(site.to_string(), why));
    let Some(id) = site.pid() else {
        return refuse("it is not a process; use a process or container target");
    };
    if id.pid <= 1 {
        return refuse("without pid 1 the whole system stops");
    }
    if id.pid == std::process::id() {
        return refuse("this very process could not put itself back");
    }
    let Some((_, stat)) = handle::stat(id)? else {
        return Err(FaultError::no_target(site.to_string(), "it has ended"));
    };
    if is_kernel(&stat) {
        return refuse("it is a thread of the kernel");
    }
    let pid = i32::try_from(id.pid).ok().and_then(Pid::from_raw);
    match pid.map(test_kill_process) {
        Some(Err(Errno::PERM)) => {
            refuse("it belongs to another user; run as that user or with CAP_KILL")
        }
        Some(Err(Errno::SRCH)) | None => {
            Err(FaultError::no_target(site.to_string(), "it has ended"))
        }
        Some(Err(e)) => Err(FaultError::host(format!("signal {id}"), e)),
        Some(Ok(())) => Ok(id.clone()),
    }
}

/// What is claimed: the same for every fault that signals this process.
pub(super) fn resource(id: &ProcessId) -> String {
    format!("process {}/{}", id.pid, id.started)
}
