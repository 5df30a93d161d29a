//! Records per second.

use chaos_benches::report::{Targets, median};
use chaos_validator::{Class, Recorder};
use std::{
    array,
    time::{Duration, Instant},
};

const N: u32 = 10_000_000;

/// On one thread, the clock already read; 64 under way at a time, as many as a load has slots.
pub(crate) fn measure(targets: &mut Targets) {
    let (mut recorded, mut both) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let epoch = Instant::now();
        let recorder = Recorder::new(epoch);
        let step = Duration::from_micros(1);
        let mut resolving = Duration::ZERO;
        let start = Instant::now();
        for round in 0..N / 64 {
            let due = epoch + step * round;
            let tickets: [_; 64] = array::from_fn(|_| recorder.plan(due));
            let start = Instant::now();
            for ticket in tickets {
                recorder.resolve(ticket, due, due + step, Class::Ok, Some(200));
            }
            resolving += start.elapsed();
        }
        both.push(f64::from(N) / start.elapsed().as_secs_f64());
        recorded.push(f64::from(N) / resolving.as_secs_f64());
    }
    targets.at_least("records, M/s", median(&recorded) / 1e6, 20.0);
    println!("\nplanned and recorded: {:.1} M/s", median(&both) / 1e6);
}
