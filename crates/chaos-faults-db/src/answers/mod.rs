//! Whether a database answers.

mod postgres;
mod redis;
mod tcp;

use crate::Protocol;
use chaos_core::{BoxError, Ready, async_trait};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// A database that answers in its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) protocol: Protocol,
    pub(crate) address: String,
}

#[async_trait]
impl Ready for Answers {
    fn describe(&self) -> String {
        let how = match self.protocol {
            Protocol::Tcp => "accepts connections",
            Protocol::Postgres => "answers as PostgreSQL",
            Protocol::Redis => "answers as Redis",
        };
        format!("{} {how}", self.address)
    }

    async fn ready(&self) -> Result<(), BoxError> {
        timeout(PATIENCE, self.ask())
            .await
            .map_err(|_| format!("no answer within {PATIENCE:?}"))?
    }
}

impl Answers {
    async fn ask(&self) -> Result<(), BoxError> {
        let mut stream = TcpStream::connect(&self.address).await?;
        match self.protocol {
            Protocol::Tcp => tcp::ask(&mut stream).await,
            Protocol::Postgres => postgres::ask(&mut stream).await,
            Protocol::Redis => redis::ask(&mut stream).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::net::TcpListener;

    /// What a server does with a connection, after the first bytes came.
    #[derive(Debug, Clone, Copy)]
    enum Server {
        Says(&'static [u8]),
        /// In pieces, with a pause after each byte.
        Dribbles(&'static [u8]),
        Closes,
        Keeps,
    }

    async fn serve(server: Server) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut client, _)) = listener.accept().await {
                match server {
                    Server::Closes => drop(client),
                    Server::Keeps => kept.push(client),
                    Server::Says(answer) | Server::Dribbles(answer) => {
                        client.read_buf(&mut Vec::new()).await.ok();
                        let pause = matches!(server, Server::Dribbles(_));
                        for piece in answer.chunks(if pause { 1 } else { 512 }) {
                            client.write_all(piece).await.ok();
                            client.flush().await.ok();
                            if pause {
                                tokio::time::sleep(Duration::from_millis(2)).await;
                            }
                        }
                        kept.push(client);
                    }
                }
            }
        });
        address
    }

    async fn said(protocol: Protocol, server: Server) -> Result<(), String> {
        let address = serve(server).await;
        let answers = Answers { protocol, address };
        let start = Instant::now();
        let answer = answers.ready().await;
        assert!(start.elapsed() < PATIENCE * 4, "{answers:?}");
        answer.map_err(|error| error.to_string())
    }

    /// What PostgreSQL says: an error with this SQLSTATE.
    macro_rules! pg_error {
        ($code:literal) => {
            concat!("E\0\0\0\x23SFATAL\0C", $code, "\0Mnot now, sorry\0\0").as_bytes()
        };
    }

    #[tokio::test]
    async fn databases_answer() {
        use Protocol::{Postgres, Redis, Tcp};
        use Server::{Dribbles, Keeps, Says};
        for (protocol, server) in [
            (Tcp, Keeps),
            (Redis, Says(b"+PONG\r\n")),
            (Redis, Dribbles(b"+PONG\r\n")),
            (Redis, Says(b"-NOAUTH Authentication required.\r\n")),
            (Redis, Says(b"-ERR unknown command\r\n")),
            (Postgres, Says(b"R\0\0\0\x08\0\0\0\x0a")),
            (Postgres, Dribbles(pg_error!("28000"))),
            (Postgres, Says(pg_error!("53300"))),
        ] {
            said(protocol, server)
                .await
                .unwrap_or_else(|e| panic!("{protocol:?} {server:?}: {e}"));
        }
    }

    #[tokio::test]
    async fn databases_that_do_not_work_yet() {
        use Protocol::{Postgres, Redis, Tcp};
        use Server::{Closes, Dribbles, Keeps, Says};
        for (protocol, server, expected) in [
            (Tcp, Closes, "closed"),
            (Redis, Closes, ""),
            (Redis, Keeps, "no answer"),
            (Redis, Says(b"-LOADING Redis is loading\r\n"), "LOADING"),
            (Redis, Dribbles(b"-LOADING Redis is loading\r\n"), "LOADING"),
            (Redis, Says(b"-BUSY Redis is busy\r\n"), "BUSY"),
            (Redis, Says(b"-MASTERDOWN Link\r\n"), "MASTERDOWN"),
            (Redis, Says(b"HTTP/1.1 400 Bad Request\r\n"), "not Redis"),
            (Redis, Says(b"+PO"), "no answer"),
            (Redis, Says(&[b'+'; 512]), "not Redis"),
            (Postgres, Closes, ""),
            (Postgres, Keeps, "no answer"),
            (Postgres, Says(pg_error!("57P03")), "57P03"),
            (Postgres, Dribbles(pg_error!("57P03")), "57P03"),
            (Postgres, Says(b"HTTP/1.1 400 Bad"), "not PostgreSQL"),
            (Postgres, Says(b"E\xff\xff\xff\xff"), "not PostgreSQL"),
            (Postgres, Says(b"R\0"), "no answer"),
        ] {
            let error = said(protocol, server).await.unwrap_err();
            assert!(error.contains(expected), "{protocol:?} {server:?}: {error}");
        }
    }

    #[tokio::test]
    async fn nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        for protocol in [Protocol::Tcp, Protocol::Postgres, Protocol::Redis] {
            let address = address.clone();
            Answers { protocol, address }.ready().await.unwrap_err();
        }
    }
}
