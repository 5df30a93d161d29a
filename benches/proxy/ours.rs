//! Our proxy, in a process of its own, told by lines what to do.

use crate::{Result, process::Process};
use chaos_core::{Engine, FaultExt, Injection};
use chaos_faults_net::{Bandwidth, Latency, Proxy, Slice};
use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

/// Our proxy, as seen from the measurement.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) process: Process,
    pub(crate) ports: Vec<u16>,
    /// It ends with this.
    pub(crate) input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Ours {
    /// Proxies in front of these ports.
    pub(crate) fn start(upstream: &[u16]) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .arg("serve")
            .args(upstream.iter().map(u16::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut ours = Self {
            process: Process::of(child),
            ports: Vec::new(),
            input,
            output: BufReader::new(output),
        };
        for _ in upstream {
            let port = ours.answer()?.parse()?;
            ours.ports.push(port);
        }
        Ok(ours)
    }

    /// `latency PROXY NANOSECONDS`, `bandwidth PROXY BYTES_PER_SECOND`, `slice PROXY BYTES` (one every 100 µs) or `off`,
    /// done when it returns.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}")?;
        match self.answer()?.as_str() {
            "ok" => Ok(()),
            problem => Err(problem.into()),
        }
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

/// What the process does.
pub(crate) fn serve(upstream: impl Iterator<Item = String>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut proxies = Vec::new();
        for port in upstream {
            let proxy = Proxy::in_front_of(format!("127.0.0.1:{port}")).await?;
            println!("{}", proxy.address().port());
            proxies.push(proxy);
        }
        let engine = Engine::open().await?;
        let mut faults: Vec<Injection> = Vec::new();
        for line in io::stdin().lines() {
            let line = line?;
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                [kind, proxy, number] => {
                    let proxy = &proxies[proxy.parse::<usize>()?];
                    let number = number.parse()?;
                    faults.push(match kind {
                        "latency" => {
                            let fault = Latency::new(Duration::from_nanos(number));
                            engine.inject(fault.on(proxy)).await?
                        }
                        "slice" => {
                            let fault = Slice::bytes(number).delay(Duration::from_micros(100));
                            engine.inject(fault.on(proxy)).await?
                        }
                        _ => {
                            engine
                                .inject(Bandwidth::per_second(number).on(proxy))
                                .await?
                        }
                    });
                }
                _ => {
                    for fault in faults.drain(..) {
                        fault.recover().await?;
                    }
                }
            }
            println!("ok");
        }
        Ok(())
    })
}
