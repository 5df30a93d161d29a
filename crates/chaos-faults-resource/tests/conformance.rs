//! Every fault keeps the promises that every fault keeps.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "not all of it is used here")]
mod world;

use chaos_core::{FaultExt, Host, testing::Conformance, units::Size};
use chaos_faults_resource::{CpuBurn, DiskBurn, DiskFill, DiskMode, MemFill, Pause, Process};
use std::{fs, sync::Arc};
use world::{Victim, eventually, letter, registry, threads};

/// A record of version 1, as it stands in logs.
const CONTINUE_1: &str =
    r#"{"process":{"pid":4711,"started":123456,"boot":"0e6f3c6e-9f0f-4e0c-8f5b-1f8a4d1f0a11"}}"#;

const REMOVE_1: &str = r#"{"place":{"path":"/srv/data","inode":4711,"device":65025,"boot":"0e6f3c6e-9f0f-4e0c-8f5b-1f8a4d1f0a11"},"mark":"chaos-18c2f4a9b01-411-0-0-0"}"#;

#[tokio::test]
async fn pause() {
    let victim = Arc::new(Victim::sleeping());
    let pid = victim.pid();
    // Running and sleeping is the same here: it goes on.
    let look = move || {
        let stopped = letter(pid) == 'T';
        format!("stopped: {stopped}")
    };
    Conformance::new(registry(), move || Pause::new().on(&Process::pid(pid)))
        .world(look)
        .foreign(move || {
            victim.signal("-STOP");
            eventually("stopped by somebody else", || letter(pid) == 'T');
            let victim = Arc::clone(&victim);
            move || victim.signal("-CONT")
        })
        .record("resource.continue_process", 1, CONTINUE_1)
        .run()
        .await;
}

#[tokio::test]
async fn cpu_burn() {
    let make = || CpuBurn::workers(2).load(5).on(&Host).allow_host();
    Conformance::new(registry(), make)
        .world(|| threads("chaos-cpu").len().to_string())
        .run()
        .await;
}

#[tokio::test]
async fn mem_fill() {
    let make = || MemFill::mib(8).on(&Host).allow_host();
    Conformance::new(registry(), make)
        .world(|| threads("chaos-mem").len().to_string())
        .run()
        .await;
}

#[tokio::test]
async fn disk_fill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    fs::write(path.join("theirs"), "stays").unwrap();
    let here = path.clone();
    let look = move || {
        let mut files: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .flatten()
            .map(|file| (file.file_name(), file.metadata().unwrap().len()))
            .collect();
        files.sort();
        format!("{files:?}")
    };
    let size = Size::Bytes(1 << 20);
    let make = move || DiskFill::size(&here, size).on(&Host).allow_host();
    Conformance::new(registry(), make)
        .world(look)
        .nothing_foreign("the file is named by a mark that only this injection has")
        .record("resource.remove_file", 1, REMOVE_1)
        .run()
        .await;
}

#[tokio::test]
async fn disk_burn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let here = path.clone();
    // The files have no name; the descriptors show where they are.
    let look = move || {
        let links = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let open =
            links.filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| to.starts_with(&path)));
        let names = fs::read_dir(&path).unwrap().count();
        format!("open {}, named {names}", open.count())
    };
    let make = move || {
        let burn = DiskBurn::in_dir(&here).mode(DiskMode::Both).workers(2);
        burn.size(Size::Bytes(1 << 20)).on(&Host).allow_host()
    };
    Conformance::new(registry(), make).world(look).run().await;
}
