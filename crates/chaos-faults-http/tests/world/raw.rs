//! An upstream and a client that say bytes, for what no library says.

use super::{until, within};
use chaos_faults_http::HttpProxy;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// An upstream that says the same on every connection as soon as it has read a certain text. Dropping it stops it.
pub(crate) struct Raw {
    pub(crate) proxy: HttpProxy,
    heard: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Raw {
    /// Answers a head.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::answering_at("\r\n\r\n", answer).await
    }

    /// Answers when it has read `at`.
    pub(crate) async fn answering_at(at: &'static str, answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let mine = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (heard, answer) = (Arc::clone(&mine), Arc::clone(&answer));
                tokio::spawn(async move {
                    let (mut said, mut answered) = (Vec::new(), false);
                    while let Ok(1..) = stream.read_buf(&mut said).await {
                        heard.lock().unwrap().clone_from(&said);
                        if !answered && String::from_utf8_lossy(&said).contains(at) {
                            answered = true;
                            stream.write_all(&answer).await.unwrap();
                        }
                    }
                });
            }
        });
        Self {
            proxy: HttpProxy::in_front_of(upstream).await.unwrap(),
            heard,
            task,
        }
    }

    /// What it has read of the last connection on which something came.
    pub(crate) fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }

    pub(crate) async fn hears(&self, text: &str) {
        until(text, || self.heard().contains(text)).await;
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Says this to a proxy and reads until it ends the connection.
pub(crate) async fn say(proxy: &HttpProxy, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(bytes.as_ref()).await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}
