//! What the targets used, in words.

use super::{Report, short::Short};
use crate::resource::{ResourceUse, SiteResources};
use std::time::Duration;

/// The columns of [`row`].
pub(super) const HEADER: [&str; 5] = [
    "target",
    "mean CPU cores",
    "most memory",
    "descriptors",
    "threads",
];
/// What [`row`] says in one cell.
const ARROW: &str = " → ";

/// Those of which there is something to say.
pub(super) fn known(report: &Report) -> impl Iterator<Item = &SiteResources> {
    let sites = report.resources.sites.iter();
    sites.filter(|site| site.parts().any(|(_, part)| !part.is_unknown()))
}

/// A site in one line: before the fault, with it, after it.
pub(super) fn row(site: &SiteResources) -> [String; 5] {
    let parts: Vec<&ResourceUse> = site.parts().map(|(_, part)| part).collect();
    let counts = |of: fn(&ResourceUse) -> Option<u64>| {
        joined(parts.iter().map(|p| of(p).map(|n| n.to_string())), "")
    };
    let most = parts.iter().filter_map(|p| p.memory_max).max();
    let unit = Unit::of(most.unwrap_or_default());
    let memory = parts.iter().map(|p| p.memory_max.map(|b| unit.digits(b)));
    [
        site.name.clone(),
        joined(parts.iter().map(|p| p.cpu_mean.map(cores)), ""),
        joined(memory, unit.name),
        counts(|p| p.descriptors_max),
        counts(|p| p.threads_max),
    ]
}

/// When a target was not there, and how often it came back.
pub(super) fn absences(report: &Report) -> impl Iterator<Item = String> {
    report.resources.sites.iter().filter_map(|site| {
        let missing: Duration = site.parts().map(|(_, part)| part.missing).sum();
        let again = match site.restarts {
            0 => String::new(),
            1 => ", and was there again".to_owned(),
            n => format!(", and was there again {n} times"),
        };
        // It is looked at every so often: it may have been there for nearly as long before and after.
        let gone = format!(
            "{} was not there for up to {}{again}",
            site.name,
            Short(missing)
        );
        (!missing.is_zero()).then_some(gone)
    })
}

/// CPU time per time: `0.04`, `1.98`, `12.4`.
pub(super) fn cores(cores: f64) -> String {
    match cores {
        c if c < 9.995 => format!("{c:.2}"),
        c if c < 99.95 => format!("{c:.1}"),
        c => format!("{c:.0}"),
    }
}

/// `64.2 MiB`.
#[cfg(any(test, feature = "html"))]
pub(super) fn bytes(bytes: u64) -> String {
    let unit = Unit::of(bytes);
    format!("{} {}", unit.digits(bytes), unit.name)
}

/// One value, when it is the same everywhere.
fn joined(values: impl Iterator<Item = Option<String>>, unit: &str) -> String {
    let mut said: Vec<String> = values
        .map(|v| v.unwrap_or_else(|| "–".to_owned()))
        .collect();
    if said.iter().all(|value| *value == said[0]) {
        said.truncate(1);
    }
    match (said.iter().any(|value| value != "–"), unit) {
        (true, "") => said.join(ARROW),
        (true, unit) => format!("{} {unit}", said.join(ARROW)),
        (false, _) => "–".to_owned(),
    }
}

/// In what sizes are told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) bytes: f64,
}

impl Unit {
    /// The one in which the largest of the sizes is read best.
    pub(super) fn of(largest: u64) -> Self {
        let unit = |name, bytes| Self { name, bytes };
        match largest {
            ..1024 => unit("B", 1.0),
            1024..1_048_576 => unit("KiB", 1024.0),
            1_048_576..1_073_741_824 => unit("MiB", 1_048_576.0),
            _ => unit("GiB", 1_073_741_824.0),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes stay below 2^52")]
    pub(super) fn digits(self, bytes: u64) -> String {
        let value = bytes as f64 / self.bytes;
        match value {
            v if v.fract() == 0.0 || v >= 99.95 => format!("{v:.0}"),
            v => format!("{v:.1}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_their_unit() {
        for (size, said) in [
            (0, "0 B"),
            (1536, "1.5 KiB"),
            (64 << 20, "64 MiB"),
            ((64 << 20) + (200 << 10), "64.2 MiB"),
            (3 << 40, "3072 GiB"),
        ] {
            assert_eq!(bytes(size), said);
        }
    }

    #[test]
    fn what_does_not_change_is_said_once() {
        let some = |values: &[&str]| {
            let values = values.iter().map(|v| (*v != "–").then(|| (*v).to_owned()));
            joined(values, "MiB")
        };
        assert_eq!(some(&["1", "2", "1"]), "1 → 2 → 1 MiB");
        assert_eq!(some(&["3", "3"]), "3 MiB");
        assert_eq!(some(&["3", "–", "3"]), "3 → – → 3 MiB");
        assert_eq!(some(&["–", "–"]), "–");
        assert_eq!(some(&[]), "–");
    }
}
