//! The page of a report in a real browser (tier 3).
//!
//! Runs when `CHAOS_TEST_BROWSER=1`, and then must succeed. Needs the packages `chromium` and `chromium-driver`, and `npm` for
//! the check of the HTML.

#[cfg(target_os = "linux")]
#[path = "browser/mod.rs"]
mod browser;

use chaos_tests::Tier;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return Tier::BROWSER.run(browser::trials());
    #[cfg(not(target_os = "linux"))]
    Tier::BROWSER.run(vec![libtest_mimic::Trial::test("browser", || {
        Err("needs Linux".into())
    })])
}
