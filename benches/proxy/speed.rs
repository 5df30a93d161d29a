//! Throughput, processor time, requests, connections and memory beside the peers.

use crate::{
    Options, Result, load, peers,
    peers::Peer,
    report::{Targets, median},
    servers::Servers,
    turns,
};

/// What was measured of one proxy, a value per round.
#[derive(Debug, Default, Clone)]
struct Measured {
    bulk: [Vec<f64>; 2],
    cpu_per_gb: Vec<f64>,
    one_per_second: Vec<f64>,
    one_p50: Vec<f64>,
    many_per_second: Vec<f64>,
    many_p99: Vec<f64>,
    connections: Vec<f64>,
    kb_per_idle: Vec<f64>,
}

/// How many connections are idle.
const IDLE: usize = 1000;

/// How often one client is measured in each round, of which the median is taken: client, proxy and Redis are three on two
/// processors, and which two of them share one makes 63 or 79 µs.
const ONE: usize = 3;

pub(crate) fn measure(options: &Options, targets: &mut Targets) -> Result<()> {
    let servers = Servers::start()?;
    let mut memory = Vec::new();
    for _ in 0..options.rounds.min(3) {
        // Fresh ones, because what was used before is not used up again.
        let peers = peers::start(options, servers.ports)?;
        memory.push(peers.iter().map(idle).collect::<Result<Vec<f64>>>()?);
    }
    let peers = peers::start(options, servers.ports)?;
    let mut measured = vec![Measured::default(); peers.len()];
    for (at, measured) in measured.iter_mut().enumerate() {
        measured.kb_per_idle = memory.iter().map(|round| round[at]).collect();
    }
    for round in 0..options.rounds {
        eprint_round(round, options.rounds);
        for (step, streams) in [1, 8].into_iter().enumerate() {
            for at in turns(peers.len(), round) {
                let before = peers[at].cpu();
                let (per_second, bytes) = load::bulk(peers[at].ports, streams)?;
                measured[at].bulk[step].push(per_second / 1e9);
                if streams == 1 {
                    let cpu = match peers[at].forks {
                        true => f64::NAN,
                        false => peers[at].cpu() - before,
                    };
                    measured[at].cpu_per_gb.push(cpu / bytes * 1e9);
                }
            }
        }
        let mut one = vec![Vec::new(); peers.len()];
        for turn in 0..ONE {
            for at in turns(peers.len(), round * ONE + turn) {
                one[at].push(load::redis(peers[at].ports, 1, 10_000)?);
            }
        }
        for (one, measured) in one.iter().zip(&mut measured) {
            let per_second: Vec<f64> = one.iter().map(|one| one.per_second).collect();
            measured.one_per_second.push(median(&per_second));
            let p50: Vec<f64> = one.iter().map(|one| one.p50_us).collect();
            measured.one_p50.push(median(&p50));
        }
        for at in turns(peers.len(), round) {
            let many = load::redis(peers[at].ports, 50, 40_000)?;
            measured[at].many_per_second.push(many.per_second);
            measured[at].many_p99.push(many.p99_us / 1000.0);
        }
        for at in turns(peers.len(), round) {
            measured[at]
                .connections
                .push(load::connections(peers[at].ports));
        }
    }
    print(&peers, &measured);
    judge(&peers, &measured, targets)
}

#[expect(clippy::print_stderr, reason = "progress")]
fn eprint_round(round: usize, rounds: usize) {
    eprintln!("round {} of {rounds}", round + 1);
}

/// kB per idle connection.
fn idle(peer: &Peer) -> Result<f64> {
    if peer.forks || peer.running.is_empty() {
        return Ok(f64::NAN);
    }
    drop(load::idle(peer.ports.echo, 20)?);
    let before = peer.memory();
    let connections = load::idle(peer.ports.echo, IDLE)?;
    let used = peer.memory() - before;
    drop(connections);
    Ok(used / 1024.0 / IDLE as f64)
}

/// The median of the ratios to another one, round by round.
fn ratio(of: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<f64> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    median(&ratios)
}

fn print(peers: &[Peer], measured: &[Measured]) {
    println!(
        "\n| | bulk, 1 stream, GB/s | 8 streams | CPU s/GB | redis, 1 client, req/s | p50 µs | \
         50 clients, req/s | p99 ms | connections/s | kB per idle connection |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let direct = &measured[0];
    for (peer, m) in peers.iter().zip(measured) {
        let with_ratio = |values: &[f64], direct: &[f64], digits| {
            let value = median(values);
            format!("{value:.digits$} ({:.2})", ratio(values, direct))
        };
        // Direct there is no process, and one that forks is gone before it is asked.
        let known = |value: f64, digits| match value > 0.0 {
            true => format!("{value:.digits$}"),
            false => "–".to_owned(),
        };
        println!(
            "| {} | {} | {} | {} | {} | {:.0} | {} | {:.1} | {} | {} |",
            peer.name,
            with_ratio(&m.bulk[0], &direct.bulk[0], 2),
            with_ratio(&m.bulk[1], &direct.bulk[1], 2),
            known(median(&m.cpu_per_gb), 2),
            with_ratio(&m.one_per_second, &direct.one_per_second, 0),
            median(&m.one_p50),
            with_ratio(&m.many_per_second, &direct.many_per_second, 0),
            median(&m.many_p99),
            with_ratio(&m.connections, &direct.connections, 0),
            known(median(&m.kb_per_idle), 1),
        );
    }
}

fn judge(peers: &[Peer], measured: &[Measured], targets: &mut Targets) -> Result<()> {
    let find = |name: &str| {
        let at = peers.iter().position(|peer| peer.name == name);
        at.map(|at| &measured[at]).ok_or("a peer is missing")
    };
    let (direct, ours) = (find("direct")?, find("ours")?);
    let (haproxy, nginx) = (find("haproxy")?, find("nginx stream")?);
    for (streams, what) in ["bulk on 1 stream / direct", "bulk on 8 streams / direct"]
        .into_iter()
        .enumerate()
    {
        let measured = ratio(&ours.bulk[streams], &direct.bulk[streams]);
        targets.at_least(what, measured, 0.6);
    }
    targets.at_most(
        "CPU per GB / haproxy's",
        ratio(&ours.cpu_per_gb, &haproxy.cpu_per_gb),
        0.25,
    );
    targets.at_most(
        "p50 of one redis client / nginx's",
        ratio(&ours.one_p50, &nginx.one_p50),
        1.0,
    );
    targets.at_least(
        "requests/s of 50 clients / haproxy's",
        ratio(&ours.many_per_second, &haproxy.many_per_second),
        0.9,
    );
    targets.at_least(
        "connections/s / haproxy's",
        ratio(&ours.connections, &haproxy.connections),
        1.0,
    );
    targets.at_most("kB per idle connection", median(&ours.kb_per_idle), 5.0);
    Ok(())
}
