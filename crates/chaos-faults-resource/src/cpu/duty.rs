//! A share of CPU time, kept also when others want the CPU.

use std::time::Duration;

/// How often the share is met.
pub(super) const PERIOD: Duration = Duration::from_millis(100);
/// What may be made up for at most, after others had the CPU.
const DEBT: f64 = 1.0;

/// How much CPU time is due. A closed loop: what one period lacked, the next ones make up for.
#[derive(Debug)]
pub(super) struct Duty {
    share: f64,
    /// In seconds; negative when too much was used.
    owed: f64,
}

impl Duty {
    pub(super) fn new(percent: u32) -> Self {
        let share = f64::from(percent) / 100.0;
        Self { share, owed: 0.0 }
    }

    /// The CPU time to use in the next period.
    pub(super) fn due(&self) -> Duration {
        let due = self.share * PERIOD.as_secs_f64() + self.owed;
        Duration::from_secs_f64(due.max(0.0))
    }

    /// So long has passed, and so much CPU time was used.
    pub(super) fn passed(&mut self, wall: Duration, used: Duration) {
        let owed = self.owed + self.share * wall.as_secs_f64() - used.as_secs_f64();
        self.owed = owed.clamp(-PERIOD.as_secs_f64(), DEBT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses what is due for so many periods, as far as the CPU is given, and wakes `late`.
    fn used(percent: u32, given: impl Fn(u32) -> f64, late: Duration) -> f64 {
        let mut duty = Duty::new(percent);
        let (mut wall, mut cpu) = (Duration::ZERO, Duration::ZERO);
        for period in 0..100 {
            let most = PERIOD.mul_f64(given(period));
            // The clock is looked at now and then only.
            let now = (duty.due() + Duration::from_micros(50)).min(most);
            duty.passed(PERIOD + late, now);
            (wall, cpu) = (wall + PERIOD + late, cpu + now);
        }
        cpu.as_secs_f64() / wall.as_secs_f64()
    }

    #[test]
    fn the_share_is_kept() {
        let free = |_| 1.0;
        let contended = |period| if period % 4 == 0 { 0.1 } else { 0.9 };
        for percent in [1, 10, 33, 50] {
            let share = f64::from(percent) / 100.0;
            for late in [Duration::ZERO, Duration::from_millis(20)] {
                for used in [used(percent, free, late), used(percent, contended, late)] {
                    assert!((used - share).abs() < 0.01, "{percent} {late:?}: {used}");
                }
            }
        }
        assert!(used(100, free, Duration::ZERO) > 0.99);
    }

    #[test]
    fn a_long_drought_is_not_made_up_for_without_end() {
        let mut duty = Duty::new(50);
        for _ in 0..1000 {
            duty.passed(PERIOD, Duration::ZERO);
        }
        assert!(duty.due() < Duration::from_millis(1100));
    }
}
