//! Writes reports of runs as they happen as pages into a directory, for looking at:
//! `cargo run -p chaos-validator --features html --example pages -- DIR`

#[path = "../tests/support/demo.rs"]
mod demo;

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("which directory?")?);
    fs::create_dir_all(&dir)?;
    for (name, page) in demo::pages() {
        fs::write(dir.join(name).with_extension("html"), page)?;
    }
    Ok(())
}
