//! The encoder itself: what cannot be seen through a fault, whose names nobody can guess.

use super::world::Space;
use crate::{
    netlink::{Family, Netlink},
    nft::{Nft, Table},
    packets::{Packets, Traffic},
};
use std::io::ErrorKind;

pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_table_is_made_once", made_once),
    ("a_table_comes_and_goes_whole", comes_and_goes),
    ("a_deleted_table_is_not_taken_for_its_successor", successor),
];

fn table(name: &str, networks: &[&str]) -> Table {
    Table {
        name: name.to_owned(),
        networks: networks.iter().map(|n| n.parse().unwrap()).collect(),
        traffic: Traffic::Both,
        loopback: false,
        packets: Packets::default(),
        share: None,
        new_only: false,
        reject: false,
    }
}

fn made_once() {
    let space = Space::new();
    let (nft, other) = space.run(|| (Nft::open().unwrap(), Nft::open().unwrap()));
    let cookie = || Netlink::open(Family::Route).unwrap().cookie().unwrap();
    assert_eq!(space.run(cookie), space.run(cookie));
    assert_ne!(space.run(cookie), cookie());
    nft.add(&table("chaos-1", &["10.0.0.0/8", "fd00::1"]))
        .unwrap();
    let before = space.ruleset();
    let error = other.add(&table("chaos-1", &[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(space.ruleset() == before);
}

fn comes_and_goes() {
    let space = Space::new();
    let nft = space.run(|| Nft::open().unwrap());
    let before = space.ruleset();
    // A name that is too long for a table: the first message fails.
    nft.add(&table(&"x".repeat(300), &[])).unwrap_err();
    assert!(space.ruleset() == before);
    nft.add(&table("chaos-1", &[])).unwrap();
    assert!(space.ruleset() != before);
    let found = nft.find("chaos-1").unwrap().unwrap();
    nft.delete(&found).unwrap();
    assert!(space.ruleset() == before);
    assert_eq!(nft.find("chaos-1").unwrap(), None);
}

fn successor() {
    let space = Space::new();
    let nft = space.run(|| Nft::open().unwrap());
    nft.add(&table("chaos-1", &[])).unwrap();
    let old = nft.find("chaos-1").unwrap().unwrap();
    nft.delete(&old).unwrap();
    nft.add(&table("chaos-1", &["10.0.0.1"])).unwrap();
    let before = space.ruleset();
    assert_eq!(nft.delete(&old).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(space.ruleset() == before);
}
