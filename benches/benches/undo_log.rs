//! What one durable record costs, on the disk of the temporary directory and, where there is one, in memory.

use chaos_core::testing::Appender;
use criterion::{Criterion, criterion_group, criterion_main};
use std::path::Path;

fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("undo_log");
    for (name, place) in [
        ("disk", std::env::temp_dir()),
        ("memory", Path::new("/dev/shm").to_owned()),
    ] {
        let Ok(dir) = tempfile::tempdir_in(place) else {
            continue;
        };
        let mut appender = Appender::new(&dir.path().join("log")).expect("a log");
        group.bench_function(format!("durable_append/{name}"), |b| {
            b.iter(|| appender.append().expect("an append"))
        });
    }
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
