//! HTTP faults between a real server and a real client.

use super::Tested;
use chaos_core::{BoxError, Engine, Fault, FaultExt, Registry};
use chaos_faults_http::{Abort, Delay, Direction, HttpProxy, Patch, Replace};
use chaos_tests::{Nginx, Tier};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Tier::trial("curl_sees_every_http_fault_of_an_nginx", every_fault),
        Tier::trial("curl_trusts_the_certificates_of_a_proxy", certificates),
    ]
}

/// Longer than any answer takes.
const LIMIT: &str = "20";

/// How curl speaks, and what it says it spoke.
const WAYS: [(&str, &str, &str); 4] = [
    ("http", "--http1.1", "1.1"),
    ("http", "--http2-prior-knowledge", "2"),
    ("https", "--http1.1", "1.1"),
    ("https", "--http2", "2"),
];

/// What curl said.
#[derive(Debug)]
struct Said {
    exit: Option<i32>,
    body: String,
    status: u64,
    version: String,
    seconds: f64,
}

impl Said {
    fn json(&self) -> Result<Value, BoxError> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

struct Scene {
    nginx: Nginx,
    proxy: HttpProxy,
    engine: Engine,
    dir: TempDir,
}

impl Scene {
    async fn set() -> Result<Self, BoxError> {
        let nginx = Nginx::start().await?;
        let dir = tempfile::tempdir()?;
        let proxy = HttpProxy::builder(format!("http://{}", nginx.address()));
        let proxy = proxy.ca_file(dir.path().join("ca.pem")).open().await?;
        let mut registry = Registry::new();
        chaos_faults_http::register(&mut registry);
        let engine = Engine::builder().registry(registry).open().await?;
        Ok(Self {
            nginx,
            proxy,
            engine,
            dir,
        })
    }

    async fn curl(&self, scheme: &str, version: &str) -> Result<Said, BoxError> {
        let url = format!("{scheme}://{}/items", self.proxy.address());
        curl(&url, version, &self.dir.path().join("ca.pem")).await
    }

    /// What curl says with a fault, in each of the ways that it speaks.
    async fn hit(
        &self,
        fault: impl Fault,
        check: impl Fn(&Said) -> Result<bool, BoxError>,
    ) -> Result<(), BoxError> {
        let kind = fault.kind();
        let injection = self.engine.inject(fault.on(&self.proxy)).await?;
        for (scheme, version, _) in WAYS {
            let said = self.curl(scheme, version).await?;
            if !check(&said)? {
                return Err(format!("{kind}, {scheme} {version}: {said:?}").into());
            }
        }
        let hits = injection.recover().await?.hits;
        assert_eq!(hits, WAYS.len() as u64, "{kind}");
        Ok(())
    }
}

async fn curl(url: &str, version: &str, authority: &Path) -> Result<Said, BoxError> {
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "*", "--max-time", LIMIT, version])
        .args(["--write-out", "\n%{json}"])
        .arg("--cacert")
        .arg(authority)
        .arg(url)
        .output()
        .await
        .map_err(|error| format!("curl: {error}"))?;
    let text = String::from_utf8(output.stdout)?;
    let (body, facts) = text.rsplit_once('\n').ok_or("curl says nothing")?;
    let facts: Value = serde_json::from_str(facts)?;
    Ok(Said {
        exit: output.status.code(),
        body: body.to_owned(),
        status: facts["response_code"].as_u64().unwrap_or(0),
        version: facts["http_version"].as_str().unwrap_or("").to_owned(),
        seconds: facts["time_total"].as_f64().unwrap_or(0.0),
    })
}

async fn every_fault() -> Tested {
    let scene = Scene::set().await?;
    let untouched = async || -> Tested {
        for (scheme, version, spoke) in WAYS {
            let said = scene.curl(scheme, version).await?;
            assert_eq!((said.exit, said.status), (Some(0), 200), "{said:?}");
            assert_eq!(said.version, spoke, "{said:?}");
            assert_eq!(said.json()?, json!({ "left": 3, "name": "nut" }));
        }
        Ok(())
    };
    untouched().await?;
    let before = scene.nginx.answered();
    scene
        .hit(Delay::ms(300), |said| {
            Ok(said.status == 200 && said.seconds >= 0.3)
        })
        .await?;
    assert_eq!(scene.nginx.answered() - before, WAYS.len());
    scene
        .hit(Abort::status(429), |said| Ok(said.status == 429))
        .await?;
    scene
        .hit(Abort::reset(), |said| {
            // 56: the connection was reset; 92: the stream; 35 would be TLS, 52 an end without an answer.
            Ok(matches!(said.exit, Some(56 | 92)))
        })
        .await?;
    // Of neither of them nginx has heard.
    assert_eq!(scene.nginx.answered() - before, WAYS.len());
    scene
        .hit(
            Abort::status(504).direction(Direction::Downstream),
            |said| Ok(said.status == 504),
        )
        .await?;
    assert_eq!(scene.nginx.answered() - before, 2 * WAYS.len());
    scene
        .hit(Replace::response().status(404).body("gone"), |said| {
            Ok(said.status == 404 && said.body == "gone")
        })
        .await?;
    scene
        .hit(Patch::response().json(json!({ "left": -1 })), |said| {
            Ok(said.json()? == json!({ "left": -1, "name": "nut" }))
        })
        .await?;
    untouched().await
}

async fn certificates() -> Tested {
    let scene = Scene::set().await?;
    let url = format!("https://{}/", scene.proxy.address());
    // Another proxy's authority is not this one's. 60: curl does not trust it.
    let other = scene.dir.path().join("other.pem");
    let stranger = HttpProxy::builder("http://127.0.0.1:9").ca_file(&other);
    let stranger = stranger.open().await?;
    let said = curl(&url, "--http1.1", &other).await?;
    assert_eq!(said.exit, Some(60), "{said:?}");
    drop(stranger);
    assert!(!other.exists());

    // By name, as a service would say it; `localhost` is looked up without asking anybody.
    let port = scene.proxy.address().port();
    let said = curl(
        &format!("https://localhost:{port}/"),
        "--http2",
        &scene.dir.path().join("ca.pem"),
    )
    .await?;
    assert_eq!((said.exit, said.status), (Some(0), 200), "{said:?}");
    Ok(())
}
