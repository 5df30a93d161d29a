//! A process that uses what it is told to.

use rustix::time::{ClockId, clock_gettime};
use std::{
    fs::File,
    hint::black_box,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
    time::Duration,
};

const WHAT: &str = "CHAOS_TEST_VICTIM";

/// Is the victim, if this process was started as one.
pub(crate) fn is_asked_for() -> Option<ExitCode> {
    let what = std::env::var(WHAT).ok()?;
    say("ready");
    // Somebody has looked at what it is without.
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    let mut memory: Vec<u8> = Vec::new();
    let mut files: Vec<File> = Vec::new();
    match what.split_once(' ') {
        Some(("burn", ms)) => burn(Duration::from_millis(ms.parse().unwrap())),
        Some(("memory", mib)) => memory = vec![1; mib.parse::<usize>().unwrap() << 20],
        Some(("files", n)) => {
            let open = |_| File::open("/dev/null").unwrap();
            files = (0..n.parse().unwrap()).map(open).collect();
        }
        _ => {}
    }
    say("done");
    // Ends with whoever has started it.
    std::io::stdin().lock().read_to_string(&mut line).unwrap();
    black_box((memory, files));
    Some(ExitCode::SUCCESS)
}

/// As much CPU time, however long that takes on a busy machine.
fn burn(time: Duration) {
    let used = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap();
    let end = used() + time;
    while used() < end {
        black_box((0..10_000_u64).fold(0, |a, b| black_box(a ^ b)));
    }
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word}").unwrap();
    out.flush().unwrap();
}

/// A process that uses what it is told to; it ends when this is dropped.
pub(crate) struct Victim {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Victim {
    pub(crate) fn new(what: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(WHAT, what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut victim = Self { child, said };
        victim.hears("ready");
        victim
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it use what it was told to.
    pub(crate) fn goes_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.hears("done");
    }

    fn hears(&mut self, word: &str) {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word);
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
