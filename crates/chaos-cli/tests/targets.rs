//! What a fault says of its targets is true: a target that it does not name is refused when it is planned, too.
#![cfg(target_os = "linux")]

use chaos_core::{Context, Engine, Fault, FaultError, Placed, Registry, Site, Target, async_trait};
use std::sync::Arc;

/// A bare site of a kind of target.
#[derive(Debug)]
struct Bare(&'static str);

#[async_trait]
impl Target for Bare {
    fn describe(&self) -> String {
        format!("some {}", self.0)
    }

    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        Ok(vec![Site::named(self.0, "bare")])
    }
}

fn fault(registry: &Registry, kind: &str) -> Arc<dyn Fault> {
    registry
        .example(kind)
        .unwrap_or_else(|error| panic!("{kind}: {error}"))
}

#[tokio::test]
async fn a_target_that_a_fault_does_not_name_is_refused_by_its_plan() {
    let registry = chaos_cli::registry();
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::builder()
        .registry(registry.clone())
        .state_dir(dir.path().join("state"))
        .open()
        .await
        .unwrap();
    let schemes = [
        "proxy",
        "http_proxy",
        "dns_proxy",
        "process",
        "container",
        "netns",
        "host",
    ];
    let mut refused = 0;
    for kind in registry.fault_kinds() {
        let works_on = registry.targets_of(kind);
        assert!(!works_on.is_empty(), "{kind} says nothing of its targets");
        for scheme in works_on {
            assert!(schemes.contains(scheme), "{kind}: {scheme}");
        }
        for scheme in schemes {
            let check = registry.check_pair(kind, scheme);
            assert_eq!(check.is_ok(), works_on.contains(&scheme), "{kind} {scheme}");
            if check.is_ok() {
                continue;
            }
            let placed = Placed::new(fault(&registry, kind), Arc::new(Bare(scheme)));
            let placed = placed.allow_host().allow_irreversible();
            let preview = engine.dry_run(placed).await.unwrap();
            assert!(
                !preview.refusals.is_empty(),
                "{kind} on {scheme}: {preview:?}"
            );
            refused += 1;
        }
    }
    assert!(refused > 30, "{refused}");
}
