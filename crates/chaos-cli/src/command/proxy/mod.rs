//! `chaos proxy`: proxies that are told over HTTP what to break.

mod serve;

use std::ffi::OsString;

/// The arguments of the command, of which those for `proxy serve` may be Toxiproxy's.
pub(crate) fn arguments(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let is = |at: usize, word: &str| args.get(at).is_some_and(|arg| arg == word);
    let at = (1..args.len()).find(|at| is(*at, "proxy") && is(*at + 1, "serve"));
    if let Some(at) = at {
        let like_ours = args
            .drain(at..)
            .map(serve::with_two_dashes)
            .collect::<Vec<_>>();
        args.extend(like_ours);
    }
    args
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Serves Toxiproxy's HTTP API, until it is asked to end: Ctrl-C, SIGTERM. Existing clients and configurations work.
    Serve(serve::Args),
}

pub(crate) async fn run(args: Args) -> u8 {
    match args.command {
        Command::Serve(args) => serve::run(args).await,
    }
}
