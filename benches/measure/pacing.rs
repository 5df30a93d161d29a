//! How late requests are sent, by the kernel's timer and by Tokio's.

use crate::{Options, nginx::Nginx, numbers, pinned, runtime};
use chaos_benches::{
    Result,
    report::{Targets, median},
    turns,
};
use chaos_core::{Observer, RunHandle, Seed};
use chaos_validator::{Exchange, HttpLoad, Load};
use std::{env, time::Duration};

const TIME: Duration = Duration::from_secs(2);

/// Generator and server in real time, each on a processor of its own.
pub(crate) fn measure(options: &Options, targets: &mut Targets) -> Result<()> {
    println!("\n| requests/s | timer | late p50, µs | p99, µs | sent |\n|---|---|---|---|---|");
    let nginx = Nginx::start(pinned(1))?;
    for rate in [1_000, 5_000, 10_000] {
        let mut late = [Vec::new(), Vec::new()];
        let mut medians = [Vec::new(), Vec::new()];
        let mut sent = [Vec::new(), Vec::new()];
        for round in 0..options.rounds {
            for which in turns(2, round) {
                let mut child = pinned(0);
                child.arg(env::current_exe()?).arg("child-pacing");
                child.args([nginx.port.to_string(), rate.to_string()]);
                child.arg(["fine", "coarse"][which]);
                let said = numbers(&mut child)?;
                let [p50, p99, share] = said[..] else {
                    return Err("the child says something else".into());
                };
                medians[which].push(p50);
                late[which].push(p99);
                sent[which].push(share);
            }
        }
        for (which, timer) in ["timerfd", "Tokio"].into_iter().enumerate() {
            let [p50, p99, sent] = [&medians, &late, &sent].map(|of| median(&of[which]));
            println!(
                "| {rate} | {timer} | {p50:.0} | {p99:.0} | {:.2} % |",
                sent * 100.0
            );
        }
        if rate > 1_000 {
            let ratios: Vec<f64> = late[0].iter().zip(&late[1]).map(|(a, b)| a / b).collect();
            let what = format!("late p99 at {rate}/s / that by Tokio's timer");
            targets.at_most(&what, median(&ratios), 0.25);
            let what = format!("sent of what was planned at {rate}/s");
            targets.at_least(&what, median(&sent[0]), 0.99);
        }
    }
    Ok(())
}

/// Says how late it was, in µs, and which share was sent.
pub(crate) fn child(port: u16, rate: u32, coarse: bool) -> Result<()> {
    let load = HttpLoad::get(format!("http://127.0.0.1:{port}/"))
        .slots(256)
        .rate(rate.into());
    let load = if coarse { load.coarse_timer() } else { load };
    let recording = runtime()?.block_on(async {
        load.start(&RunHandle::detached("bench", Seed::new(1)))
            .await?;
        tokio::time::sleep(TIME).await;
        load.finish().await;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(load.recording())
    })?;
    // The first quarter of a second connects.
    let after = recording.exchanges()[0].intended() + TIME / 8;
    let late = recording
        .exchanges()
        .iter()
        .filter(|e| e.intended() > after);
    let mut late: Vec<f64> = late
        .map(Exchange::late)
        .map(|l| l.as_secs_f64() * 1e6)
        .collect();
    late.sort_by(f64::total_cmp);
    let at = |q: f64| late[((late.len() - 1) as f64 * q) as usize];
    let counts = recording.counts();
    let sent = counts.good as f64 / counts.planned as f64;
    println!("{} {} {sent}", at(0.5), at(0.99));
    Ok(())
}
