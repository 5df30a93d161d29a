//! How many requests per second a closed loop of 64 connections sends, beside its peers.

use crate::{Options, nginx::Nginx, numbers, pinned};
use chaos_benches::{
    Result,
    report::{Targets, median},
    turns,
};
use chaos_validator::HttpLoad;
use std::{env, process::Command, time::Duration};

/// Each on one processor, the server on the other.
pub(crate) fn measure(options: &Options, targets: &mut Targets) -> Result<()> {
    let nginx = Nginx::start(pinned(1))?;
    let mut names = vec!["ours", "wrk"];
    names.extend(options.oha.as_ref().map(|_| "oha"));
    let mut measured = vec![Vec::new(); names.len()];
    for round in 0..options.rounds {
        for which in turns(names.len(), round) {
            measured[which].push(match names[which] {
                "wrk" => wrk(&nginx)?,
                "oha" => oha(options, &nginx)?,
                _ => {
                    let mut child = pinned(0);
                    child.arg(env::current_exe()?).arg("child-ceiling");
                    numbers(child.arg(nginx.port.to_string()))?[0]
                }
            });
        }
    }
    println!("\n| 64 connections, closed loop | requests/s |\n|---|---|");
    for (name, measured) in names.iter().zip(&measured) {
        println!("| {name} | {:.0} |", median(measured));
    }
    for (which, (name, least)) in [("wrk", 0.9), ("oha", 1.0)].into_iter().enumerate() {
        let Some(peer) = measured.get(which + 1) else {
            println!("\n{name} was not measured: --oha PATH");
            continue;
        };
        let ratios: Vec<f64> = measured[0].iter().zip(peer).map(|(a, b)| a / b).collect();
        targets.at_least(
            &format!("closed loop, requests/s / {name}'s"),
            median(&ratios),
            least,
        );
    }
    Ok(())
}

/// Says requests per second.
pub(crate) fn child(port: u16) -> Result<()> {
    let load = HttpLoad::get(format!("http://127.0.0.1:{port}/")).slots(64);
    let ceiling = load.ceiling(Duration::from_secs(2))?;
    if ceiling.failed > 0 {
        return Err(format!("{} requests failed", ceiling.failed).into());
    }
    println!("{}", ceiling.per_second);
    Ok(())
}

fn wrk(nginx: &Nginx) -> Result<f64> {
    let mut command = pinned(0);
    command.args(["wrk", "-t", "1", "-c", "64", "-d", "2", &nginx.url()]);
    let said = said(&mut command)?;
    let line = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    Ok(line.ok_or("wrk says no rate")?.trim().parse()?)
}

fn oha(options: &Options, nginx: &Nginx) -> Result<f64> {
    let mut command = pinned(0);
    command.arg(options.oha.as_deref().ok_or("there is no oha")?);
    command.args(["--no-tui", "-c", "64", "-z", "2s", &nginx.url()]);
    let said = said(&mut command)?;
    let line = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    Ok(line.ok_or("oha says no rate")?.trim().parse()?)
}

fn said(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
