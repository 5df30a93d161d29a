//! The network emulator's bytes: `struct tc_netem_qopt` and its attributes.

use crate::{
    netem::{Between, Distribution, LossModel, Netem, Slot},
    netlink::{Attributes, find},
};
use std::time::Duration;

/// `TCA_NETEM_*`.
const CORRELATIONS: u16 = 1;
const DISTRIBUTION: u16 = 2;
const REORDER: u16 = 3;
const CORRUPT: u16 = 4;
const LOSS: u16 = 5;
const RATE: u16 = 6;
const ECN: u16 = 7;
const RATE_64: u16 = 8;
const LATENCY_64: u16 = 10;
const JITTER_64: u16 = 11;
const SLOT: u16 = 12;
const SLOT_DISTRIBUTION: u16 = 13;
const SEED: u16 = 14;
/// `NETEM_LOSS_GI` and `NETEM_LOSS_GE`.
const LOSS_STATE: u16 = 1;
const LOSS_GILBERT_ELLIOTT: u16 = 2;
/// `NETEM_DIST_SCALE`, and how many values our tables have.
const SCALE: f64 = 8192.0;
const VALUES: u32 = 4096;

/// What the kernel is told.
pub(super) fn options(netem: &Netem, seed: u64) -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_ne_bytes()).collect() };
    let loss = match netem.loss {
        Some(LossModel::Random(chance)) => (share(chance.percent), share(chance.correlation)),
        _ => (0, 0),
    };
    let mut bytes = words(&[
        ticks(netem.latency),
        netem.limit(),
        loss.0,
        netem.gap,
        share(netem.duplicate.percent),
        ticks(netem.jitter),
    ]);
    let mut more = Attributes::new()
        .bytes(LATENCY_64, &nanoseconds(netem.latency).to_ne_bytes())
        .bytes(JITTER_64, &nanoseconds(netem.jitter).to_ne_bytes())
        .bytes(SEED, &seed.to_ne_bytes());
    let correlations = [
        share(netem.correlation),
        loss.1,
        share(netem.duplicate.correlation),
    ];
    if correlations != [0; 3] {
        more = more.bytes(CORRELATIONS, &words(&correlations));
    }
    for (kind, chance) in [(REORDER, netem.reorder), (CORRUPT, netem.corrupt)] {
        if chance.percent > 0.0 {
            let numbers = [share(chance.percent), share(chance.correlation)];
            more = more.bytes(kind, &words(&numbers));
        }
    }
    match netem.loss {
        Some(LossModel::State {
            p13,
            p31,
            p32,
            p23,
            p14,
        }) => {
            let numbers = [p13, p31, p32, p14, p23].map(share);
            let state = Attributes::new().bytes(LOSS_STATE, &words(&numbers));
            more = more.nested(LOSS, &state);
        }
        Some(LossModel::GilbertElliott {
            p,
            r,
            bad_loss,
            good_loss,
        }) => {
            // The kernel wants h, the share that arrives in the bad state, and 1-k, which is lost in the good one.
            let numbers = [
                share(p),
                share(r),
                share(100.0 - bad_loss),
                share(good_loss),
            ];
            let model = Attributes::new().bytes(LOSS_GILBERT_ELLIOTT, &words(&numbers));
            more = more.nested(LOSS, &model);
        }
        _ => {}
    }
    if let Some(pace) = netem.pace {
        let rate = u32::try_from(pace.rate).unwrap_or(u32::MAX);
        let mut numbers = rate.to_ne_bytes().to_vec();
        numbers.extend(pace.packet_overhead.to_ne_bytes());
        numbers.extend(pace.cell_size.to_ne_bytes());
        numbers.extend(pace.cell_overhead.to_ne_bytes());
        more = more.bytes(RATE, &numbers);
        if u64::from(rate) < pace.rate {
            more = more.bytes(RATE_64, &pace.rate.to_ne_bytes());
        }
    }
    if netem.ecn {
        more = more.native(ECN, 1);
    }
    if let Some(slot) = netem.slot {
        more = more.bytes(SLOT, &slot_bytes(slot));
        if let Between::Around { distribution, .. } = slot.between
            && let Some(table) = table(distribution)
        {
            more = more.bytes(SLOT_DISTRIBUTION, &table);
        }
    }
    if let Some(table) = table(netem.distribution).filter(|_| !netem.jitter.is_zero()) {
        more = more.bytes(DISTRIBUTION, &table);
    }
    bytes.extend(more.as_bytes());
    bytes
}

/// Whether the kernel tells a seed among these options: since Linux 6.6 it takes one.
pub(super) fn has_a_seed(options: &[u8]) -> bool {
    options
        .get(24..)
        .is_some_and(|more| find(more, SEED).is_some())
}

/// `struct tc_netem_slot`.
fn slot_bytes(slot: Slot) -> Vec<u8> {
    let none = Duration::ZERO;
    let (evenly, around) = match slot.between {
        Between::Evenly(least, longest) => ([least, longest], [none; 2]),
        Between::Around { delay, jitter, .. } => ([none; 2], [delay, jitter]),
    };
    let times = |times: [Duration; 2]| times.map(|time| nanoseconds(time).to_ne_bytes());
    let most = [slot.packets, slot.bytes].map(u32::to_ne_bytes);
    [
        times(evenly).as_flattened(),
        most.as_flattened(),
        times(around).as_flattened(),
    ]
    .concat()
}

/// What lets everything through at once: packets that come while others are still under way.
pub(super) fn nothing() -> Vec<u8> {
    options(
        &Netem {
            limit: Some(10_000_000),
            ..Netem::default()
        },
        0,
    )
}

/// A share of 100 as the kernel has it: of 2^32 - 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped"
)]
fn share(percent: f64) -> u32 {
    (percent.clamp(0.0, 100.0) / 100.0 * f64::from(u32::MAX)).round() as u32
}

/// In the ticks of the packet scheduler, for kernels before 4.15: 64 ns.
fn ticks(time: Duration) -> u32 {
    u32::try_from(time.as_nanos() >> 6).unwrap_or(u32::MAX)
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// The quantiles of a distribution, in 8192ths of a standard deviation; the kernel draws among them.
#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn table(distribution: Distribution) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for n in 0..VALUES {
        let p = (f64::from(n) + 0.5) / f64::from(VALUES);
        let value = (distribution.quantile(p)? * SCALE).round();
        let value = value.clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16;
        bytes.extend(value.to_ne_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netem::NetemConfig;
    use chaos_core::FaultConfig;

    fn bytes(json: &str) -> Vec<u8> {
        let config: NetemConfig = serde_json::from_str(json).unwrap();
        let fault = config.build().unwrap();
        options(fault.model(), 7)
    }

    fn words(bytes: &[u8]) -> Vec<u32> {
        let words = bytes.as_chunks().0.iter();
        words.map(|word| u32::from_ne_bytes(*word)).collect()
    }

    #[test]
    fn a_delay_reads_as_tc_would_write_it() {
        // tc qdisc add ... netem limit 1234 delay 100ms 10ms 25% distribution normal
        let options = bytes(
            r#"{ "latency": "100ms", "jitter": "10ms", "correlation": 25, "distribution": "normal", "limit": 1234 }"#,
        );
        assert_eq!(words(&options[..24]), [1_562_500, 1234, 0, 0, 0, 156_250]);
        let more = &options[24..];
        assert_eq!(
            find(more, LATENCY_64).unwrap(),
            100_000_000_i64.to_ne_bytes()
        );
        assert_eq!(find(more, JITTER_64).unwrap(), 10_000_000_i64.to_ne_bytes());
        assert_eq!(
            words(find(more, CORRELATIONS).unwrap()),
            [0x4000_0000, 0, 0]
        );
        assert_eq!(find(more, SEED).unwrap(), 7_u64.to_ne_bytes());
        assert!(has_a_seed(&options) && !has_a_seed(&options[..24]) && !has_a_seed(&[]));
        let table = find(more, DISTRIBUTION).unwrap();
        assert_eq!(table.len(), 8192);
        let value = |at: usize| i16::from_ne_bytes([table[2 * at], table[2 * at + 1]]);
        assert_eq!((value(2047), value(2048)), (-3, 3));
        assert!(value(4095) > 28_000, "{}", value(4095));
    }

    #[test]
    fn losses_read_as_tc_would_write_them() {
        let options = bytes(r#"{ "loss": 10, "loss_correlation": 50 }"#);
        assert_eq!(words(&options[..24])[2], 429_496_730);
        let correlations = words(find(&options[24..], CORRELATIONS).unwrap());
        assert_eq!(correlations, [0, 0x8000_0000, 0]);

        // tc ... loss state 1%: p31 99%, p32 0, p23 100%, p14 0; the kernel has p14 before p23.
        let options = bytes(r#"{ "loss_state": [1] }"#);
        let loss = find(&options[24..], LOSS).unwrap();
        let share_of = |percent| share(percent);
        assert_eq!(
            words(find(loss, LOSS_STATE).unwrap()),
            [share_of(1.0), share_of(99.0), 0, 0, u32::MAX]
        );

        // tc ... loss gemodel 1% 10% 70% 0.1%: the kernel has h = 30%.
        let options = bytes(r#"{ "loss_gemodel": [1, 10, 70, 0.1] }"#);
        let loss = find(&options[24..], LOSS).unwrap();
        assert_eq!(
            words(find(loss, LOSS_GILBERT_ELLIOTT).unwrap()),
            [share_of(1.0), share_of(10.0), share_of(30.0), share_of(0.1)]
        );
    }

    #[test]
    fn a_rate_a_slot_and_reordering_read_as_tc_would_write_them() {
        let options = bytes(
            r#"{ "rate": "1MB/s", "packet_overhead": -14, "cell_size": 53, "cell_overhead": 5,
                 "latency": "20ms", "reorder": 25, "gap": 5,
                 "slot": { "min_delay": "1ms", "max_delay": "4ms", "packets": 8 } }"#,
        );
        assert_eq!(words(&options[..24])[3], 5);
        let more = &options[24..];
        let rate = words(find(more, RATE).unwrap());
        assert_eq!(rate, [1_000_000, u32::MAX - 13, 53, 5]);
        assert_eq!(words(find(more, REORDER).unwrap()), [0x4000_0000, 0]);
        let slot = find(more, SLOT).unwrap();
        assert_eq!(slot.len(), 40);
        assert_eq!(slot[..8], 1_000_000_i64.to_ne_bytes());
        assert_eq!(slot[8..16], 4_000_000_i64.to_ne_bytes());
        assert_eq!(words(&slot[16..24]), [8, 0]);
        assert_eq!(slot[24..], [0; 16]);
        assert_eq!(find(more, SLOT_DISTRIBUTION), None);
        assert_eq!(find(more, ECN), None);
    }

    #[test]
    fn a_slot_with_a_distribution_and_marks_read_as_tc_would_write_them() {
        // tc ... loss 5% ecn slot distribution pareto 10ms 2ms packets 8
        let options = bytes(
            r#"{ "loss": 5, "ecn": true,
                 "slot": { "delay": "10ms", "jitter": "2ms", "distribution": "pareto", "packets": 8 } }"#,
        );
        let more = &options[24..];
        assert_eq!(find(more, ECN).unwrap(), 1_u32.to_ne_bytes());
        let slot = find(more, SLOT).unwrap();
        assert_eq!(slot[..16], [0; 16]);
        assert_eq!(words(&slot[16..24]), [8, 0]);
        assert_eq!(slot[24..32], 10_000_000_i64.to_ne_bytes());
        assert_eq!(slot[32..], 2_000_000_i64.to_ne_bytes());
        let pareto = table(Distribution::Pareto).unwrap();
        assert_eq!(find(more, SLOT_DISTRIBUTION).unwrap(), pareto);
        assert_eq!(find(more, DISTRIBUTION), None);
    }

    #[test]
    fn shares_go_from_nothing_to_all() {
        assert_eq!((share(0.0), share(100.0)), (0, u32::MAX));
        assert_eq!(share(50.0), 0x8000_0000);
    }
}
