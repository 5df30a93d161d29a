//! What this process uses, for `/metrics`.

/// What this process uses, in the text format and under the names that Prometheus' clients share. Nothing where there is
/// no `/proc`.
#[cfg(target_os = "linux")]
pub(super) fn metrics() -> String {
    read().unwrap_or_else(|error| {
        tracing::debug!(%error, "cannot read what this process uses");
        String::new()
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn metrics() -> String {
    String::new()
}

#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "for people to look at")]
fn read() -> Result<String, procfs::ProcError> {
    use procfs::{WithCurrentSystemInfo, process::Process};
    use std::fmt::Write;

    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = procfs::ticks_per_second() as f64;
    let booted = procfs::boot_time_secs()? as f64;
    let mut text = String::new();
    for (name, kind, help, value) in [
        (
            "cpu_seconds_total",
            "counter",
            "Total user and system CPU time spent in seconds.",
            (stat.utime + stat.stime) as f64 / ticks,
        ),
        (
            "open_fds",
            "gauge",
            "Number of open file descriptors.",
            process.fd_count()? as f64,
        ),
        (
            "resident_memory_bytes",
            "gauge",
            "Resident memory size in bytes.",
            stat.rss_bytes().get() as f64,
        ),
        (
            "start_time_seconds",
            "gauge",
            "Start time of the process since unix epoch in seconds.",
            booted + stat.starttime as f64 / ticks,
        ),
        (
            "virtual_memory_bytes",
            "gauge",
            "Virtual memory size in bytes.",
            stat.vsize as f64,
        ),
    ] {
        let name = format!("process_{name}");
        // Writing to a string does not fail.
        write!(
            text,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
        )
        .ok();
    }
    Ok(text)
}
