//! What the queues of all connections take.

use super::{put, until};
use crate::{Direction, Latency, proxy::in_all::Share};
use chaos_core::Held;
use std::{
    io::{Read, Write},
    net::Shutdown,
    thread,
    time::Duration,
};

#[tokio::test]
async fn many_slow_connections_take_no_more_than_there_is_for_all() {
    let hour = Latency::new(Duration::from_secs(3600)).direction(Direction::Upstream);
    let mut all = Vec::new();
    for _ in 0..4 {
        let (proxy, mut client, server) = super::connection().await;
        let slow = put(&proxy, hour.clone());
        let patience = Some(Duration::from_millis(300));
        client.set_write_timeout(patience).unwrap();
        // Each may have 60 MiB.
        let mut said = 0;
        while said < 80 << 20
            && let Ok(written) = client.write(&[7; 1 << 16])
        {
            said += written;
        }
        all.push((proxy, slow, client, server, said));
    }
    let taken = Share::in_all();
    // One block more may have been read by each that was asked at the same time.
    let most = Share::ALL + (16 << 16);
    assert!(taken > Share::ALL / 2 && taken < most, "{taken}");
    let mut readers = Vec::new();
    for (proxy, slow, client, mut server, said) in all {
        slow.release().unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        readers.push(thread::spawn(move || {
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).unwrap();
            assert_eq!(heard.len(), said);
            drop((proxy, client));
        }));
    }
    for reader in readers {
        reader.join().unwrap();
    }
    until("all is given back", || Share::in_all() == 0);
}
