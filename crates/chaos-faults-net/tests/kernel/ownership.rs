//! What is not ours is left alone.

use super::{
    block_on,
    world::{RED, Space, World, engine, registry},
};
use chaos_core::{FaultExt, testing::Conformance};
use chaos_faults_net::{Netns, Partition};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_partition_keeps_the_promises", conformance),
    ("tables_of_others_are_the_same_after_as_before", others),
    ("a_table_that_took_our_name_is_left_alone", took_our_name),
    ("the_own_namespace_is_the_host", own_namespace),
    ("two_sites_of_one_namespace_are_cut_off_once", one_namespace),
    (
        "different_partitions_of_one_namespace_go_together",
        together,
    ),
    ("a_namespace_that_is_not_there_is_refused", not_there),
];

/// Makes or deletes an empty table, as another program would.
fn foreign(space: &Space, number: u16, family: u8, name: &str) {
    let mut value = name.as_bytes().to_vec();
    value.push(0);
    let len = u16::try_from(4 + value.len()).unwrap();
    value.resize(value.len().next_multiple_of(4), 0);
    let message = |kind: u16, flags: u16, family: u8, resource: u16, body: &[u8]| {
        let len = u32::try_from(20 + body.len()).unwrap();
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend([family, 0]);
        bytes.extend(resource.to_be_bytes());
        bytes.extend(body);
        bytes
    };
    let attribute = [&len.to_ne_bytes()[..], &1_u16.to_ne_bytes(), &value].concat();
    let batch = [
        message(16, 1, 0, 10, &[]),
        message(0xA00 | number, 0x405, family, 0, &attribute),
        message(17, 1, 0, 10, &[]),
    ]
    .concat();
    let answer = space.run(move || {
        let mut socket = Socket::new(NETLINK_NETFILTER).unwrap();
        socket.bind_auto().unwrap();
        socket.send_to(&batch, &SocketAddr::new(0, 0), 0).unwrap();
        socket.recv_from_full().unwrap().0
    });
    assert_eq!(answer[16..20], [0; 4], "{number} {name}");
}

pub(super) fn add(space: &Space, family: u8, name: &str) {
    foreign(space, 0, family, name);
}

fn delete(space: &Space, family: u8, name: &str) {
    foreign(space, 2, family, name);
}

/// The name of the only table of family inet.
fn our_table(space: &Space) -> String {
    let ruleset = space.ruleset();
    let bytes = b"chaos-".map(|byte| byte.to_string()).join(", ");
    let from = ruleset.find(&bytes).expect("our table is there");
    let name = ruleset[from..].split(", ").map_while(|byte| {
        let byte: u8 = byte.parse().ok()?;
        (byte != 0).then_some(char::from(byte))
    });
    name.collect()
}

fn conformance() {
    let world = World::new();
    add(&world.blue, 1, "filter");
    let (target, looked_at) = (world.blue.target(), std::sync::Mutex::new(world));
    let look = move || looked_at.lock().unwrap().blue.ruleset();
    let record = r#"{"netns": {"path": "/run/netns/blue", "inode": 4026532281, "cookie": 4097},
                     "table": "chaos-18c2f4a9b01-411-0-0-0"}"#;
    block_on(
        Conformance::new(registry(), move || {
            Partition::of(["10.9.0.2", "fd09::/64"]).on(&target)
        })
        .world(look)
        .nothing_foreign("the table is named by a mark that only this injection has")
        .record("net.del_table", 1, record)
        .run(),
    );
}

fn others() {
    let world = World::new();
    for (family, name) in [
        (1, "filter"),
        (2, "filter"),
        (1, "chaos-somebody"),
        (10, "x"),
    ] {
        add(&world.blue, family, name);
    }
    let before = world.blue.ruleset();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = Partition::all().on(&world.blue.target());
        let injection = engine.inject(placed).await.unwrap();
        assert!(world.blue.ruleset() != before);
        let recovered = injection.recover().await.unwrap();
        assert_eq!((recovered.reverted, recovered.left.len()), (1, 0));
    });
    assert!(world.blue.ruleset() == before);
}

fn took_our_name() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = Partition::all().on(&world.blue.target());
        let injection = engine.inject(placed).await.unwrap();
        let name = our_table(&world.blue);
        delete(&world.blue, 1, &name);
        add(&world.blue, 1, &name);
        let theirs = world.blue.ruleset();
        let recovered = injection.recover().await.unwrap();
        assert_eq!(recovered.left_alone.len(), 1, "{recovered:?}");
        assert!(world.blue.ruleset() == theirs);
    });
}

fn own_namespace() {
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let own = Netns::path("/proc/self/ns/net");
        let preview = engine.dry_run(Partition::all().on(&own)).await.unwrap();
        let why = preview.refusals.iter().map(ToString::to_string);
        let why: String = why.collect();
        assert!(why.contains("reaches the host"), "{why}");
        let allowed = Partition::all().on(&own).allow_host();
        let preview = engine.dry_run(allowed).await.unwrap();
        assert!(preview.refusals.is_empty(), "{:?}", preview.refusals);
    });
}

fn one_namespace() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let twice = Twice(world.blue.target());
        let preview = engine.dry_run(Partition::all().on(&twice)).await.unwrap();
        assert_eq!(preview.faults[0].changes.len(), 1);
        assert_eq!(preview.faults[0].notes.len(), 1);
    });
}

/// A target with two sites in one namespace.
#[derive(Debug, Clone)]
struct Twice(Netns);

#[chaos_core::async_trait]
impl chaos_core::Target for Twice {
    fn describe(&self) -> String {
        "twice".into()
    }

    async fn sites(
        &self,
        cx: &chaos_core::Context,
    ) -> Result<Vec<chaos_core::Site>, chaos_core::FaultError> {
        let mut sites = self.0.sites(cx).await?;
        sites.extend(self.0.sites(cx).await?);
        Ok(sites)
    }
}

fn together() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let target = world.blue.target();
        let first = Partition::of(["10.9.0.2"]).on(&target);
        let second = Partition::of(["10.9.0.3"]).on(&target);
        let first = engine.inject(first).await.unwrap();
        let second = engine.inject(second).await.unwrap();
        assert!(!world.reached(RED));
        first.recover().await.unwrap();
        assert!(world.reached(RED) && !world.all_reached());
        second.recover().await.unwrap();
        assert!(world.all_reached());
    });
}

fn not_there() {
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        for (target, says) in [
            (Netns::named("chaos-no-such-namespace"), "does not exist"),
            (Netns::path("/etc/passwd"), "is not a namespace"),
            (Netns::of_pid(u32::MAX / 2), "is not there"),
        ] {
            let error = engine.inject(Partition::all().on(&target)).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains(says), "{target:?}: {error}");
        }
    });
}
