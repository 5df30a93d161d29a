//! When packets come that the emulator has held back.

use super::{
    netem::felt,
    one_way::{Came, Datagrams, HEADERS, apart, send},
    world::World,
};
use std::time::Duration;

pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_rate_counts_what_each_packet_and_cell_costs", rate),
    ("what_is_beyond_the_limit_is_dropped", limit),
    ("packets_come_in_batches", batches),
    ("the_time_between_batches_has_a_distribution", around),
    ("paretos_delays_have_a_long_tail", pareto),
    ("only_every_fifth_packet_overtakes", gap),
];

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// One of three attempts is as it should be. A machine that stalls spoils one of them, and seldom all.
fn one_of_three(mut attempt: impl FnMut() -> Result<(), String>) {
    let mut said = Vec::new();
    for _ in 0..3 {
        match attempt() {
            Ok(()) => return,
            Err(why) => said.push(why),
        }
    }
    panic!("{said:?}");
}

fn rate() {
    const BYTES: u32 = 1000 + HEADERS;
    let world = World::new();
    for (costs, each) in [
        ("", BYTES),
        (r#", "packet_overhead": 958"#, BYTES + 958),
        (r#", "packet_overhead": -542"#, BYTES - 542),
        // It takes 11 cells.
        (
            r#", "cell_size": 100, "cell_overhead": 100"#,
            11 * (100 + 100),
        ),
    ] {
        let parameters = format!(r#"{{ "rate": "500kB/s" {costs} }}"#);
        let expected = f64::from(each) / 500_000.0;
        felt(&world, &parameters, || {
            one_of_three(|| {
                let datagrams = Datagrams {
                    bytes: 1000,
                    ..Datagrams::new(240, Duration::ZERO)
                };
                let came = send(&world, datagrams, Duration::ZERO);
                assert!(came.len() >= 240, "{}", came.len());
                let seen = apart(&came, 120).as_secs_f64() / 120.0;
                let share = seen / expected;
                let right = (0.95..1.05).contains(&share);
                right
                    .then_some(())
                    .ok_or_else(|| format!("{costs}: {seen} s each and not {expected} s"))
            });
        });
    }
}

fn limit() {
    let world = World::new();
    let parameters = r#"{ "latency": "500ms", "limit": 50 }"#;
    felt(&world, parameters, || {
        one_of_three(|| {
            let came = send(&world, Datagrams::new(300, Duration::ZERO), ms(500));
            // If it takes longer than the latency to send them, more find room. The kernel may ask for the neighbour.
            assert!(came.len() >= 48, "{}", came.len());
            (came.len() <= 50)
                .then_some(())
                .ok_or_else(|| format!("{} came", came.len()))
        });
    });
}

fn batches() {
    let world = World::new();
    let parameters = r#"{ "slot": { "min_delay": "40ms", "packets": 10 } }"#;
    felt(&world, parameters, || {
        one_of_three(|| {
            let came = send(&world, Datagrams::new(200, Duration::ZERO), ms(40));
            assert_eq!(came.len(), 200);
            let (next, tenth) = (apart(&came, 1), apart(&came, 10));
            (next < ms(4) && (ms(39)..ms(60)).contains(&tenth))
                .then_some(())
                .ok_or_else(|| format!("{next:?} to the next one, {tenth:?} to the tenth"))
        });
    });
}

fn around() {
    let world = World::new();
    let parameters = r#"{ "slot": { "delay": "40ms", "jitter": "5ms", "distribution": "normal", "packets": 10 } }"#;
    felt(&world, parameters, || {
        let shown = world.blue.network();
        let said = "slot distribution 40ms 5ms packets 10";
        assert!(shown.contains(said), "{shown}");
        one_of_three(|| {
            let came = send(&world, Datagrams::new(300, Duration::ZERO), ms(80));
            assert_eq!(came.len(), 300);
            let (next, tenth) = (apart(&came, 1), apart(&came, 10));
            (next < ms(4) && (ms(35)..ms(60)).contains(&tenth))
                .then_some(())
                .ok_or_else(|| format!("{next:?} to the next one, {tenth:?} to the tenth"))
        });
    });
}

/// How late this share of them is at most.
fn quantile(came: &[Came], share: f64) -> Duration {
    let mut late: Vec<Duration> = came.iter().map(|one| one.late).collect();
    late.sort_unstable();
    let at = share * (late.len() - 1) as f64;
    late[at.round() as usize]
}

fn pareto() {
    let world = World::new();
    let parameters = r#"{ "latency": "200ms", "jitter": "50ms", "distribution": "pareto" }"#;
    felt(&world, parameters, || {
        one_of_three(|| {
            let came = send(&world, Datagrams::new(1000, ms(1)), ms(1000));
            assert_eq!(came.len(), 1000);
            // Pareto's begins 0.577 deviations below its mean, and the half of it is 0.277 below or more: at 171 and 186 ms.
            let [least, half, most] = [0.0, 0.5, 0.99].map(|share| quantile(&came, share));
            assert!(least >= ms(170), "{least:?}");
            // One of a hundred is 3.6 deviations late: at 381 ms. The deviation of that quantile is about 20 ms. Of the
            // bell curve it would be at 316 ms, and evenly at 249 ms.
            assert!(most > ms(316), "{most:?}");
            ((ms(180)..ms(195)).contains(&half) && most < ms(480))
                .then_some(())
                .ok_or_else(|| format!("{least:?} {half:?} {most:?}"))
        });
    });
}

fn gap() {
    let world = World::new();
    let parameters = r#"{ "latency": "60ms", "reorder": 100, "gap": 5 }"#;
    felt(&world, parameters, || {
        one_of_three(|| {
            let came = send(&world, Datagrams::new(400, ms(2)), ms(60));
            assert_eq!(came.len(), 400);
            let early = came.iter().filter(|one| one.late < ms(60));
            let early: Vec<u32> = early.map(|one| one.number).collect();
            assert!(early.len() <= 81, "{early:?}");
            let fifth = early.windows(2).filter(|two| two[1] - two[0] == 5).count();
            (fifth >= 70)
                .then_some(())
                .ok_or_else(|| format!("{early:?}"))
        });
    });
}
