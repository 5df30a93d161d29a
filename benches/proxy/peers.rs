//! The proxies that are compared.

use crate::{
    Options, Result,
    ours::Ours,
    process::{Process, await_port},
    servers::Ports,
};
use std::{
    fs,
    path::Path,
    process::{ChildStdin, Command},
};
use tempfile::TempDir;

/// A proxy in front of each of the dependencies.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) ports: Ports,
    pub(crate) running: Vec<Process>,
    /// It has a process for each connection, so some things cannot be asked of it.
    pub(crate) forks: bool,
    _dir: Option<TempDir>,
    _input: Option<ChildStdin>,
}

impl Peer {
    pub(crate) fn cpu(&self) -> f64 {
        self.running.iter().map(Process::cpu).sum()
    }

    pub(crate) fn memory(&self) -> f64 {
        self.running.iter().map(Process::memory).sum()
    }
}

/// The connection without a proxy, then the proxies, ours first.
pub(crate) fn start(options: &Options, upstream: Ports) -> Result<Vec<Peer>> {
    let mut peers = vec![
        Peer {
            name: "direct",
            ports: upstream,
            running: Vec::new(),
            forks: false,
            _dir: None,
            _input: None,
        },
        ours(upstream)?,
        haproxy("haproxy", "", upstream)?,
        haproxy("haproxy, splicing", "option splice-auto", upstream)?,
        nginx(upstream)?,
        socat(upstream)?,
    ];
    if let Some(program) = &options.fault_cli {
        peers.push(fault_cli(program, upstream)?);
    }
    Ok(peers)
}

fn ours(upstream: Ports) -> Result<Peer> {
    let ours = Ours::start(&upstream.all())?;
    let [a, b, c, d] = ours.ports[..] else {
        return Err("a proxy is missing".into());
    };
    Ok(Peer {
        name: "ours",
        ports: Ports::of([a, b, c, d]),
        running: vec![ours.process],
        forks: false,
        _dir: None,
        _input: Some(ours.input),
    })
}

/// A peer that is one process and reads its configuration from a file.
fn configured(
    name: &'static str,
    upstream: Ports,
    configuration: impl Fn(&Path, &[(u16, u16)]) -> String,
    command: impl Fn(&Path) -> Command,
) -> Result<Peer> {
    let dir = TempDir::new()?;
    let ports = Ports::free()?;
    let pairs: Vec<(u16, u16)> = ports.all().into_iter().zip(upstream.all()).collect();
    let file = dir.path().join("configuration.yaml");
    fs::write(&file, configuration(dir.path(), &pairs))?;
    let running = vec![Process::start(&mut command(&file))?];
    ports.all().into_iter().try_for_each(await_port)?;
    Ok(Peer {
        name,
        ports,
        running,
        forks: false,
        _dir: Some(dir),
        _input: None,
    })
}

fn haproxy(name: &'static str, option: &str, upstream: Ports) -> Result<Peer> {
    let configuration = |_: &Path, pairs: &[(u16, u16)]| {
        let mut text = format!(
            "global\n maxconn 4000\ndefaults\n mode tcp\n maxconn 4000\n timeout connect 5s\n \
             timeout client 1h\n timeout server 1h\n {option}\n"
        );
        for (listen, to) in pairs {
            text +=
                &format!("listen p{listen}\n bind 127.0.0.1:{listen}\n server s 127.0.0.1:{to}\n");
        }
        text
    };
    configured(name, upstream, configuration, |file| {
        let mut command = Command::new("haproxy");
        command.args(["-db", "-q", "-f"]).arg(file);
        command
    })
}

fn nginx(upstream: Ports) -> Result<Peer> {
    let configuration = |dir: &Path, pairs: &[(u16, u16)]| {
        let mut text = format!(
            "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\npid {0}/pid;\n\
             error_log {0}/log;\nworker_processes auto;\nworker_rlimit_nofile 20000;\n\
             events {{ worker_connections 8000; }}\nstream {{\n proxy_timeout 1h;\n",
            dir.display()
        );
        for (listen, to) in pairs {
            text +=
                &format!(" server {{ listen 127.0.0.1:{listen}; proxy_pass 127.0.0.1:{to}; }}\n");
        }
        text + "}\n"
    };
    configured("nginx stream", upstream, configuration, |file| {
        let mut command = Command::new("nginx");
        command.arg("-c").arg(file);
        command
    })
}

fn socat(upstream: Ports) -> Result<Peer> {
    let ports = Ports::free()?;
    let start = |(listen, to)| {
        let listen =
            format!("TCP-LISTEN:{listen},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=1024");
        let to = format!("TCP:127.0.0.1:{to},nodelay");
        Process::start(Command::new("socat").args([listen, to]))
    };
    let pairs = ports.all().into_iter().zip(upstream.all());
    let running: Result<Vec<Process>> = pairs.map(start).collect();
    let running = running?;
    ports.all().into_iter().try_for_each(await_port)?;
    Ok(Peer {
        name: "socat",
        ports,
        running,
        forks: true,
        _dir: None,
        _input: None,
    })
}

fn fault_cli(program: &Path, upstream: Ports) -> Result<Peer> {
    let configuration = |_: &Path, pairs: &[(u16, u16)]| {
        let mut text = "schema_version: 1\nname: no fault\nproxies:\n".to_owned();
        let mut phases = "phases:\n  - name: nothing\n    proxies:\n".to_owned();
        for (listen, to) in pairs {
            text += &format!(
                "  - {{ name: p{listen}, protocol: tcp, listen: \"127.0.0.1:{listen}\", \
                 upstream: \"127.0.0.1:{to}\" }}\n"
            );
            phases += &format!("      - {{ proxy: p{listen}, faults: [] }}\n");
        }
        text + &phases
    };
    configured("fault-cli", upstream, configuration, |file| {
        let mut command = Command::new(program);
        command.args(["--output", "json", "run"]).arg(file);
        command
    })
}
