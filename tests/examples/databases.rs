//! The quickstart's experiment against a real Redis or a real PostgreSQL, started for it with a throw-away directory.
//! Needs the Debian package `redis-server` or `postgresql`. Linux.
//!
//! ```sh
//! cargo run --release --example databases -- redis
//! cargo run --release --example databases -- postgres
//! ```

#[cfg(target_os = "linux")]
mod linux {
    use chaos_cli::stop_on_signals;
    use chaos_core::{BoxError, Chain, Engine, FaultExt, Host, Registry, Stop, Watchdog, watchdog};
    use chaos_examples::{System, scenario};
    use chaos_faults_db::{Down, Protocol};
    use chaos_faults_net::{Latency, Proxy};
    use chaos_faults_resource::{CpuBurn, Pause, Process};
    use chaos_tests::{Care, Database, Postgres, Redis, Service};
    use chaos_validator::{Paint, Summary, terminal_width};
    use std::{
        io::{self, Write},
        net::SocketAddr,
        process::ExitCode,
    };

    pub(crate) fn main() -> ExitCode {
        let mut registry = Registry::new();
        chaos_faults_net::register(&mut registry);
        chaos_faults_resource::register(&mut registry);
        chaos_faults_db::register(&mut registry);
        if let Some(code) = watchdog::run_if_asked(&registry) {
            return code;
        }
        let which = std::env::args().nth(1);
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(error) => return failed(&error),
        };
        let code = runtime.block_on(async {
            match which.as_deref() {
                None | Some("redis") => {
                    let server = Redis::start(&[]).await?;
                    break_it(registry, server.address(), server.pid(), Protocol::Redis).await
                }
                Some("postgres") => {
                    let server = Postgres::start().await?;
                    break_it(registry, server.address(), server.pid(), Protocol::Postgres).await
                }
                Some(other) => Err(format!("`{other}` is neither `redis` nor `postgres`").into()),
            }
        });
        match code {
            Ok(code) => ExitCode::from(code),
            Err(error) => failed(error.as_ref()),
        }
    }

    async fn break_it(
        registry: Registry,
        server: SocketAddr,
        pid: u32,
        protocol: Protocol,
    ) -> Result<u8, BoxError> {
        let at = |address: SocketAddr| match protocol {
            Protocol::Postgres => Ok(Database::postgres(address)),
            _ => Database::redis(address),
        };
        at(server)?.write(42).await?;
        let proxy = Proxy::in_front_of(server.to_string()).await?;
        let service = Service::start(at(proxy.address())?, Care::Resilient).await?;
        let system = System {
            work: service.url(),
            health: service.url(),
        };

        let watchdog = Watchdog::reexec()?.kill_hung_owner();
        let engine = Engine::builder()
            .registry(registry)
            .watchdog(watchdog)
            .open()
            .await?;
        let stop = Stop::new();
        stop_on_signals(&stop);
        let scenarios = [
            ("slow database", Latency::ms(600).jitter_ms(100).on(&proxy)),
            ("database down", Down::new().protocol(protocol).on(&proxy)),
            (
                "CPU pressure",
                CpuBurn::all().load(90).on(&Host).allow_host(),
            ),
            // Of PostgreSQL this is the main process: it takes no new sessions, and those that are there go on.
            ("database stopped", Pause::new().on(&Process::pid(pid))),
        ];
        let mut summary = Summary::default();
        for (name, fault) in scenarios {
            let report = scenario(&engine, &system, name, fault, &stop).await;
            summary.reports.push(report.map_err(|e| e.to_string())?);
            if stop.requested().is_some() {
                break;
            }
        }
        writeln!(
            io::stdout(),
            "\n{}",
            summary.table_in(Paint::detect(), terminal_width())
        )
        .ok();
        Ok(summary.exit_code())
    }

    fn failed(error: &(dyn std::error::Error + 'static)) -> ExitCode {
        writeln!(io::stderr(), "error: {}", Chain(error)).ok();
        ExitCode::from(70)
    }
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
