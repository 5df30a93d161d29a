//! Connections alone, by turns with those that make as many: what each costs, and what is left of the machine.

use crate::{
    Options, Result, load, peers,
    report::{Targets, median},
    servers::Servers,
    turns,
};
use std::{fs, time::Instant};

/// What was measured of one proxy, a value per round.
#[derive(Debug, Default)]
struct Measured {
    per_second: Vec<f64>,
    /// Processor time of its own, in µs.
    cost: Vec<f64>,
    /// Which share of the machine was idle, in percent.
    idle: Vec<f64>,
}

pub(crate) fn measure(options: &Options, targets: &mut Targets) -> Result<()> {
    let servers = Servers::start()?;
    let mut peers = peers::start(options, servers.ports)?;
    peers.retain(|peer| ["ours", "haproxy", "nginx stream"].contains(&peer.name));
    let mut measured: Vec<Measured> = peers.iter().map(|_| Measured::default()).collect();
    for round in 0..options.rounds {
        for at in turns(peers.len(), round) {
            let (cpu, idle, start) = (peers[at].cpu(), idle()?, Instant::now());
            let per_second = load::connections(peers[at].ports);
            let seconds = start.elapsed().as_secs_f64();
            let m = &mut measured[at];
            m.per_second.push(per_second);
            m.cost
                .push((peers[at].cpu() - cpu) / (per_second * seconds) * 1e6);
            m.idle.push(idle_share(idle, self::idle()?));
        }
    }
    println!("\n| | connections/s | µs of the processor for each | idle, % |\n|---|---|---|---|");
    for (peer, m) in peers.iter().zip(&measured) {
        let [per_second, cost, idle] = [&m.per_second, &m.cost, &m.idle].map(|v| median(v));
        println!(
            "| {} | {per_second:.0} | {cost:.1} | {idle:.0} |",
            peer.name
        );
    }
    let ratios = measured[0].per_second.iter().zip(&measured[1].per_second);
    let ratios: Vec<f64> = ratios.map(|(ours, haproxy)| ours / haproxy).collect();
    targets.at_least("connections/s alone / haproxy's", median(&ratios), 1.0);
    Ok(())
}

/// Ticks of all processors so far: idle, and all.
fn idle() -> Result<[f64; 2]> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().ok_or("no processors")?;
    let ticks = line.split_whitespace().skip(1).map(str::parse);
    let ticks: Vec<f64> = ticks.collect::<std::result::Result<_, _>>()?;
    let idle = ticks.get(3).ok_or("no idle time")?;
    Ok([*idle, ticks.iter().sum()])
}

fn idle_share(before: [f64; 2], after: [f64; 2]) -> f64 {
    (after[0] - before[0]) / (after[1] - before[1]) * 100.0
}
