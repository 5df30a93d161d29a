//! JUnit XML against the schema of what CI servers take, by libxml2's `xmllint`.

use super::Tested;
use chaos_core::BoxError;
use chaos_tests::Tier;
use chaos_validator::{Format, Summary};
use libtest_mimic::Trial;
use std::{fs, path::Path, process::Command};

#[path = "../../../crates/chaos-validator/tests/support/demo.rs"]
mod demo;

const SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/chaos-validator/tests/fixtures/junit.xsd"
);

pub(crate) fn trials() -> Vec<Trial> {
    vec![Tier::trial("junit_is_what_ci_servers_take", taken)]
}

async fn taken() -> Tested {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("junit.xml");
    let mut single: Summary = demo::several();
    single.reports = vec![demo::hostile(), demo::no_traffic(), demo::interrupted()];
    for summary in [demo::several(), single] {
        let xml = summary.render(Format::Junit)?;
        fs::write(&file, &xml)?;
        validate(&file)?;
        // The schema can say no.
        fs::write(
            &file,
            xml.replace("<testcase", "<case")
                .replace("</testcase", "</case"),
        )?;
        if validate(&file).is_ok() {
            return Err("the schema takes anything".into());
        }
    }
    Ok(())
}

fn validate(file: &Path) -> Result<(), BoxError> {
    let output = Command::new("xmllint")
        .args(["--noout", "--schema", SCHEMA])
        .arg(file)
        .output()
        .map_err(|e| format!("needs `xmllint` (apt-get install libxml2-utils): {e}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}
