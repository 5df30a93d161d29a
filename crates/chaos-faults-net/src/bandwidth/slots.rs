//! When a narrow link is free: the reservations of all that goes over it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// One way of a narrow link. A clone is the same link.
///
/// It is reckoned from when something was due, not from when it was sent, so that late timers do not add up. Who comes
/// first is first, and each has one piece reserved at a time: so those who share the link take turns.
#[derive(Debug, Clone)]
pub(super) struct Link {
    rate: u64,
    slots: Arc<Mutex<Slots>>,
}

/// What is reserved of a link.
#[derive(Debug, Default)]
struct Slots {
    /// When it is free for good.
    free: Option<Instant>,
    /// What was given back before that, in order of time.
    gaps: Vec<Slot>,
    /// How many pieces wait for their time.
    waiting: u32,
}

/// From when to when the link is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) start: Instant,
    pub(super) end: Instant,
}

impl Link {
    /// How long one piece takes that has the link for itself.
    const PIECE: Duration = Duration::from_millis(5);
    /// How long a round takes at most if those who share the link are not too many: each then gets smaller pieces.
    const ROUND: Duration = Duration::from_millis(50);
    const SHORTEST: Duration = Duration::from_micros(500);
    const LONGEST: usize = 64 * 1024;
    /// How much time may be made up for: late timers, but not a receiver that did not read.
    const LATE: Duration = Duration::from_millis(50);

    /// A link of so many bytes per second. With 0 nothing gets through.
    pub(super) fn new(rate: u64) -> Self {
        Self {
            rate,
            slots: Arc::default(),
        }
    }

    pub(super) fn rate(&self) -> u64 {
        self.rate
    }

    /// Reserves the link for so many bytes that are there since `at`; `None`: they never get through.
    pub(super) fn reserve(&self, at: Instant, now: Instant, bytes: usize) -> Option<Slot> {
        let nanos = (bytes as u128 * 1_000_000_000).checked_div(self.rate.into())?;
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let earliest = now.checked_sub(Self::LATE).map_or(at, |late| at.max(late));
        self.slots().reserve(earliest, takes)
    }

    /// The piece of a slot is on its way.
    pub(super) fn used(&self) {
        self.slots().waiting -= 1;
    }

    /// The piece of a slot does not come.
    pub(super) fn give_back(&self, slot: Slot) {
        self.slots().give_back(slot);
    }

    /// The longest piece, so that there are no bursts and nobody waits long for the others.
    pub(super) fn longest(&self) -> usize {
        if self.rate == 0 {
            return usize::MAX;
        }
        let others = self.slots().waiting;
        let time = (Self::ROUND / (others + 1)).clamp(Self::SHORTEST, Self::PIECE);
        let bytes = u128::from(self.rate) * time.as_micros() / 1_000_000;
        usize::try_from(bytes)
            .unwrap_or(Self::LONGEST)
            .clamp(1, Self::LONGEST)
    }

    /// How long a datagram may wait for others before it: 50 ms, and as long as ten large ones take.
    pub(super) fn longest_wait(&self) -> Duration {
        const TEN: u64 = 10 * 1514;
        let ten = (TEN * 1_000_000).checked_div(self.rate);
        ten.map_or(Duration::MAX, Duration::from_micros)
            .max(Self::ROUND)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn reserve(&mut self, earliest: Instant, takes: Duration) -> Option<Slot> {
        let slot = match self.reserve_gap(earliest, takes) {
            Some(slot) => slot,
            None => {
                let start = self.free.map_or(earliest, |free| free.max(earliest));
                let end = start.checked_add(takes)?;
                self.free = Some(end);
                Slot { start, end }
            }
        };
        self.waiting += 1;
        Some(slot)
    }

    /// Takes it from what was given back.
    fn reserve_gap(&mut self, earliest: Instant, takes: Duration) -> Option<Slot> {
        // What nobody took in time is gone.
        self.gaps.retain(|gap| gap.end > earliest);
        let fits = |gap: &Slot| {
            let end = gap.start.max(earliest).checked_add(takes)?;
            (end <= gap.end).then_some(end)
        };
        let (at, end) =
            (self.gaps.iter().enumerate()).find_map(|(at, gap)| Some((at, fits(gap)?)))?;
        let gap = &mut self.gaps[at];
        let slot = Slot {
            start: gap.start.max(earliest),
            end,
        };
        gap.start = end;
        if gap.start == gap.end {
            self.gaps.remove(at);
        }
        Some(slot)
    }

    fn give_back(&mut self, slot: Slot) {
        self.waiting -= 1;
        if slot.start == slot.end {
            return;
        }
        let at = self.gaps.partition_point(|gap| gap.start < slot.start);
        self.gaps.insert(at, slot);
        // Neighbours become one.
        self.gaps.dedup_by(|later, gap| {
            let one = gap.end == later.start;
            if one {
                gap.end = later.end;
            }
            one
        });
        if let Some(last) = self.gaps.pop_if(|last| Some(last.end) == self.free) {
            self.free = Some(last.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_receiver_that_did_not_read_gets_no_burst() {
        let start = Instant::now();
        let now = start + Duration::from_secs(10);
        let slot = Link::new(1000).reserve(start, now, 1000).unwrap();
        assert_eq!(slot.end, now - Link::LATE + Duration::from_secs(1));
    }

    #[test]
    fn what_is_given_back_is_taken_by_who_comes_next() {
        let link = Link::new(1000);
        let now = Instant::now();
        let [first, second, third, last] = [(); 4].map(|()| link.reserve(now, now, 10).unwrap());
        assert_eq!(last.end, now + ms(40));
        link.give_back(second);
        link.give_back(third);
        // Both are one now, and what is left of them is taken, too.
        assert_eq!(link.reserve(now, now, 15).unwrap().end, now + ms(25));
        assert_eq!(link.reserve(now, now, 6).unwrap().end, now + ms(46));
        assert_eq!(link.reserve(now, now, 5).unwrap().end, now + ms(30));
        link.give_back(first);
        assert_eq!(link.reserve(now + ms(2), now, 7).unwrap().end, now + ms(9));
    }

    #[test]
    fn when_all_is_given_back_the_link_is_free() {
        let link = Link::new(1000);
        let now = Instant::now();
        let mut slots: Vec<_> = (0..100)
            .map(|_| link.reserve(now, now, 10).unwrap())
            .collect();
        // In any order.
        slots.rotate_left(37);
        slots.swap(3, 60);
        slots.into_iter().for_each(|slot| link.give_back(slot));
        assert_eq!(link.slots().gaps, []);
        assert_eq!(link.slots().waiting, 0);
        assert_eq!(link.reserve(now, now, 10).unwrap().end, now + ms(10));
    }

    #[test]
    fn those_who_share_it_get_smaller_pieces() {
        let link = Link::new(1_000_000);
        assert_eq!(link.longest(), 5000);
        let now = Instant::now();
        for _ in 0..24 {
            link.reserve(now, now, 1000);
        }
        assert_eq!(link.longest(), 2000);
        for _ in 0..1000 {
            link.reserve(now, now, 1000);
        }
        assert_eq!(link.longest(), 500);
    }

    #[test]
    fn at_a_rate_of_0_nothing_gets_through() {
        let now = Instant::now();
        assert_eq!(Link::new(0).reserve(now, now, 1), None);
        assert_eq!(Link::new(0).longest(), usize::MAX);
    }
}
