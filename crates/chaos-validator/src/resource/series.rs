//! A run of any length in a bounded number of points.

use super::point::ResourcePoint;

/// No more points than this are kept: at one per second the resolution halves after 34 minutes, after 68, and so on.
const MOST: usize = 2048;

/// Points that follow each other. When there are too many, two become one.
#[derive(Debug, Clone)]
pub(super) struct Series {
    points: Vec<ResourcePoint>,
    /// What the next point is made of.
    waiting: Vec<ResourcePoint>,
    /// How many samples make a point.
    together: usize,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            waiting: Vec::new(),
            together: 1,
        }
    }
}

impl Series {
    pub(super) fn push(&mut self, point: ResourcePoint) {
        self.waiting.push(point);
        if self.waiting.len() < self.together {
            return;
        }
        self.points.extend(ResourcePoint::merge(&self.waiting));
        self.waiting.clear();
        if self.points.len() >= MOST {
            let halved = self.points.chunks(2).filter_map(ResourcePoint::merge);
            self.points = halved.collect();
            self.together *= 2;
        }
    }

    /// The newest sample.
    pub(super) fn latest(&self) -> Option<ResourcePoint> {
        self.waiting.last().or(self.points.last()).copied()
    }

    /// All of them, the newest as far as it is.
    pub(super) fn points(&self) -> Vec<ResourcePoint> {
        let newest = ResourcePoint::merge(&self.waiting);
        self.points.iter().copied().chain(newest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn weeks_stay_small_and_lose_no_peak() {
        let mut series = Series::default();
        let weeks = 3 * 7 * 24 * 3600_u32;
        for i in 0..weeks {
            let busy = f64::from(u8::from(i == 1_000_000));
            let at = Duration::from_secs(i.into());
            // Once it is gone for a day, and once for three seconds, which is much less than a point.
            if (1_100_000..1_186_400).contains(&i) || (5_000..5_003).contains(&i) {
                series.push(ResourcePoint::gap(at, at + Duration::from_secs(1)));
                continue;
            }
            series.push(ResourcePoint {
                from: at,
                to: at + Duration::from_secs(1),
                cpu: Some(busy),
                cpu_max: Some(busy),
                memory: Some(100),
                memory_max: Some(100 + u64::from(i == 5)),
                descriptors: Some(3),
                threads: Some(1),
                missing: Duration::ZERO,
            });
        }
        let points = series.points();
        assert!((1024..=2048).contains(&points.len()), "{}", points.len());
        assert_eq!(points.last().unwrap().to, Duration::from_secs(weeks.into()));
        assert!(points.windows(2).all(|p| p[0].to == p[1].from));
        let busiest = points.iter().filter_map(|p| p.cpu_max).fold(0.0, f64::max);
        assert!((busiest - 1.0).abs() < 1e-9);
        assert_eq!(points[0].memory_max, Some(101));
        let used: f64 = points
            .iter()
            .map(|p| p.cpu.unwrap_or_default() * p.length().as_secs_f64())
            .sum();
        assert!((used - 1.0).abs() < 1e-6, "{used}");
        let gone: Duration = points.iter().map(|p| p.missing).sum();
        assert_eq!(gone, Duration::from_secs(86_400 + 3));
    }
}
