//! What the targets use now.

use super::{label, real};
use chaos_validator::{ResourcePoint, ResourceWatch};

/// The samples of one measure, those that are known.
type Samples = Vec<(String, f64)>;

/// The measures of the targets by name, with what they mean.
pub(super) fn families(
    watch: &ResourceWatch,
    scenario: &str,
) -> Vec<(&'static str, &'static str, Samples)> {
    let latest = watch.latest();
    let samples = |of: fn(&ResourcePoint) -> Option<f64>| -> Samples {
        let known = latest.iter().filter_map(|(name, point)| {
            let name = label(name);
            let labels = format!("{{scenario=\"{scenario}\",target=\"{name}\"}}");
            Some((labels, of(point)?))
        });
        known.collect()
    };
    vec![
        (
            "chaos_target_present",
            "1 when the target of a fault is there, 0 when it is gone.",
            samples(|p| Some(f64::from(u8::from(!p.is_gap())))),
        ),
        (
            "chaos_target_current_cpu_cores",
            "CPU time of the target of a fault per time, in the last sample.",
            samples(|p| p.cpu),
        ),
        (
            "chaos_target_current_memory_bytes",
            "Memory of the target of a fault.",
            samples(|p| p.memory.map(real)),
        ),
        (
            "chaos_target_current_descriptors",
            "Open descriptors of the target of a fault.",
            samples(|p| p.descriptors.map(real)),
        ),
        (
            "chaos_target_current_threads",
            "Threads of the target of a fault.",
            samples(|p| p.threads.map(real)),
        ),
    ]
}
