//! A real dnsmasq.

use super::{Server, connects, directory, find, text};
use chaos_core::BoxError;
use nix::sys::signal::Signal;
use std::{ops::Deref, path::PathBuf};

/// A `dnsmasq` that knows the zone `internal` and asks nobody.
#[derive(Debug)]
pub struct Dnsmasq(Server);

impl Dnsmasq {
    /// Starts one that knows `db.internal` (10.1.2.3, fd00::3), a service, a mail server, and a text of 1.6 kB,
    /// `big.internal`.
    ///
    /// # Errors
    /// There is no `dnsmasq`, or it does not start.
    pub async fn start() -> Result<Self, BoxError> {
        let program = find("dnsmasq", vec![PathBuf::from("/usr/sbin")], "dnsmasq-base")?;
        let dir = directory()?;
        let path = text(dir.path());
        let big = vec!["x".repeat(200); 8].join(",");
        let arguments = |port: u16| {
            let settings = [
                format!("port={port}"),
                format!("pid-file={path}/pid"),
                "conf-file=/dev/null".to_owned(),
                "listen-address=127.0.0.1".to_owned(),
                "local=/internal/".to_owned(),
                "host-record=db.internal,10.1.2.3,fd00::3".to_owned(),
                "srv-host=_postgresql._tcp.internal,db.internal,5432".to_owned(),
                "mx-host=internal,db.internal,10".to_owned(),
                format!("txt-record=big.internal,{big}"),
            ];
            let switches = [
                "bind-interfaces",
                "keep-in-foreground",
                "no-hosts",
                "no-resolv",
                "no-round-robin",
            ];
            let switches = switches.map(str::to_owned);
            let all = settings.into_iter().chain(switches);
            all.map(|setting| format!("--{setting}")).collect()
        };
        let server = Server::start(dir, &program, Signal::SIGTERM, arguments, connects);
        Ok(Self(server.await?))
    }
}

impl Deref for Dnsmasq {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}
