//! `chaos proxy`: proxies that are told over HTTP what to break.

mod serve;

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
