//! What is measured where the truth is known, on real servers.

use super::{Kind, Running, Tested, engine};
use chaos_core::{BoxError, Experiment, FaultExt, Observer, Placed, RunHandle, Seed};
use chaos_faults_net::{Latency, Proxy};
use chaos_faults_resource::{Pause, Process};
use chaos_tests::{Nginx, Tier};
use chaos_validator::{
    HttpLoad, Judgement, Load, PostgresLoad, RedisLoad, Report, Slo, Slos, measure::Detector,
};
use libtest_mimic::Trial;
use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) fn trials() -> Vec<Trial> {
    let delayed = Kind::ALL.into_iter().map(|kind| {
        let name = format!("a_{}_that_is_200_ms_slower_is_measured_so", kind.name());
        Tier::trial(name, move || delayed(kind))
    });
    let others = [
        Tier::trial(
            "a_server_that_is_stopped_for_a_known_time_is_measured_so",
            stopped,
        ),
        Tier::trial(
            "a_server_that_is_killed_and_started_again_is_measured_so",
            killed,
        ),
    ];
    delayed.chain(others).collect()
}

const MS: Duration = Duration::from_millis(1);
/// How often a run may be one that the instrument itself does not trust.
const TRIES: usize = 12;

/// The median of three runs that the instrument trusts.
async fn median_of<F>(run: impl Fn() -> F) -> Result<f64, BoxError>
where
    F: Future<Output = Result<Option<f64>, BoxError>>,
{
    let mut found = Vec::new();
    for _ in 0..TRIES {
        found.extend(run().await?);
        if found.len() == 3 {
            found.sort_by(f64::total_cmp);
            return Ok(found[1]);
        }
    }
    Err("this machine is too busy to measure".into())
}

async fn run(
    fault: Placed,
    load: impl Into<Arc<dyn Load>>,
    slos: &Slos,
) -> Result<Report, BoxError> {
    let (engine, _state) = engine().await?;
    let experiment = Experiment::named("known")
        .baseline(MS * 1500)
        .hold(MS * 1500)
        .recovery_limit(MS * 6000)
        .fault(fault);
    Ok(chaos_validator::run(&engine, experiment, load, slos).await?)
}

fn is_trusted(report: &Report) -> bool {
    let unclear =
        |slo: &chaos_validator::SloResult| matches!(slo.judgement, Judgement::Inconclusive { .. });
    !report.slos.iter().any(unclear)
}

/// Half of all requests are 200 ms slower, within 5 ms.
async fn delayed(kind: Kind) -> Tested {
    let database = Running::start(kind).await?;
    let proxy = Proxy::in_front_of(database.server().address().to_string()).await?;
    let address = proxy.address();
    let slower = median_of(|| async {
        let load: Arc<dyn Load> = match kind {
            Kind::Redis => {
                let url = format!("redis://{address}");
                RedisLoad::command(url, ["GET", "stock"]).rate(100.0).into()
            }
            Kind::Postgres => {
                let (ip, port) = (address.ip(), address.port());
                let server = format!("host={ip} port={port} user=postgres dbname=postgres");
                PostgresLoad::query(server, "SELECT chairs FROM stock")
                    .rate(100.0)
                    .into()
            }
        };
        let slos = Slos::none().with(Slo::LatencyDegradation, 500.0);
        let report = run(Latency::ms(200).on(&proxy), load, &slos).await?;
        let p50 = report
            .metrics
            .shifts
            .first()
            .ok_or("there is no difference")?
            .seconds;
        Ok(is_trusted(&report).then_some(p50 * 1e3))
    });
    let slower = slower.await?;
    assert!((195.0..=205.0).contains(&slower), "{slower} ms");
    Ok(())
}

/// SIGSTOP: the outage is as long as the server was stopped, within the time between two requests and 10 ms.
async fn stopped() -> Tested {
    let off = median_of(|| async {
        let nginx = Nginx::start().await?;
        let load = HttpLoad::get(format!("http://{}/", nginx.address()))
            .rate(100.0)
            .timeout(MS * 500);
        let slos = Slos::none().with(Slo::Mttr, 30.0);
        let process = Process::pid(nginx.pid());
        let report = run(Pause::new().on(&process), load, &slos).await?;
        assert!(report.metrics.outages.len() <= 1, "{report}");
        let outage = report.metrics.outages.first().ok_or("there is no outage")?;
        let stopped = report.run.recovered().zip(report.run.injected());
        let (end, start) = stopped.ok_or("there was no fault")?;
        let off = outage.length().lower().as_secs_f64() - (end - start).as_secs_f64();
        Ok(is_trusted(&report).then_some(off * 1e3))
    });
    let off = off.await?;
    assert!(off.abs() <= 20.0, "{off} ms");
    Ok(())
}

/// `kill -9`, and a second later it is started again.
async fn killed() -> Tested {
    let off = median_of(|| async {
        let mut nginx = Nginx::start().await?;
        let address = nginx.address();
        let load = HttpLoad::get(format!("http://{address}/"))
            .rate(100.0)
            .timeout(MS * 500);
        let handle = RunHandle::detached("test", Seed::new(1));
        load.start(&handle).await?;
        tokio::time::sleep(MS * 1000).await;
        let killed = handle.elapsed();
        nginx.kill()?;
        tokio::time::sleep(MS * 1000).await;
        nginx.start_again()?;
        let back = accepts(address, &handle)?;
        tokio::time::sleep(MS * 1500).await;
        load.finish().await;
        let recording = load.recording();
        let outages = Detector::at(100.0).find(recording.exchanges(), handle.elapsed());
        let [outage] = outages.as_slice() else {
            return Err(format!("{} outages", outages.len()).into());
        };
        let off = outage.length().lower().as_secs_f64() - (back - killed).as_secs_f64();
        Ok((recording.counts().unsent == 0).then_some(off * 1e3))
    });
    let off = off.await?;
    assert!(off.abs() <= 20.0, "{off} ms");
    Ok(())
}

/// When it accepts connections again.
fn accepts(address: SocketAddr, run: &RunHandle) -> Result<Duration, BoxError> {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > MS * 10_000 {
            return Err("it does not come back".into());
        }
        std::thread::sleep(MS / 2);
    }
    Ok(run.elapsed())
}
