//! The page by the rules of HTML.

use super::{Tested, demo, require};
use std::{fs, path::Path, process::Command, thread, time::Duration};

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
    let mut command = validator(dir.path());
    for (name, page) in demo::pages() {
        let file = format!("{name}.html");
        fs::write(dir.path().join(&file), page)?;
        command.arg(file);
    }
    let validate = move || {
        // Fetched first, three times where it must: a registry may be out for a moment.
        for _ in 0..3 {
            if validator(dir.path())
                .arg("--version")
                .output()?
                .status
                .success()
            {
                break;
            }
            thread::sleep(Duration::from_secs(5));
        }
        command.output()
    };
    let output = tokio::task::spawn_blocking(validate).await??;
    require(output.status.success(), || {
        let (said, error) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        format!("{}{error}", said.chars().take(4000).collect::<String>())
    })
}

/// The validator, from the registry where it was not fetched before.
fn validator(dir: &Path) -> Command {
    let mut command = Command::new("npm");
    command.args(["exec", "--yes", "--prefer-offline", "--package", VALIDATOR]);
    command.args(["--", "html-validate"]).current_dir(dir);
    command
}
