//! `chaos proxy serve`: a drop-in Toxiproxy.

use crate::command::{HELD, REFUSED, USAGE, complain, say};
use chaos_cli::stop_on_signals;
use chaos_core::{Chain, FaultError, Stop};
use chaos_faults_net::toxiproxy::{Running, Server, VERSION};
use std::{
    ffi::OsString,
    fs,
    net::Ipv6Addr,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the API listens, as host:port; port 0 takes a free one. Whoever can reach it can have this host connect
    /// anywhere, so beyond the loopback interface only where the network is trusted
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8474")]
    listen: String,
    /// The host alone, as Toxiproxy's -host
    #[arg(long, value_name = "HOST", conflicts_with = "listen")]
    host: Option<String>,
    /// The port alone, as Toxiproxy's -port
    #[arg(long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    /// Proxies to begin with: a JSON array as for /populate, each with `toxics` if you like. What is wrong with it is told,
    /// and the API is served all the same
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What chance is drawn from: the same seed and the same calls hit the same connections [default: a fresh one]
    #[arg(long, value_name = "NUMBER", value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Tells at /metrics how many bytes went through each proxy
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false",
          hide_default_value = true, hide_possible_values = true, value_parser = yes_or_no)]
    proxy_metrics: bool,
    /// Tells at /metrics what this process uses
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false",
          hide_default_value = true, hide_possible_values = true, value_parser = yes_or_no)]
    runtime_metrics: bool,
    /// Says which Toxiproxy this behaves like, and ends
    #[arg(long)]
    version: bool,
}

/// Toxiproxy's seeds may be negative.
fn seed(text: &str) -> Result<u64, std::num::ParseIntError> {
    let signed = |_| text.parse().map(i64::cast_unsigned);
    text.parse().or_else(signed)
}

/// As Go reads it.
fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("write true or false".into()),
    }
}

/// Toxiproxy's own flags have one dash: `-config`, `-port`.
pub(super) fn with_two_dashes(arg: OsString) -> OsString {
    const FLAGS: [&str; 7] = [
        "-config",
        "-host",
        "-port",
        "-proxy-metrics",
        "-runtime-metrics",
        "-seed",
        "-version",
    ];
    let name = |text: &str| text.split('=').next().unwrap_or_default().to_owned();
    match arg.to_str() {
        Some(text) if FLAGS.contains(&name(text).as_str()) => format!("-{text}").into(),
        _ => arg,
    }
}

impl Args {
    fn address(&self) -> String {
        if self.host.is_none() && self.port.is_none() {
            return self.listen.clone();
        }
        let host = self.host.as_deref().unwrap_or("127.0.0.1");
        let port = self.port.unwrap_or(8474);
        match host.parse::<Ipv6Addr>() {
            Ok(ip) => format!("[{ip}]:{port}"),
            Err(_) => format!("{host}:{port}"),
        }
    }
}

pub(super) async fn run(args: Args) -> u8 {
    if args.version {
        say(&format!("toxiproxy-server version {VERSION}"));
        return HELD;
    }
    raise_limit();
    // Before anybody is told that it serves, so that nobody asks too early.
    let stop = Stop::new();
    stop_on_signals(&stop);
    let server = Server::new()
        .listen(args.address())
        .proxy_metrics(args.proxy_metrics)
        .runtime_metrics(args.runtime_metrics);
    let server = match args.seed {
        Some(seed) => server.seed(seed),
        None => server,
    };
    let running = match server.start().await {
        Ok(running) => running,
        Err(error) => return refused(&error),
    };
    if let Some(file) = &args.config {
        populate(&running, file).await;
    }
    say(&format!("listening on {}", running.address()));
    stop.wait().await;
    drop(running);
    HELD
}

/// Takes as many file descriptors as this process may have: every proxy needs two and every connection two.
#[cfg(unix)]
fn raise_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the number of file descriptors stays as it is");
    }
}

#[cfg(not(unix))]
fn raise_limit() {}

fn refused(error: &FaultError) -> u8 {
    complain(&format!("error: {}", Chain(error)));
    match error {
        FaultError::Config(_) | FaultError::NoTarget { .. } => USAGE,
        _ => REFUSED,
    }
}

/// Makes the proxies of a file. A mistake in it is told and keeps nobody from using the API, as with Toxiproxy.
async fn populate(running: &Running, file: &Path) {
    let name = file.display();
    match fs::read_to_string(file) {
        Ok(json) => match running.populate(json).await {
            Ok(proxies) => say(&format!("{} from {name}", many(proxies))),
            Err(error) => complain(&format!("error: {name}: {}", Chain(&error))),
        },
        Err(error) => complain(&format!("error: {name}: {error}")),
    }
}

fn many(proxies: usize) -> String {
    match proxies {
        1 => "1 proxy".to_owned(),
        n => format!("{n} proxies"),
    }
}
