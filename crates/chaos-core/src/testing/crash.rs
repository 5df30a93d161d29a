//! Points at which a test can have this process killed, as the power would be cut.

/// Kills this process with SIGKILL when `CHAOS_CRASH_AT` names this point.
#[cfg(all(feature = "testing", unix))]
pub(crate) fn crash_point(at: &str, n: u64) {
    if std::env::var("CHAOS_CRASH_AT").is_ok_and(|wanted| wanted == format!("{at}:{n}")) {
        let me = nix::unistd::Pid::this();
        nix::sys::signal::kill(me, nix::sys::signal::Signal::SIGKILL).ok();
        loop {
            std::thread::park();
        }
    }
}

#[cfg(not(all(feature = "testing", unix)))]
pub(crate) fn crash_point(_: &str, _: u64) {}

/// Every point of an injection of so many steps and of its recovery, as values of the environment variable
/// `CHAOS_CRASH_AT` for a child process that is to be killed there. Unix.
#[cfg(feature = "testing")]
pub fn crash_points(steps: u64) -> Vec<String> {
    let of = |at: &'static str| (0..steps).map(move |n| format!("{at}:{n}"));
    let forward = ["after-intent", "after-apply", "after-applied"]
        .into_iter()
        .flat_map(of);
    let back = ["before-undo", "after-undo", "after-undone"]
        .into_iter()
        .flat_map(of);
    std::iter::once("after-opened:0".to_owned())
        .chain(forward)
        .chain(back)
        .chain(std::iter::once("before-close:0".to_owned()))
        .collect()
}
