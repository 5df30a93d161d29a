//! The page by the rules of HTML.

use super::{Tested, demo, require};
use std::{fs, process::Command};

/// A version that is known, so that its rules do not change by themselves.
const VALIDATOR: &str = "html-validate@9.0.0";

/// What the standard and people who cannot see demand; how markup is laid out is a matter of taste.
const RULES: &str = r#"{
    "root": true,
    "extends": ["html-validate:standard", "html-validate:a11y"],
    "rules": { "long-title": "off" }
}"#;

pub(super) async fn check() -> Tested {
    let dir = tempfile::tempdir()?;
    fs::write(dir.path().join(".htmlvalidate.json"), RULES)?;
    let mut command = Command::new("npm");
    command.args([
        "exec",
        "--yes",
        "--package",
        VALIDATOR,
        "--",
        "html-validate",
    ]);
    for (name, page) in demo::pages() {
        let file = format!("{name}.html");
        fs::write(dir.path().join(&file), page)?;
        command.arg(file);
    }
    let output =
        tokio::task::spawn_blocking(move || command.current_dir(dir.path()).output()).await??;
    require(output.status.success(), || {
        let (said, error) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        format!("{}{error}", said.chars().take(4000).collect::<String>())
    })
}
