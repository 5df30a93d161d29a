//! What a narrow link does to a proxy.

use super::slots::{Link, Slot};
use crate::{
    Transport,
    direction::{Direction, Flow},
    proxy::{Datagram, DatagramStage, Effect, Fate, Hits, Leg, Onward, Piece, Room, Stage},
};
use std::sync::Arc;

/// A rate on a proxy.
#[derive(Debug, Clone)]
pub(super) struct Narrow {
    rate: u64,
    direction: Direction,
    /// What all connections share, upstream and downstream; `None`: each has a link for itself.
    shared: Option<[Link; 2]>,
}

impl Narrow {
    pub(super) fn new(rate: u64, direction: Direction, shared: bool) -> Self {
        Self {
            rate,
            direction,
            shared: shared.then(|| Self::links(rate)),
        }
    }

    fn links(rate: u64) -> [Link; 2] {
        [(); 2].map(|()| Link::new(rate))
    }

    fn link(&self, flow: Flow) -> Link {
        match (&self.shared, flow) {
            (Some([upstream, _]), Flow::Upstream) => upstream.clone(),
            (Some([_, downstream]), Flow::Downstream) => downstream.clone(),
            (None, _) => Link::new(self.rate),
        }
    }
}

impl Effect for Narrow {
    fn for_one_proxy(&self) -> Option<Arc<dyn Effect>> {
        let shared = self.shared.is_some();
        shared
            .then(|| -> Arc<dyn Effect> { Arc::new(Self::new(self.rate, self.direction, shared)) })
    }

    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        let leg = leg.within(self.direction)?;
        Some(Box::new(Lane {
            link: self.link(leg.flow),
            asked: None,
            hits: leg.hits.clone(),
        }))
    }

    fn datagram_stage(&self, leg: &Leg<'_>) -> Option<Box<dyn DatagramStage>> {
        let leg = leg.within(self.direction)?;
        Some(Box::new(Outlet {
            link: self.link(leg.flow),
            hits: leg.hits.clone(),
        }))
    }

    fn refuses(&self, _: Transport) -> Option<&'static str> {
        None
    }
}

/// One direction of one connection, with its turn on the link.
#[derive(Debug)]
struct Lane {
    link: Link,
    /// What is reserved for the piece that was asked about.
    asked: Option<Slot>,
    hits: Hits,
}

impl Lane {
    fn give_back(&mut self) {
        if let Some(slot) = self.asked.take() {
            self.link.give_back(slot);
        }
    }
}

impl Stage for Lane {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        // It may be asked again when the faults changed.
        self.give_back();
        if piece.chunk.is_some() {
            self.hits.hit();
        }
        self.asked = (self.link).reserve(piece.at, piece.now, piece.data.len());
        self.asked.map_or(Fate::held(), |slot| Fate::at(slot.end))
    }

    fn passed(&mut self) {
        if self.asked.take().is_some() {
            self.link.used();
        }
    }

    fn longest(&mut self) -> usize {
        self.link.longest()
    }

    fn room(&self) -> Room {
        let rate = self.link.rate();
        Room {
            rate: Some(rate),
            held: rate == 0,
            ..Room::default()
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// One direction of one session of datagrams: what finds too much before it on the link is dropped.
#[derive(Debug)]
struct Outlet {
    link: Link,
    hits: Hits,
}

impl DatagramStage for Outlet {
    fn judge(&mut self, datagram: &Datagram<'_>) -> Onward {
        self.hits.hit();
        let Datagram { at, data } = *datagram;
        let Some(slot) = self.link.reserve(at, at, data.len()) else {
            return Onward::Held;
        };
        if slot.start.saturating_duration_since(at) > self.link.longest_wait() {
            self.link.give_back(slot);
            return Onward::Lost;
        }
        self.link.used();
        Onward::At(slot.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn lane(link: &Link) -> Lane {
        Lane {
            link: link.clone(),
            asked: None,
            hits: Hits::default(),
        }
    }

    /// Sends `bytes` that are all there at once, each piece sent `late` after it is due, and says how long it took.
    fn takes(rate: u64, mut bytes: usize, late: Duration) -> Duration {
        let mut lane = lane(&Link::new(rate));
        let start = Instant::now();
        let mut now = start;
        while bytes > 0 {
            let len = bytes.min(lane.longest());
            let fate = lane.judge(&Piece {
                at: start,
                now,
                data: &vec![0; len],
                chunk: None,
            });
            now = now.max(fate.at.unwrap() + late);
            lane.passed();
            bytes -= len;
        }
        now - start
    }

    #[test]
    fn the_rate_is_kept_however_late_the_timer_is() {
        for (rate, seconds) in [(10_000, 3), (1_000_000, 2), (100_000_000, 1)] {
            let bytes = usize::try_from(rate).unwrap() * seconds;
            let exact = Duration::from_secs(seconds as u64);
            for late in [0, 2, 20].map(Duration::from_millis) {
                let took = takes(rate, bytes, late);
                let error = took.abs_diff(exact + late);
                assert!(
                    error < Duration::from_millis(1),
                    "{rate} {late:?}: {took:?}"
                );
            }
        }
    }

    /// When the first of `lanes` on one link could send 10 bytes each at 1 kB/s.
    fn turns(lanes: &mut [Lane], start: Instant) -> Vec<Duration> {
        let piece = Piece {
            at: start,
            now: start,
            data: &[0; 10],
            chunk: None,
        };
        let judge = |lane: &mut Lane| lane.judge(&piece).at.unwrap() - start;
        lanes.iter_mut().map(judge).collect()
    }

    #[test]
    fn who_shares_a_link_takes_turns() {
        let link = Link::new(1000);
        let mut lanes = [(); 3].map(|()| lane(&link));
        let start = Instant::now();
        let ms = |turn: u64| Duration::from_millis(10 * turn);
        for round in 0..10 {
            let due = turns(&mut lanes, start);
            assert_eq!(due, [1, 2, 3].map(|n| ms(3 * round + n)));
            lanes.iter_mut().for_each(Stage::passed);
        }
    }

    #[test]
    fn who_is_asked_again_or_goes_away_takes_nothing_from_the_others() {
        let link = Link::new(1000);
        let mut lanes: Vec<_> = (0..5).map(|_| lane(&link)).collect();
        let start = Instant::now();
        let before = turns(&mut lanes, start);
        assert_eq!(turns(&mut lanes, start), before);
        let _rest = lanes.split_off(1);
        drop(_rest);
        lanes[0].passed();
        assert_eq!(turns(&mut lanes, start), [Duration::from_millis(20)]);
    }

    #[test]
    fn each_proxy_has_a_link_of_its_own() {
        let narrow = Narrow::new(1000, Direction::Both, true);
        let hits = Hits::default();
        let leg = |flow| Leg {
            flow,
            hits: &hits,
            seed: chaos_core::Seed::new(1),
            newer: true,
            before: None,
        };
        let now = Instant::now();
        let piece = Piece {
            at: now,
            now,
            data: &[0; 10],
            chunk: None,
        };
        let due = |stage: &mut Box<dyn Stage>| stage.judge(&piece).at.unwrap() - now;
        let [one, other] = [(); 2].map(|()| narrow.for_one_proxy().unwrap());
        let mut stages = [
            one.stage(&leg(Flow::Upstream)),
            one.stage(&leg(Flow::Downstream)),
            other.stage(&leg(Flow::Upstream)),
            one.stage(&leg(Flow::Upstream)),
        ]
        .map(Option::unwrap);
        let ms = Duration::from_millis;
        assert_eq!(stages.each_mut().map(due), [ms(10), ms(10), ms(10), ms(20)]);
    }
}
