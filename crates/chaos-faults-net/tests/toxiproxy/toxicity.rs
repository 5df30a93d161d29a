//! Which connections a toxic hits.

use crate::world::{Api, connect, echo, ending, listens, ping};
use chaos_faults_net::toxiproxy::Server;
use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// Which of thirty connections that are there already a toxic of one half hits, after it was touched so often.
async fn hit(seed: u64, name: &str, touches: usize) -> Vec<bool> {
    let api = Api::with(Server::new().seed(seed)).await;
    let at = api.proxy("p", echo());
    let client = |_| {
        let mut client = connect(at);
        // By then it has its number: they are counted in this order.
        ping(&mut client).unwrap();
        client
    };
    let mut clients: Vec<_> = (0..30).map(client).collect();
    // It closes whom it hits, and lets the others have their echo.
    api.add(&format!(
        r#""type":"limit_data","name":"{name}","toxicity":0.5"#
    ));
    for _ in 0..touches {
        api.change(name, "");
    }
    let is_hit = |client: &mut TcpStream| {
        client.write_all(b"x").unwrap();
        client.read(&mut [0]).unwrap() == 0
    };
    clients.iter_mut().map(is_hit).collect()
}

#[tokio::test]
async fn a_share_of_the_connections_is_hit_and_drawn_anew_when_the_toxic_is_touched() {
    let drawn = [
        hit(1, "t", 0).await,
        hit(1, "t", 1).await,
        hit(1, "t", 2).await,
    ];
    for drawn in &drawn {
        let count = drawn.iter().filter(|hit| **hit).count();
        assert!((6..=24).contains(&count), "{drawn:?}");
    }
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2], "{drawn:?}");
}

#[tokio::test]
async fn the_same_seed_and_the_same_calls_hit_the_same_connections() {
    for touches in [0, 1] {
        let one = hit(7, "t", touches).await;
        assert_eq!(one, hit(7, "t", touches).await);
        assert_ne!(one, hit(8, "t", touches).await);
        assert_ne!(one, hit(7, "u", touches).await, "each draws for itself");
    }
}

#[tokio::test]
async fn nobody_is_hit_from_zero_down_and_everybody_from_one_up() {
    let api = Api::start().await;
    let at = api.proxy("p", echo());
    for (toxicity, hits) in [("0", false), ("-1", false), ("1", true), ("7.5", true)] {
        api.add(&format!(
            r#""type":"limit_data","name":"t","toxicity":{toxicity}"#
        ));
        for _ in 0..10 {
            let mut client = connect(at);
            match hits {
                true => {
                    client.write_all(b"x").unwrap();
                    assert_eq!(ending(&mut client), (vec![], None));
                }
                false => drop(ping(&mut client).unwrap()),
            }
        }
        api.remove("t");
    }
}

#[tokio::test]
async fn a_proxy_that_takes_the_place_of_another_draws_anew() {
    let api = Api::with(Server::new().seed(1)).await;
    for populated in [false, true] {
        let mut hits = 0;
        for _ in 0..30 {
            let at = match populated {
                true => {
                    let proxy = format!(
                        r#"[{{"name":"p","listen":"127.0.0.1:0","upstream":"{}"}}]"#,
                        echo()
                    );
                    api.must(201, "POST", "/populate", &proxy);
                    listens(&api.must(200, "GET", "/proxies/p", ""))
                }
                false => api.proxy("p", echo()),
            };
            api.add(r#""type":"limit_data","name":"t","toxicity":0.5"#);
            let mut client = connect(at);
            client.write_all(b"x").unwrap();
            hits += usize::from(client.read(&mut [0]).unwrap() == 0);
            if !populated {
                api.call("DELETE", "/proxies/p", "");
            }
        }
        assert!((5..=25).contains(&hits), "{populated}: {hits}");
    }
}
