//! The dependency: a TCP server that answers a line with a number.

use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Answers every line with how many of that article are in stock. Dropping it ends it.
#[derive(Debug)]
pub struct Stock {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Stock {
    /// Listens on a free port.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut article = String::new();
    while stream.read_line(&mut article).await? > 0 {
        let count = article.trim().bytes().map(u32::from).sum::<u32>() % 100;
        stream
            .get_mut()
            .write_all(format!("{count}\n").as_bytes())
            .await?;
        article.clear();
    }
    Ok(())
}
