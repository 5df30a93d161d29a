//! DNS faults between a real server and a real client.

use super::Tested;
use chaos_core::{BoxError, Engine, Fault, FaultExt, Registry};
use chaos_faults_dns::{
    Delay, DnsProxy, Nxdomain, Queries, Refuse, Servfail, Spoof, Timeout, Truncate,
};
use chaos_tests::{Dnsmasq, Tier};
use libtest_mimic::Trial;
use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Tier::trial("dig_sees_every_dns_fault_of_a_dnsmasq", every_fault),
        Tier::trial("dig_sees_no_proxy_where_there_is_no_fault", untouched),
    ]
}

const BOTH: [&str; 2] = ["+notcp", "+tcp"];

/// What dig said.
#[derive(Debug)]
struct Said {
    text: String,
    took: Duration,
}

impl Said {
    /// What it heard, without what differs from one time to the next.
    fn heard(&self) -> String {
        let differs = [";; Query time:", ";; SERVER:", ";; WHEN:", "; <<>>"];
        let lines = self.text.lines();
        let same = lines.filter(|line| !differs.iter().any(|differs| line.starts_with(differs)));
        same.collect::<Vec<_>>().join("\n")
    }

    fn has(&self, part: &str) -> bool {
        self.text.contains(part)
    }
}

/// Asks with the same transaction id each time.
async fn dig(address: SocketAddr, question: &[&str], options: &[&str]) -> Result<Said, BoxError> {
    let start = Instant::now();
    let mut command = Command::new("dig");
    command.arg(format!("@{}", address.ip()));
    command.args(["-p", &address.port().to_string()]);
    command.args(["+qid=4660", "+nocookie", "+tries=1", "+time=10"]);
    let output = command.args(options).args(question).output();
    let output = output.await.map_err(|error| format!("dig: {error}"))?;
    Ok(Said {
        text: String::from_utf8(output.stdout)?,
        took: start.elapsed(),
    })
}

struct Scene {
    server: Dnsmasq,
    proxy: DnsProxy,
    engine: Engine,
    _state: TempDir,
}

impl Scene {
    async fn set() -> Result<Self, BoxError> {
        let server = Dnsmasq::start().await?;
        let proxy = DnsProxy::in_front_of(server.address()).await?;
        let mut registry = Registry::new();
        chaos_faults_dns::register(&mut registry);
        let state = tempfile::tempdir()?;
        let builder = Engine::builder().registry(registry);
        let engine = builder.state_dir(state.path().join("chaos")).open().await?;
        Ok(Self {
            server,
            proxy,
            engine,
            _state: state,
        })
    }

    /// What dig says of a name with a fault, by UDP and TCP; the fault is hit so many times.
    async fn hit(
        &self,
        fault: impl Fault,
        question: &[&str],
        more: &[&str],
        hits: u64,
        check: impl Fn(&str, &Said) -> bool,
    ) -> Tested {
        let kind = fault.kind();
        let injection = self.engine.inject(fault.on(&self.proxy)).await?;
        for way in BOTH {
            let options = [&[way], more].concat();
            let said = dig(self.proxy.address(), question, &options).await?;
            if !check(way, &said) {
                return Err(format!("{kind}, {way}: {said:?}").into());
            }
            // Another name is as it was.
            let other = dig(self.proxy.address(), &["internal", "MX"], &[way]).await?;
            let truth = dig(self.server.address(), &["internal", "MX"], &[way]).await?;
            assert_eq!(other.heard(), truth.heard(), "{kind}, {way}");
        }
        assert_eq!(injection.recover().await?.hits, hits, "{kind}");
        for way in BOTH {
            self.same(question, &[way]).await?;
        }
        Ok(())
    }

    /// dig hears the same from the proxy as from the server.
    async fn same(&self, question: &[&str], options: &[&str]) -> Result<Said, BoxError> {
        let truth = dig(self.server.address(), question, options).await?;
        let said = dig(self.proxy.address(), question, options).await?;
        assert!(truth.has("opcode: "), "{truth:?}");
        assert_eq!(said.heard(), truth.heard(), "{question:?} {options:?}");
        Ok(said)
    }
}

async fn untouched() -> Tested {
    let scene = Scene::set().await?;
    for way in BOTH {
        for (question, has) in [
            (["db.internal", "A"], "10.1.2.3"),
            (["db.internal", "AAAA"], "fd00::3"),
            (["_postgresql._tcp.internal", "SRV"], "5432 db.internal."),
            (["internal", "MX"], "10 db.internal."),
            (["gone.internal", "A"], "status: NXDOMAIN"),
            (["db.internal", "TYPE65280"], "ANSWER: 0"),
            (["example.org", "A"], "status: REFUSED"),
        ] {
            for options in [
                &[way][..],
                &[way, "+noedns"],
                &[way, "+dnssec", "+bufsize=4096"],
            ] {
                let said = scene.same(&question, options).await?;
                assert!(said.has(has), "{said:?}");
            }
        }
        // Does not fit without EDNS, and dig comes again by TCP by itself.
        let said = scene
            .same(&["big.internal", "TXT"], &[way, "+noedns"])
            .await?;
        assert!(said.has("ANSWER: 1"), "{said:?}");
    }
    let said = scene
        .same(&["big.internal", "TXT"], &["+noedns", "+ignore"])
        .await?;
    assert!(said.has("flags: qr aa tc"), "{said:?}");
    Ok(())
}

async fn every_fault() -> Tested {
    let scene = Scene::set().await?;
    let db = || Queries::name("*.internal");
    let a = ["db.internal", "A"];
    let status = |status: &'static str| {
        move |_: &str, said: &Said| said.has(&format!("status: {status}")) && said.has("ANSWER: 0")
    };
    let nxdomain = Nxdomain::new().queries(db());
    scene.hit(nxdomain, &a, &[], 2, status("NXDOMAIN")).await?;
    let servfail = Servfail::new().queries(db());
    scene.hit(servfail, &a, &[], 2, status("SERVFAIL")).await?;
    let refuse = Refuse::new().queries(db());
    scene.hit(refuse, &a, &[], 2, status("REFUSED")).await?;
    let delay = Duration::from_millis(300);
    scene
        .hit(Delay::new(delay).queries(db()), &a, &[], 2, |_, said| {
            said.has("10.1.2.3") && said.took >= delay
        })
        .await?;
    let timeout = Timeout::new().queries(db());
    scene
        .hit(timeout, &a, &["+time=1"], 2, |_, said| {
            said.has("timed out") && said.took >= Duration::from_secs(1)
        })
        .await?;
    // Truncated by UDP, and only there.
    let truncate = Truncate::new().queries(db());
    scene
        .hit(truncate.clone(), &a, &["+ignore"], 1, |way, said| {
            said.has("flags: qr tc") == (way == "+notcp") && said.has("10.1.2.3") == (way == "+tcp")
        })
        .await?;
    // dig comes again by TCP, where the truth is told.
    scene
        .hit(truncate, &a, &[], 1, |_, said| said.has("10.1.2.3"))
        .await?;
    let elsewhere: [IpAddr; 2] = ["192.0.2.7".parse()?, "2001:db8::7".parse()?];
    let spoof = Spoof::addresses(elsewhere)
        .ttl(Duration::from_secs(5))
        .queries(db());
    scene
        .hit(spoof.clone(), &a, &[], 2, |_, said| {
            said.has("ANSWER: 1") && said.has("5\tIN\tA\t192.0.2.7")
        })
        .await?;
    scene
        .hit(spoof, &["db.internal", "SRV"], &[], 2, status("NOERROR"))
        .await
}
