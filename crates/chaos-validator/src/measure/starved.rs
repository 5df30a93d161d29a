//! Requests that failed because the generator had no slot for them.

use crate::load::{Class, Exchange};
use std::time::Duration;

/// What has waited for a slot as long as this has waited.
const WAITED: Duration = Duration::from_millis(20);

/// How many requests failed because they waited for a slot, when the slots were taken for longer by what was answered within its
/// timeout than by what was given up: then there were too few slots, and the target was not the reason. Of a target that holds
/// the slots until the timeout it is none, however much of the queue it answers once it goes on.
pub(super) fn starved<'a>(exchanges: impl Iterator<Item = &'a Exchange>, timeout: Duration) -> u64 {
    let (mut failed, mut answered, mut given_up) = (0, Duration::ZERO, Duration::ZERO);
    // The time of sending is kept to three digits.
    let whole = timeout.mul_f64(0.98);
    for exchange in exchanges {
        let waited = exchange.sent().saturating_sub(exchange.intended()) > WAITED;
        let took = exchange.service();
        match exchange.class() {
            Class::NoSlot => failed += 1,
            Class::Timeout if waited && took < whole => {
                failed += 1;
                answered += took;
            }
            Class::Timeout => given_up += took,
            class if waited && class.counts() => answered += took,
            _ => {}
        }
    }
    match answered > given_up {
        true => failed,
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// 100 requests, 10 ms apart, with a timeout of a second.
    fn seen(fate: impl Fn(u32) -> (u32, u32, Class)) -> u64 {
        let exchanges: Vec<Exchange> = (0..100)
            .map(|i| {
                let at = MS * (i * 10);
                let (wait, took, class) = fate(i);
                Exchange::new(at, at + MS * wait, at + MS * (wait + took), class)
            })
            .collect();
        starved(exchanges.iter(), MS * 1000)
    }

    #[test]
    fn too_few_slots_are_told_from_a_target_that_does_not_answer() {
        // Answered in 600 ms, and most have waited for a slot.
        let slow = |i| match i % 4 {
            0 => (0, 600, Class::Ok),
            1 => (300, 600, Class::Ok),
            2 => (500, 600, Class::Timeout),
            _ => (1000, 0, Class::NoSlot),
        };
        assert_eq!(seen(slow), 50);
        // Nothing is answered.
        let frozen = |i| match i % 4 {
            0 => (0, 1000, Class::Timeout),
            1 => (500, 1000, Class::Timeout),
            _ => (1000, 0, Class::NoSlot),
        };
        assert_eq!(seen(frozen), 0);
        assert_eq!(seen(|_| (0, 5, Class::Ok)), 0);
        // Nothing at first, and then the whole queue at once.
        let thawed = |i| match i {
            0..4 => (0, 1000, Class::Timeout),
            4..40 => (1000, 0, Class::NoSlot),
            _ => (500, 3, Class::Ok),
        };
        assert_eq!(seen(thawed), 0);
    }
}
