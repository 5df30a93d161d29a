//! Which packets the emulator loses.

use super::{
    netem::felt,
    one_way::{Datagrams, rows, send},
    world::World,
};
use std::time::Duration;

pub(crate) const ALL: &[(&str, fn())] = &[("losses_come_in_rows_where_that_is_asked_for", bursts)];

const COUNT: u32 = 3000;

/// Many, in about a second.
const MANY: Datagrams = Datagrams::new(COUNT, Duration::from_micros(350));

fn bursts() {
    let world = World::new();
    // The share that is lost and the mean row, with five standard deviations of 3000 packets (of 0.013 to 0.016, and of 0.2
    // or less; for the correlation as a simulation of the kernel's way to draw tells). Each by itself a quarter of them
    // would be lost in rows of 1.33.
    for (loss, (share, within), row) in [
        (r#""loss": 25"#, (0.25, 0.04), 1.15..1.5),
        (r#""loss_gemodel": [10, 30]"#, (0.25, 0.08), 2.4..4.4),
        (r#""loss_state": [10, 30]"#, (0.25, 0.08), 2.4..4.4),
        // In the bad state 60 % of the packets are lost, in the good one none.
        (r#""loss_gemodel": [10, 30, 60, 0]"#, (0.15, 0.06), 1.4..2.1),
        (
            r#""loss": 40, "loss_correlation": 75"#,
            (0.19, 0.075),
            1.7..3.0,
        ),
    ] {
        felt(&world, &format!("{{ {loss} }}"), || {
            let came = send(&world, MANY, Duration::ZERO);
            let (lost, mean) = rows(&came, COUNT);
            assert!((lost - share).abs() < within, "{loss}: {lost} lost");
            assert!(row.contains(&mean), "{loss}: {mean} in a row");
        });
    }
    // Nothing else is lost on the way.
    assert_eq!(send(&world, MANY, Duration::ZERO).len(), 3000);
}
