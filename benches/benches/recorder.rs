//! Writing down what became of a request.

use chaos_validator::{Class, Recorder};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::{Duration, Instant};

fn record(c: &mut Criterion) {
    let mut group = c.benchmark_group("recorder");
    group.throughput(Throughput::Elements(1));
    let step = Duration::from_micros(1);
    group.bench_function("plan_and_resolve", |b| {
        b.iter_custom(|n| {
            let epoch = Instant::now();
            let recorder = Recorder::new(epoch);
            let start = Instant::now();
            let mut due = epoch;
            for _ in 0..n {
                due += step;
                let ticket = recorder.plan(due);
                recorder.resolve(ticket, due, due + step, Class::Ok, Some(200));
            }
            start.elapsed()
        });
    });
    group.finish();
}

criterion_group!(benches, record);
criterion_main!(benches);
