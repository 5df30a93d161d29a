//! `/metrics` while scenarios run, in Prometheus's text format.

mod targets;

use chaos_core::{BoxError, EdgeKind, Event, Observer, Phase, RunHandle, Verdict, async_trait};
use chaos_validator::{Exchange, Load, ResourceWatch};
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header::CONTENT_TYPE,
    server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt::Write as _,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Up to how many seconds a request is counted in which bucket: around what SLOs promise.
const BUCKETS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0,
];
/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers `GET /metrics` with what the scenarios are doing now. Dropping it ends it.
#[derive(Debug)]
pub struct Live {
    now: Arc<Mutex<Now>>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// What is going on.
#[derive(Debug, Default)]
struct Now {
    scenario: String,
    phase: Option<Phase>,
    /// By kind and target.
    faults: BTreeMap<(String, String), u64>,
    ended: u64,
    load: Option<Arc<dyn Load>>,
    resources: Option<Arc<ResourceWatch>>,
    latency: Latency,
}

/// The latencies of the answers so far.
#[derive(Debug, Default)]
struct Latency {
    buckets: [u64; BUCKETS.len()],
    sum: f64,
    count: u64,
    /// Up to when they are counted.
    until: Duration,
}

impl Live {
    /// Listens; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let now = Arc::new(Mutex::new(Now::default()));
        let server = tokio::spawn(serve(listener, Arc::clone(&now)));
        Ok(Self {
            now,
            address,
            server,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What tells it of a run, with the load of that run and what watches its targets.
    pub fn observer(
        &self,
        load: Option<Arc<dyn Load>>,
        resources: Option<Arc<ResourceWatch>>,
    ) -> Arc<dyn Observer> {
        Arc::new(Watch {
            now: Arc::clone(&self.now),
            load,
            resources,
        })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, now: Arc<Mutex<Now>>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Usually there are no descriptors left.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let now = Arc::clone(&now);
        let answer = service_fn(move |request| {
            let answer = answer(&request, &now);
            async move { Ok::<_, Infallible>(answer) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .keep_alive(false);
        let connection = http.serve_connection(TokioIo::new(client), answer);
        tokio::spawn(async move {
            // One that is gone needs no answer.
            tokio::time::timeout(PATIENCE, connection).await.ok();
        });
    }
}

fn answer(request: &Request<Incoming>, now: &Mutex<Now>) -> Response<String> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, lock(now).page()),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "GET it\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "there is only /metrics\n".to_owned()),
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    if let Ok(kind) = "text/plain; version=0.0.4; charset=utf-8".parse() {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

fn lock(now: &Mutex<Now>) -> MutexGuard<'_, Now> {
    now.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Now {
    fn page(&mut self) -> String {
        let mut page = String::new();
        let scenario = label(&self.scenario);
        let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, f64)>| {
            // Writing to a text does not fail.
            writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
            for (labels, value) in samples {
                writeln!(page, "{name}{labels} {value}").ok();
            }
        };
        let phases = Phase::ALL.map(|phase| {
            let here = self.phase == Some(phase);
            (
                format!("{{scenario=\"{scenario}\",phase=\"{phase}\"}}"),
                f64::from(u8::from(here)),
            )
        });
        family(
            "chaos_phase",
            "gauge",
            "1 in the phase that the scenario is in.",
            phases.to_vec(),
        );
        let faults = self.faults.iter().map(|((kind, target), n)| {
            let (kind, target) = (label(kind), label(target));
            (
                format!("{{scenario=\"{scenario}\",fault=\"{kind}\",target=\"{target}\"}}"),
                real(*n),
            )
        });
        family(
            "chaos_faults_in_place",
            "gauge",
            "How many faults are in place.",
            faults.collect(),
        );
        family(
            "chaos_scenarios_ended_total",
            "counter",
            "How many scenarios are over.",
            vec![(String::new(), real(self.ended))],
        );
        if let Some(watch) = &self.resources {
            for (name, help, samples) in targets::families(watch, &scenario) {
                if !samples.is_empty() {
                    family(name, "gauge", help, samples);
                }
            }
        }
        let Some(load) = self.load.clone() else {
            return page;
        };
        let counts = load.counts();
        let requests = [
            ("good", counts.good),
            ("bad", counts.bad),
            ("unsent", counts.unsent),
            ("cancelled", counts.cancelled),
        ];
        let requests = requests.map(|(result, n)| {
            (
                format!("{{scenario=\"{scenario}\",result=\"{result}\"}}"),
                real(n),
            )
        });
        family(
            "chaos_load_requests_total",
            "counter",
            "Requests that are over, by how they ended.",
            requests.to_vec(),
        );
        let planned = (format!("{{scenario=\"{scenario}\"}}"), real(counts.planned));
        family(
            "chaos_load_planned_total",
            "counter",
            "Requests that were due.",
            vec![planned],
        );
        self.latency.take(load.as_ref());
        let name = "chaos_load_latency_seconds";
        let help = "The latency of good answers, from the intended send time.";
        writeln!(page, "# HELP {name} {help}\n# TYPE {name} histogram").ok();
        let mut below = 0;
        for (limit, n) in BUCKETS.iter().zip(self.latency.buckets) {
            below += n;
            writeln!(
                page,
                "{name}_bucket{{scenario=\"{scenario}\",le=\"{limit}\"}} {below}"
            )
            .ok();
        }
        let (sum, count) = (self.latency.sum, self.latency.count);
        writeln!(
            page,
            "{name}_bucket{{scenario=\"{scenario}\",le=\"+Inf\"}} {count}"
        )
        .ok();
        writeln!(page, "{name}_sum{{scenario=\"{scenario}\"}} {sum}\n{name}_count{{scenario=\"{scenario}\"}} {count}").ok();
        page
    }
}

impl Latency {
    /// Counts what came since it was asked last.
    fn take(&mut self, load: &dyn Load) {
        let newer = load.recent(self.until);
        // The last nanosecond is looked at once more, and not counted again.
        for exchange in newer.exchanges().iter().filter(|e| e.done() > self.until) {
            if exchange.class().is_good() {
                let seconds = exchange.latency().as_secs_f64();
                if let Some(at) = BUCKETS.iter().position(|limit| seconds <= *limit) {
                    self.buckets[at] += 1;
                }
                self.sum += seconds;
                self.count += 1;
            }
        }
        let last = newer.exchanges().iter().map(Exchange::done).max();
        self.until = self.until.max(last.unwrap_or_default());
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
fn real(count: u64) -> f64 {
    count as f64
}

fn label(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Tells of one run.
#[derive(Debug)]
struct Watch {
    now: Arc<Mutex<Now>>,
    load: Option<Arc<dyn Load>>,
    resources: Option<Arc<ResourceWatch>>,
}

#[async_trait]
impl Observer for Watch {
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
        let mut now = lock(&self.now);
        let ended = now.ended;
        *now = Now {
            scenario: run.name().to_owned(),
            load: self.load.clone(),
            resources: self.resources.clone(),
            ended,
            ..Now::default()
        };
        Ok(())
    }

    fn on(&self, event: &Event) {
        let mut now = lock(&self.now);
        match event {
            Event::PhaseStarted { phase, .. } => now.phase = Some(*phase),
            Event::Edge(edge) => {
                let this = (edge.fault.clone(), edge.target.clone());
                let n = now.faults.entry(this).or_default();
                match edge.kind {
                    EdgeKind::Injected => *n += 1,
                    EdgeKind::Recovered | EdgeKind::Over | EdgeKind::Lost => {
                        *n = n.saturating_sub(1)
                    }
                    _ => {}
                }
            }
            Event::Finished { .. } => {
                now.phase = None;
                now.ended += 1;
            }
            _ => {}
        }
    }

    fn steady(&self) -> Verdict {
        Verdict::Held
    }

    async fn finish(&self) {}
}
