//! Which way a database is taken down, and that it is then judged by whether it answers.

use chaos_core::{
    Chain, Change, ConfigError, Context, Engine, Fault, FaultConfig, FaultError, FaultExt, Held,
    InProcess, Intensity, Needs, Parameters, Plan, Preview, Reach, Registry, Site, Target,
    async_trait,
    schemars::{self, JsonSchema},
    testing::Conformance,
};
use chaos_faults_db::{Down, Protocol};
use chaos_faults_net::Proxy;
use serde::Deserialize;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A target of any kind.
#[derive(Debug, Clone)]
struct Somewhere {
    scheme: &'static str,
    addressed: bool,
}

impl Somewhere {
    fn of(scheme: &'static str) -> Self {
        let addressed = true;
        Self { scheme, addressed }
    }
}

#[async_trait]
impl Target for Somewhere {
    fn describe(&self) -> String {
        format!("some {}", self.scheme)
    }
    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        let site = |name| {
            let site = Site::named(self.scheme, name);
            match self.addressed {
                true => site.with_address(([127, 0, 0, 1], 9).into()),
                false => site,
            }
        };
        Ok(vec![site("one"), site("two")])
    }
}

/// A fault that does nothing, under the kind of another crate's.
macro_rules! stub {
    ($fault:ident, $kind:literal) => {
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $fault {}

        #[async_trait]
        impl Fault for $fault {
            fn kind(&self) -> &'static str {
                $kind
            }
            fn needs(&self, _: &Site) -> Needs {
                Needs::none()
            }
            async fn plan(&self, sites: &[Site], _: &Context) -> Result<Plan, FaultError> {
                let nothing = |site: &Site| Nothing(format!("{} on {site}", $kind));
                let plan = Plan::new();
                Ok(sites.iter().map(nothing).fold(plan, Plan::then_in_process))
            }
        }

        impl FaultConfig for $fault {
            const KIND: &'static str = $kind;
            type Fault = Self;
            fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
                &[]
            }
            fn build(self) -> Result<Self, ConfigError> {
                Ok(self)
            }
        }
    };
}

stub!(Refuse, "net.refuse");
stub!(Stop, "container.stop");
stub!(Pause, "process.pause");

#[derive(Debug)]
struct Nothing(String);

impl InProcess for Nothing {
    type Held = Self;
    fn change(&self) -> Change {
        Change::new(&self.0, &self.0, Reach::Process)
    }
    fn apply(&self) -> Result<Self, FaultError> {
        Ok(Self(self.0.clone()))
    }
}

impl Held for Nothing {
    fn in_place(&self) -> bool {
        true
    }
    fn hits(&self) -> Option<u64> {
        Some(0)
    }
    fn release(self) -> Result<(), FaultError> {
        Ok(())
    }
}

async fn dry_run(registry: &Registry, down: Down, target: Somewhere) -> Preview {
    let engine = Engine::builder().registry(registry.clone()).open().await;
    engine.unwrap().dry_run(down.on(&target)).await.unwrap()
}

/// Why a dry run refuses.
async fn refused(registry: &Registry, down: Down, target: Somewhere) -> String {
    let preview = dry_run(registry, down, target).await;
    assert!(preview.faults.is_empty(), "{preview:?}");
    preview.refusals[0].to_string()
}

fn everything() -> Registry {
    let mut registry = Registry::new();
    registry.add_fault::<Refuse>();
    registry.add_fault::<Stop>();
    registry.add_fault::<Pause>();
    registry
}

#[tokio::test]
async fn the_way_follows_from_the_target_and_is_told() {
    for (scheme, kind) in [
        ("proxy", "net.refuse"),
        ("container", "container.stop"),
        ("process", "process.pause"),
    ] {
        let preview = dry_run(&everything(), Down::new(), Somewhere::of(scheme)).await;
        assert!(preview.refusals.is_empty(), "{preview:?}");
        let fault = &preview.faults[0];
        let changes: Vec<String> = fault.changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            changes,
            [
                format!("{kind} on {scheme} one"),
                format!("{kind} on {scheme} two")
            ]
        );
        for (note, name) in fault.notes.iter().zip(["one", "two"]) {
            let expected = format!("{scheme} {name} is taken down by {kind}: ");
            assert!(note.starts_with(&expected), "{note}");
        }
    }
}

#[tokio::test]
async fn other_targets_are_told_what_works() {
    let why = refused(&everything(), Down::new(), Somewhere::of("netns")).await;
    assert!(
        why.contains("one of `proxy`, `container`, `process`, not as a `netns`"),
        "{why}"
    );
}

#[tokio::test]
async fn a_way_that_is_not_registered_is_named_with_its_crate() {
    for (scheme, from) in [
        ("proxy", "chaos-faults-net"),
        ("container", "chaos-faults-container"),
        ("process", "chaos-faults-resource"),
    ] {
        let why = refused(&Registry::new(), Down::new(), Somewhere::of(scheme)).await;
        assert!(
            why.contains(from) && why.contains("not registered"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn without_an_address_a_protocol_cannot_be_spoken() {
    let nowhere = || Somewhere {
        scheme: "process",
        addressed: false,
    };
    let down = |protocol| Down::new().protocol(protocol);
    let why = refused(&everything(), down(Protocol::Postgres), nowhere()).await;
    assert!(why.contains("address") && why.contains(":5432"), "{why}");

    let addressed = down(Protocol::Postgres).address("127.0.0.1:5432");
    let preview = dry_run(&everything(), addressed, nowhere()).await;
    assert!(preview.refusals.is_empty(), "{preview:?}");

    let preview = dry_run(&everything(), down(Protocol::Tcp), nowhere()).await;
    let notes = preview.faults[0].notes.join("\n");
    assert!(notes.contains("nobody looks"), "{notes}");
}

#[test]
fn a_wrong_configuration_is_told_its_field() {
    let mut registry = Registry::new();
    chaos_faults_db::register(&mut registry);
    for (parameters, expected) in [
        (
            r#"{ "protocol": "mysql" }"#,
            "parameters.protocol: unknown value `mysql`",
        ),
        (r#"{ "adress": "127.0.0.1:1" }"#, "did you mean `address`"),
        (
            r#"{ "address": "127.0.0.1" }"#,
            "parameters.address: `127.0.0.1` is not a host and a port",
        ),
        (r#"{ "address": 5432 }"#, "parameters.address"),
    ] {
        let parameters: Parameters = serde_json::from_str(parameters).unwrap();
        let error = registry.fault("db.down", None, &parameters).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let nothing = Parameters::new().with("downtime", "0");
    let error = registry.fault("db.down", None, &nothing).unwrap_err();
    assert_eq!(error.field_path(), Some("parameters.downtime"));
}

/// An intensity is a length, and an explicit one wins.
#[tokio::test]
async fn it_is_back_after_its_downtime() {
    let mut registry = Registry::new();
    chaos_faults_db::register(&mut registry);
    chaos_faults_net::register(&mut registry);
    let short = Parameters::new().with("downtime", "300ms");
    let fault = registry
        .fault("db.down", Some(Intensity::Heavy), &short)
        .unwrap();
    let proxy = Proxy::in_front_of(redis().await).await.unwrap();
    let engine = Engine::builder().registry(registry).open().await.unwrap();
    let start = std::time::Instant::now();
    let injection = engine.inject(fault.on(&proxy)).await.unwrap();
    assert!(TcpStream::connect(proxy.address()).await.is_err());
    while TcpStream::connect(proxy.address()).await.is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "it is never back"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(start.elapsed() >= Duration::from_millis(300));
    let recovered = injection.recover().await.unwrap();
    assert!(
        recovered.lost.is_empty(),
        "its end was planned: {:?}",
        recovered.lost
    );
}

/// A server that says `+PONG` to whatever it is told.
async fn redis() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    redis_at(listener);
    address
}

fn redis_at(listener: TcpListener) {
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                while client.read(&mut [0; 64]).await.is_ok_and(|n| n > 0) {
                    if client.write_all(b"+PONG\r\n").await.is_err() {
                        break;
                    }
                }
            });
        }
    });
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    chaos_faults_db::register(&mut registry);
    registry
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_proxy_it_keeps_the_promises_that_every_fault_keeps() {
    let proxy = Proxy::in_front_of(redis().await).await.unwrap();
    let address = proxy.address();
    let look = move || match std::net::TcpStream::connect(address) {
        Ok(_) => "open".to_owned(),
        Err(error) => error.kind().to_string(),
    };
    let down = move || Down::new().protocol(Protocol::Redis).on(&proxy);
    Conformance::new(registry(), down).world(look).run().await;
}

/// The upstream comes back only after the fault is over: the two moments are told apart.
#[tokio::test(flavor = "multi_thread")]
async fn the_moment_of_the_answer_is_not_that_of_the_recovery() {
    const LATE: Duration = Duration::from_millis(700);
    let upstream = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = upstream.local_addr().unwrap();
    drop(upstream);
    let proxy = Proxy::in_front_of(address.to_string()).await.unwrap();
    let engine = Engine::builder().registry(registry()).open().await.unwrap();
    let down = Down::new().protocol(Protocol::Redis).on(&proxy);
    let injection = engine.inject(down).await.unwrap();
    let recovered = injection.recover().await.unwrap();

    // For as long as nobody is behind the proxy, it does not answer.
    let short = recovered.answered(Duration::from_millis(300)).await;
    let error = Chain(&short.unwrap_err()).to_string();
    let expected = format!("{} answers as Redis", proxy.address());
    assert!(error.contains(&expected), "{error}");

    let back = tokio::spawn(async move {
        tokio::time::sleep(LATE).await;
        redis_at(TcpListener::bind(address).await.unwrap());
    });
    let took = recovered.answered(Duration::from_secs(20)).await.unwrap();
    back.await.unwrap();
    assert!(took >= LATE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn down_is_down() {
    let proxy = Proxy::in_front_of(redis().await).await.unwrap();
    let engine = Engine::builder().registry(registry()).open().await.unwrap();
    let connect = || TcpStream::connect(proxy.address());
    connect().await.unwrap();
    let during = engine.during(Down::new().on(&proxy), connect()).await;
    during.unwrap().unwrap_err();
    connect().await.unwrap();
}
