//! What a target used in each part of a run.

use super::{
    origin::ResourceSource,
    point::{ResourcePoint, mean, mean_bytes},
    slot::Slot,
};
use crate::measure::{Window, Windows};
use chaos_core::seconds;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the targets of the faults used while they were broken: CPU, memory, descriptors, threads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Resources {
    /// The sites, in the order in which they were seen.
    pub sites: Vec<SiteResources>,
}

impl Resources {
    /// Whether nobody was watched.
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }
}

/// What one site used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SiteResources {
    /// The target in words; with a number when it has several sites.
    pub name: String,
    /// How often a sample was taken.
    #[serde(with = "seconds")]
    pub every: Duration,
    /// Who it was, one after the other when it was restarted; the first 64.
    pub lives: Vec<Life>,
    /// How often it was there again after it was gone.
    pub restarts: u64,
    /// Before the fault.
    #[serde(default)]
    pub baseline: Option<ResourceUse>,
    /// With the fault in place.
    #[serde(default)]
    pub fault: Option<ResourceUse>,
    /// After the fault.
    #[serde(default)]
    pub recovery: Option<ResourceUse>,
    /// The run point by point, at most 2048: a longer run has longer points.
    pub points: Vec<ResourcePoint>,
}

/// One life of a target: from a start of its process to the end of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Life {
    /// The site's name: that of a process has its pid in it.
    pub site: String,
    /// Where the numbers come from.
    pub source: ResourceSource,
    /// When it was seen first, from the start of the run.
    #[serde(with = "seconds")]
    pub since: Duration,
}

/// What a site used in one part of a run; what could not be seen is not known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResourceUse {
    /// CPU time per time, on average: 1 is one core.
    pub cpu_mean: Option<f64>,
    /// The same, in the busiest sample.
    pub cpu_max: Option<f64>,
    /// Memory in bytes, on average.
    pub memory_mean: Option<u64>,
    /// The most memory, in bytes.
    pub memory_max: Option<u64>,
    /// The most open descriptors.
    pub descriptors_max: Option<u64>,
    /// The most threads.
    pub threads_max: Option<u64>,
    /// How long it was not there.
    #[serde(with = "seconds")]
    pub missing: Duration,
}

impl SiteResources {
    pub(super) fn new(name: String, every: Duration, slot: &Slot, windows: &Windows) -> Self {
        let points = slot.points();
        let part = |window: Option<Window>| ResourceUse::of(&points, window?);
        Self {
            name,
            every,
            lives: slot.lives().to_vec(),
            restarts: slot.restarts(),
            baseline: part(windows.baseline),
            fault: part(windows.fault),
            recovery: part(windows.recovery),
            points,
        }
    }

    /// The parts of the run by name, those that were watched.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &ResourceUse)> {
        let all = [
            ("baseline", &self.baseline),
            ("fault", &self.fault),
            ("recovery", &self.recovery),
        ];
        all.into_iter()
            .filter_map(|(name, part)| Some((name, part.as_ref()?)))
    }
}

impl ResourceUse {
    /// By the points that are mostly in the window: what is before and after it is not the window's. Means count each for as long
    /// as it is in it.
    fn of(points: &[ResourcePoint], window: Window) -> Option<Self> {
        let within = |p: &ResourcePoint| {
            p.to.min(window.end)
                .saturating_sub(p.from.max(window.start))
        };
        let seen: Vec<(Duration, &ResourcePoint)> = points
            .iter()
            .map(|p| (within(p), p))
            .filter(|(within, _)| !within.is_zero())
            .collect();
        let longest = seen.iter().map(|(within, _)| *within).max()?;
        let mostly = |(within, p): &&(Duration, &ResourcePoint)| *within * 2 >= p.length();
        let inside: Vec<&(Duration, &ResourcePoint)> = match seen.iter().any(|p| mostly(&p)) {
            true => seen.iter().filter(mostly).collect(),
            // The window is shorter than a point.
            false => seen
                .iter()
                .filter(|(within, _)| *within == longest)
                .collect(),
        };
        let most =
            |of: fn(&ResourcePoint) -> Option<u64>| inside.iter().filter_map(|(_, p)| of(p)).max();
        Some(Self {
            cpu_mean: mean(inside.iter().map(|(within, p)| (*within, p.cpu))),
            cpu_max: inside
                .iter()
                .filter_map(|(_, p)| p.cpu_max)
                .reduce(f64::max),
            memory_mean: mean_bytes(inside.iter().map(|(within, p)| (*within, p.memory))),
            memory_max: most(|p| p.memory_max),
            descriptors_max: most(|p| p.descriptors),
            threads_max: most(|p| p.threads),
            missing: seen
                .iter()
                .map(|(within, p)| p.missing.mul_f64(part(*within, p.length())))
                .sum(),
        })
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        self.cpu_mean.is_none() && self.memory_max.is_none() && self.threads_max.is_none()
    }
}

/// Which part of a time another one is, 0 to 1.
fn part(within: Duration, of: Duration) -> f64 {
    match of.is_zero() {
        true => 0.0,
        false => (within.as_secs_f64() / of.as_secs_f64()).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(from: u64, cpu: f64, memory: u64) -> ResourcePoint {
        ResourcePoint {
            from: Duration::from_secs(from),
            to: Duration::from_secs(from + 1),
            cpu: Some(cpu),
            cpu_max: Some(cpu),
            memory: Some(memory),
            memory_max: Some(memory),
            descriptors: Some(4),
            threads: Some(1),
            missing: Duration::ZERO,
        }
    }

    fn window(from: f64, to: f64) -> Window {
        let secs = Duration::from_secs_f64;
        Window::new(secs(from), secs(to))
    }

    #[test]
    fn a_point_counts_for_as_long_as_it_is_in_the_window() {
        let points = [point(0, 0.0, 10), point(1, 1.0, 20), point(2, 2.0, 90)];
        let used = ResourceUse::of(&points, window(0.0, 2.25)).unwrap();
        // The last is mostly outside.
        assert_eq!((used.cpu_mean, used.memory_mean), (Some(0.5), Some(15)));
        assert_eq!((used.cpu_max, used.memory_max), (Some(1.0), Some(20)));
        let short = ResourceUse::of(&points, window(2.1, 2.2)).unwrap();
        assert_eq!(short.memory_max, Some(90));
        assert_eq!(ResourceUse::of(&points, window(5.0, 6.0)), None);
    }

    #[test]
    fn a_time_without_the_target_is_missing_and_no_zero() {
        let secs = Duration::from_secs;
        let points = [
            point(0, 1.0, 10),
            ResourcePoint::gap(secs(1), secs(3)),
            point(3, 1.0, 10),
        ];
        let used = ResourceUse::of(&points, window(0.0, 4.0)).unwrap();
        assert_eq!(used.missing, secs(2));
        assert_eq!((used.cpu_mean, used.memory_mean), (Some(1.0), Some(10)));
        let gone = ResourceUse::of(&points, window(1.0, 3.0)).unwrap();
        assert!(gone.is_unknown() && gone.missing == secs(2));
    }
}
