//! One place of a target, that one site after the other may have.

use super::{
    origin::Origin, phases::Life, point::ResourcePoint, process::Proc, series::Series, usage::Usage,
};
use std::time::Duration;

/// A target that is restarted for weeks is no list of weeks.
const MOST_LIVES: usize = 64;

/// One place of a target, that one site after the other may have.
#[derive(Debug, Default)]
pub(super) struct Slot {
    origin: Option<Origin>,
    /// When it was looked at last, and what it used.
    last: Option<(Duration, Usage)>,
    series: Series,
    lives: Vec<Life>,
    started: u64,
}

impl Slot {
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(super) fn points(&self) -> Vec<ResourcePoint> {
        self.series.points()
    }

    pub(super) fn latest(&self) -> Option<ResourcePoint> {
        self.series.latest()
    }

    pub(super) fn lives(&self) -> &[Life] {
        &self.lives
    }

    pub(super) fn restarts(&self) -> u64 {
        self.started.saturating_sub(1)
    }

    /// Somebody is there from now on, who uses that much already.
    pub(super) fn take(&mut self, origin: Origin, usage: Usage, since: Duration) {
        if self.lives.len() < MOST_LIVES {
            self.lives.push(Life {
                site: origin.site.clone(),
                source: origin.source(),
                since,
            });
        }
        self.started += 1;
        (self.origin, self.last) = (Some(origin), Some((since, usage)));
    }

    /// Looks, and says what was used since the last look.
    pub(super) fn look(&mut self, proc: &Proc, from: Duration, now: Duration) {
        let usage = self.origin.as_ref().and_then(|origin| origin.usage(proc));
        if usage.is_none() {
            self.origin = None;
        }
        // The first look of a run has no time before it.
        if now > from {
            self.series.push(match &usage {
                Some(usage) => point(self.last.as_ref(), usage, from, now),
                None => ResourcePoint::gap(from, now),
            });
        }
        self.last = usage.map(|usage| (now, usage));
    }
}

fn point(
    last: Option<&(Duration, Usage)>,
    now: &Usage,
    from: Duration,
    to: Duration,
) -> ResourcePoint {
    let before = last.map(|(_, usage)| usage);
    let cpu = last.and_then(|(at, before)| {
        let over = now.since(before).unwrap_or(to.saturating_sub(*at));
        // A counter that went back is that of another life.
        let used = now.cpu?.checked_sub(before.cpu?)?;
        // A process counts hundredths of a second: of a short time they say little.
        (over * 2 >= to.saturating_sub(from)).then(|| used.as_secs_f64() / over.as_secs_f64())
    });
    let average = |before: u64, now: u64| before / 2 + now / 2 + (before % 2 + now % 2) / 2;
    let memory = match (before.and_then(|b| b.memory), now.memory) {
        (Some(before), Some(now)) => Some(average(before, now)),
        (_, now) => now,
    };
    ResourcePoint {
        from,
        to,
        cpu,
        cpu_max: cpu,
        memory,
        memory_max: before.map_or(now.memory, |before| now.most_memory_since(before)),
        descriptors: now.descriptors,
        threads: now.threads,
        missing: Duration::ZERO,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::resource::testing::FakeProc;
    use chaos_core::{ProcessId, Site};

    fn origin(fake: &FakeProc, pid: u32, started: u64) -> Origin {
        let mut id = ProcessId::of(std::process::id()).unwrap();
        (id.pid, id.started) = (pid, started);
        let site = Site::named("process", format!("victim (pid {pid})")).with_pid(id);
        Origin::of(&site, &fake.proc()).unwrap()
    }

    #[test]
    fn a_process_that_dies_and_is_restarted_leaves_a_gap_and_no_leap() {
        let secs = Duration::from_secs;
        let fake = FakeProc::new();
        fake.process(7, 1, 10, "S").cpu(1000, 0);
        fake.memory(7, 1024, 1024);
        let mut slot = Slot::default();
        let take = |slot: &mut Slot, pid, started, at| {
            let origin = origin(&fake, pid, started);
            let usage = origin.usage(&fake.proc()).unwrap();
            slot.take(origin, usage, secs(at));
        };
        take(&mut slot, 7, 10, 0);
        slot.look(&fake.proc(), secs(0), secs(0));
        fake.process(7, 1, 10, "R").cpu(1050, 0);
        fake.memory(7, 3072, 8192);
        slot.look(&fake.proc(), secs(0), secs(1));
        fake.ends(7);
        slot.look(&fake.proc(), secs(1), secs(2));
        assert_eq!(slot.origin(), None);
        slot.look(&fake.proc(), secs(2), secs(3));
        fake.process(9, 1, 400, "R").cpu(7, 0);
        take(&mut slot, 9, 400, 3);
        fake.process(9, 1, 400, "R").cpu(27, 0);
        slot.look(&fake.proc(), secs(3), secs(4));
        fake.process(9, 1, 400, "R").cpu(127, 0);
        slot.look(&fake.proc(), secs(4), secs(5));
        let points = slot.points();
        let cpu: Vec<Option<f64>> = points.iter().map(|p| p.cpu).collect();
        assert_eq!(cpu, [Some(0.5), None, None, Some(0.2), Some(1.0)]);
        let gaps: Vec<bool> = points.iter().map(ResourcePoint::is_gap).collect();
        assert_eq!(gaps, [false, true, true, false, false]);
        // Half way between two looks, and the peak of in between.
        assert_eq!(points[0].memory, Some(2 << 20));
        assert_eq!(points[0].memory_max, Some(8 << 20));
        assert_eq!(slot.restarts(), 1);
        let lives: Vec<&str> = slot.lives().iter().map(|l| l.site.as_str()).collect();
        assert_eq!(lives, ["victim (pid 7)", "victim (pid 9)"]);
    }

    #[test]
    fn a_target_that_dies_for_weeks_is_a_short_list() {
        let fake = FakeProc::new();
        let mut slot = Slot::default();
        for i in 0..1000 {
            slot.take(
                origin(&fake, 7, i),
                Usage::default(),
                Duration::from_secs(i),
            );
        }
        assert_eq!((slot.lives().len(), slot.restarts()), (64, 999));
    }
}
