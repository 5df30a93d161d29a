//! Standard output, and what could not be written to it.

use super::{INTERNAL, complain};
use chaos_validator::printable;
use std::{
    io::{self, Write},
    sync::OnceLock,
};

/// Why standard output could not be written to, the first time.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Writes a line to standard output, without what would steer a terminal or its reader.
pub(crate) fn say(text: &str) {
    print(&format!("{}\n", printable(text)));
}

/// Writes to standard output, as it is.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Remembers what has become of standard output. A reader that has gone away (`chaos faults | head`) is no error.
pub(crate) fn written(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        FAILED.set(error).ok();
    }
}

/// The exit code of a command, when all that it had to say could be said; what it did is worth more.
pub(crate) fn exit_code(code: u8) -> u8 {
    let Some(error) = FAILED.get() else {
        return code;
    };
    complain(&format!(
        "error: standard output could not be written: {error}"
    ));
    if code == 0 { INTERNAL } else { code }
}
