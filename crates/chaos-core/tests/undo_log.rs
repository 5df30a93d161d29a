//! The log is orders for whoever reads it: forged, torn, damaged, from the future, from somebody else.

#![cfg(unix)]

use chaos_core::{Chain, Engine, EngineError, InjectionId, UndoLogError, boot_id, testing::World};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

struct Logs(World);

impl Logs {
    fn new() -> Self {
        let world = World::new();
        fs::create_dir_all(world.logs().join("claims")).unwrap();
        for dir in [world.state(), world.logs()] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
        }
        Self(world)
    }

    fn header(format: u32) -> String {
        let boot = boot_id().unwrap();
        format!(
            r#"{{"entry":"opened","format":{format},"injection":"x","pid":1,"owner":null,"boot":"{boot}","deadline":{{"secs":9,"nanos":0}},"kill_hung_owner":false}}"#
        )
    }

    fn intent(step: u32, kind: &str, version: u32, path: &str, mark: &str) -> String {
        format!(
            r#"{{"entry":"intent","step":{step},"fault":"test.litter","change":{{"summary":"create {path}","resource":"r{step}","reach":"namespace"}},"undo":{{"kind":"{kind}","version":{version},"lifetime":"disk","payload":{{"path":"{path}","mark":"{mark}"}}}}}}"#
        )
    }

    /// A piece as an injection would have left it, and the intent that stands for it.
    fn piece(&self, step: u32, name: &str) -> String {
        let path = self.0.host().join(name);
        fs::write(&path, "chaos-x").unwrap();
        Self::intent(step, "test.pick_up", 1, path.to_str().unwrap(), "chaos-x")
    }

    fn put(&self, name: &str, lines: &[String], tail: &str) -> PathBuf {
        let path = self.0.logs().join(name);
        fs::write(&path, lines.join("\n") + "\n" + tail).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    async fn recover(&self) -> chaos_core::Recovered {
        // Opening recovers, too, and keeps the result to itself: so the logs come after it.
        let builder = Engine::builder()
            .registry(World::registry())
            .state_dir(self.0.state());
        let first = self.0.state().join("aside");
        fs::rename(self.0.logs(), &first).unwrap();
        let engine = builder.open().await.unwrap();
        fs::rename(&first, self.0.logs()).unwrap();
        engine.recover_orphans().await.unwrap()
    }
}

#[tokio::test]
async fn a_log_of_a_dead_owner_is_carried_out() {
    let logs = Logs::new();
    let lines = [
        Logs::header(1),
        logs.piece(0, "chaos-x-0"),
        logs.piece(1, "chaos-x-1"),
    ];
    logs.put("001.jsonl", &lines, "");
    let recovered = logs.recover().await;
    assert_eq!((recovered.reverted, recovered.is_clean()), (2, true));
    assert_eq!(logs.0.left(), (0, 0));
}

/// Orphans newest first: what a later one has put on top of an earlier one is taken off first.
#[tokio::test]
async fn several_logs_are_carried_out_newest_first() {
    let logs = Logs::new();
    // Both say that they have left the same piece, so the first one carried out removes it.
    let piece = |logs: &Logs| logs.piece(0, "chaos-x-0");
    for name in ["002.jsonl", "001.jsonl", "003.jsonl"] {
        logs.put(name, &[Logs::header(1), piece(&logs)], "");
    }
    // The newest is torn in its middle, so that it stays, with its undo noted.
    let newest = logs.put(
        "004.jsonl",
        &[Logs::header(1), piece(&logs), "{{{{".into()],
        "",
    );
    let oldest = logs.put(
        "000.jsonl",
        &[Logs::header(1), piece(&logs), "{{{{".into()],
        "",
    );
    logs.recover().await;
    let how = |path: &PathBuf| fs::read_to_string(path).unwrap();
    assert!(how(&newest).contains("reverted"), "{}", how(&newest));
    assert!(how(&oldest).contains("already_gone"), "{}", how(&oldest));
}

#[tokio::test]
async fn a_forged_record_cannot_make_us_delete_what_is_not_ours() {
    let logs = Logs::new();
    let precious = logs.0.host().join("passwd");
    fs::write(&precious, "root:x:0:0").unwrap();
    let marked = logs.0.host().join("chaos-x-theirs");
    fs::write(&marked, "root:x:0:0").unwrap();
    let link = logs.0.host().join("chaos-x-link");
    std::os::unix::fs::symlink(&precious, &link).unwrap();
    let forge = |step, path: &PathBuf, mark| {
        Logs::intent(step, "test.pick_up", 1, path.to_str().unwrap(), mark)
    };
    let lines = [
        Logs::header(1),
        forge(0, &precious, "passwd"),
        forge(1, &precious, "root"),
        forge(2, &marked, "chaos-x"),
        forge(3, &link, "chaos-x"),
    ];
    logs.put("001.jsonl", &lines, "");
    let recovered = logs.recover().await;
    assert_eq!((recovered.reverted, recovered.left_alone.len()), (0, 4));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "root:x:0:0");
    assert!(marked.exists() && link.is_symlink());
}

#[tokio::test]
async fn a_torn_last_line_was_never_acted_on() {
    let logs = Logs::new();
    let first = logs.piece(0, "chaos-x-0");
    let torn = Logs::intent(1, "test.pick_up", 1, "/nowhere", "chaos-x");
    for cut in [1, torn.len() / 2, torn.len() - 1, torn.len()] {
        logs.piece(0, "chaos-x-0");
        logs.put("001.jsonl", &[Logs::header(1), first.clone()], &torn[..cut]);
        let recovered = logs.recover().await;
        assert_eq!(
            (recovered.reverted, recovered.is_clean()),
            (1, true),
            "cut at {cut}"
        );
        assert_eq!(logs.0.left(), (0, 0), "cut at {cut}");
    }
}

#[tokio::test]
async fn a_damaged_line_is_told_and_the_others_are_carried_out() {
    let logs = Logs::new();
    let lines = [
        Logs::header(1),
        logs.piece(0, "chaos-x-0"),
        "{ rust".into(),
        logs.piece(1, "chaos-x-1"),
    ];
    let path = logs.put("001.jsonl", &lines, "");
    let recovered = logs.recover().await;
    assert_eq!((recovered.reverted, recovered.unreadable.len()), (2, 1));
    assert!(
        recovered.unreadable[0].contains("line 3"),
        "{:?}",
        recovered.unreadable
    );
    assert!(path.exists(), "a damaged log is kept for people to read");
    assert_eq!(logs.0.pieces(), 0);
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_left_to_it() {
    let logs = Logs::new();
    logs.put(
        "001.jsonl",
        &[Logs::header(2), logs.piece(0, "chaos-x-0")],
        "",
    );
    let newer = logs
        .piece(0, "chaos-x-1")
        .replace(r#""version":1"#, r#""version":2"#);
    let unknown = r#"{"entry":"weather_report","sun":true}"#.to_owned();
    logs.put(
        "002.jsonl",
        &[Logs::header(1), newer, unknown, logs.piece(1, "chaos-x-2")],
        "",
    );
    let recovered = logs.recover().await;
    assert_eq!(
        (
            recovered.reverted,
            recovered.left.len(),
            recovered.unreadable.len()
        ),
        (1, 1, 1)
    );
    assert!(
        recovered.unreadable[0].contains("format 2"),
        "{:?}",
        recovered.unreadable
    );
    assert!(
        recovered.left[0].why.contains("version 2"),
        "{:?}",
        recovered.left
    );
    assert_eq!(logs.0.pieces(), 2);
}

#[tokio::test]
async fn garbage_is_told_and_stops_nothing() {
    let logs = Logs::new();
    for (name, bytes) in [
        ("000.jsonl", Vec::new()),
        ("001.jsonl", b"\n".to_vec()),
        ("002.jsonl", vec![0; 10 << 20]),
        (
            "003.jsonl",
            b"{\"entry\":\"applied\",\"step\":1}\n".to_vec(),
        ),
        ("004.jsonl", "{\"entry\":".repeat(1 << 20).into_bytes()),
    ] {
        fs::write(logs.0.logs().join(name), bytes).unwrap();
        fs::set_permissions(logs.0.logs().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    logs.put(
        "005.jsonl",
        &[Logs::header(1), logs.piece(0, "chaos-x-0")],
        "",
    );
    let recovered = logs.recover().await;
    assert_eq!(
        (recovered.reverted, recovered.unreadable.len()),
        (1, 5),
        "{:?}",
        recovered.unreadable
    );
}

#[tokio::test]
async fn a_log_that_others_could_have_written_is_not_carried_out() {
    let logs = Logs::new();
    let lines = [Logs::header(1), logs.piece(0, "chaos-x-0")];
    let open_to_all = logs.put("001.jsonl", &lines, "");
    fs::set_permissions(&open_to_all, fs::Permissions::from_mode(0o666)).unwrap();
    // Each a file of its own: one with two names is refused for that alone.
    let linked = logs.0.host().join("linked");
    fs::rename(logs.put("002.jsonl", &lines, ""), &linked).unwrap();
    std::os::unix::fs::symlink(&linked, logs.0.logs().join("002.jsonl")).unwrap();
    let two_names = logs.0.host().join("two-names");
    fs::rename(logs.put("003.jsonl", &lines, ""), &two_names).unwrap();
    fs::hard_link(&two_names, logs.0.logs().join("003.jsonl")).unwrap();
    fs::create_dir(logs.0.logs().join("004.jsonl")).unwrap();
    let pipe = logs.0.logs().join("005.jsonl");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let recovered = logs.recover().await;
    assert_eq!(
        (recovered.changes(), recovered.unreadable.len()),
        (0, 5),
        "{:?}",
        recovered.unreadable
    );
    assert!(logs.0.host().join("chaos-x-0").exists());
}

#[tokio::test]
async fn a_directory_that_others_can_enter_is_refused() {
    for mode in [0o755, 0o770, 0o707] {
        let logs = Logs::new();
        fs::set_permissions(logs.0.state(), fs::Permissions::from_mode(mode)).unwrap();
        let error = Engine::builder()
            .state_dir(logs.0.state())
            .open()
            .await
            .unwrap_err();
        assert!(matches!(error, EngineError::UndoLog(_)), "{error}");
        assert!(
            Chain(&error).to_string().contains("chmod 700"),
            "{}",
            Chain(&error)
        );
    }
    let logs = Logs::new();
    let link = logs.0.host().join("link");
    std::os::unix::fs::symlink(logs.0.state(), &link).unwrap();
    let error = Engine::builder().state_dir(link).open().await.unwrap_err();
    assert!(
        Chain(&error).to_string().contains("symbolic link"),
        "{}",
        Chain(&error)
    );
}

#[tokio::test]
async fn after_a_reboot_what_the_boot_took_is_not_touched() {
    let logs = Logs::new();
    let on_disk = logs.piece(0, "chaos-x-0");
    let in_kernel = logs
        .piece(1, "chaos-x-1")
        .replace(r#""lifetime":"disk""#, r#""lifetime":"boot""#);
    let header = Logs::header(1).replace(&boot_id().unwrap(), "an-earlier-boot");
    logs.put("001.jsonl", &[header, on_disk, in_kernel], "");
    let recovered = logs.recover().await;
    assert_eq!((recovered.reverted, recovered.already_gone), (1, 1));
    assert!(
        logs.0.host().join("chaos-x-1").exists(),
        "what has the name now is somebody else's"
    );
}

#[tokio::test]
async fn names_of_injections_sort_by_time_and_fit_everywhere() {
    let world = World::new();
    let engine = world.engine().await;
    let mut ids: Vec<InjectionId> = Vec::new();
    for _ in 0..3 {
        let injection = engine.inject(world.litter()).await.unwrap();
        ids.push(injection.id().clone());
        injection.recover().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert!(ids.is_sorted(), "{ids:?}");
    for id in ids {
        let ok = id
            .as_str()
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        assert!(ok && id.as_str().len() <= 30, "{id}");
    }
}

#[tokio::test]
async fn what_comes_after_a_torn_line_is_not_swallowed_by_it() {
    let logs = Logs::new();
    let stuck = Logs::intent(1, "test.of_a_stranger", 1, "/nowhere", "chaos-x");
    let lines = [Logs::header(1), logs.piece(0, "chaos-x-0"), stuck];
    let path = logs.put("001.jsonl", &lines, r#"{"entry":"inte"#);
    let recovered = logs.recover().await;
    assert_eq!((recovered.reverted, recovered.left.len()), (1, 1));
    let text = fs::read_to_string(path).unwrap();
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with(r#"{"entry":"undone","step":0"#) && text.ends_with('\n'),
        "{text}"
    );
}

#[tokio::test]
async fn a_log_that_nobody_can_recover_is_given_up_and_kept() {
    let logs = Logs::new();
    let stuck = Logs::intent(1, "test.of_a_stranger", 1, "/nowhere", "chaos-x");
    logs.put("stuck.jsonl", &[Logs::header(1), stuck], "");
    logs.put("garbage.jsonl", &["{{{{".into()], "");
    let link = logs.0.logs().join("link.jsonl");
    let elsewhere = logs.0.host().join("elsewhere");
    fs::write(&elsewhere, "theirs").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    let engine = logs.0.engine().await;
    let recovered = engine.recover_orphans().await.unwrap();
    assert_eq!((recovered.left.len(), recovered.unreadable.len()), (1, 2));

    let forgotten = engine.forget("stuck").await.unwrap();
    assert_eq!(forgotten.left, ["create /nowhere"]);
    assert_eq!(
        forgotten.path,
        logs.0.logs().join("forgotten").join("stuck.jsonl")
    );
    assert!(forgotten.path.is_file());
    engine.forget("garbage.jsonl").await.unwrap();
    engine.forget("link").await.unwrap();
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");
    let recovered = engine.recover_orphans().await.unwrap();
    assert!(
        recovered.is_clean() && recovered.injections == 0,
        "{recovered:?}"
    );
}

#[tokio::test]
async fn only_a_dead_owner_of_this_place_is_given_up() {
    let logs = Logs::new();
    let engine = logs.0.engine().await;
    fs::write(logs.0.state().join("outside.jsonl"), "").unwrap();
    for unknown in ["nothing", "../outside", "", ".", "/etc/passwd"] {
        let error = engine.forget(unknown).await.unwrap_err();
        assert!(
            matches!(&error, EngineError::UndoLog(UndoLogError::Unknown { .. })),
            "{unknown}: {error}"
        );
    }
    let injection = engine.inject(logs.0.litter()).await.unwrap();
    let error = engine.forget(injection.id().as_str()).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::UndoLog(UndoLogError::Alive { .. })),
        "{error}"
    );
    injection.recover().await.unwrap();
    assert_eq!(logs.0.left(), (0, 0));
}
