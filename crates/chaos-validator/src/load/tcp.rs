//! Plain TCP.

use super::{Answer, Class, OpenLoop, Traffic, Work};
use crate::client::{class_of_io, connect, host_and_port};
use bytes::Bytes;
use chaos_core::ConfigError;
use std::{fmt, io};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Connects, or says something on a kept connection and waits for the answer, when it is due (an open loop).
///
/// Who connects anew for each request fills the target's accept queue while it is stuck; what finds no place there is sent
/// again after a second, and looks like a second outage. On a kept connection that does not happen.
///
/// ```
/// use chaos_validator::TcpLoad;
/// let load = TcpLoad::ask("127.0.0.1:11211", "version\r\n", "VERSION ").rate(20.0);
/// # load.check().unwrap();
/// ```
pub type TcpLoad = OpenLoop<TcpTraffic>;

/// Connections, or questions with their answers.
#[derive(Clone)]
pub struct TcpTraffic {
    address: String,
    question: Option<(Bytes, Bytes)>,
}

impl OpenLoop<TcpTraffic> {
    /// Connects to `host:port` and closes the connection.
    pub fn connect(address: impl Into<String>) -> Self {
        Self::of(TcpTraffic {
            address: address.into(),
            question: None,
        })
    }

    /// Says `question` and reads as many bytes as `answer` has; they must be those. What comes after them is thrown away.
    pub fn ask(
        address: impl Into<String>,
        question: impl Into<Bytes>,
        answer: impl Into<Bytes>,
    ) -> Self {
        Self::of(TcpTraffic {
            address: address.into(),
            question: Some((question.into(), answer.into())),
        })
    }
}

/// Without what is said, which may be secret.
impl fmt::Debug for TcpTraffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpTraffic")
            .field("traffic", &self.describe())
            .finish_non_exhaustive()
    }
}

impl Traffic for TcpTraffic {
    type Work = TcpWork;

    fn describe(&self) -> String {
        let what = match self.question {
            Some(_) => "questions to",
            None => "connections to",
        };
        format!("{what} tcp://{}", self.address)
    }

    fn endpoints(&self) -> Vec<String> {
        Vec::new()
    }

    fn prepare(&self) -> Result<TcpWork, ConfigError> {
        let (host, port) = host_and_port(&self.address)?;
        if let Some((question, answer)) = &self.question {
            for (field, bytes) in [("say", question), ("expect", answer)] {
                if bytes.is_empty() {
                    return Err(ConfigError::field(field, "is empty"));
                }
            }
        }
        Ok(TcpWork {
            host,
            port,
            question: self.question.clone(),
        })
    }
}

/// Connections or questions that are ready to be made.
#[derive(Debug)]
pub struct TcpWork {
    host: String,
    port: u16,
    question: Option<(Bytes, Bytes)>,
}

impl Work for TcpWork {
    /// The kept connection.
    type Slot = Option<TcpStream>;

    fn slot(&self) -> Option<TcpStream> {
        None
    }

    fn endpoint(&self, _: u64) -> usize {
        0
    }

    async fn exchange(&self, _: usize, kept: &mut Option<TcpStream>) -> Answer {
        let stream = match kept.take().filter(nothing_is_left) {
            Some(stream) => Ok(stream),
            None => connect(&self.host, self.port).await.map_err(|e| e.0),
        };
        match (stream, &self.question) {
            (Err(class), _) => Answer::of(class),
            (Ok(_), None) => Answer::of(Class::Ok),
            (Ok(mut stream), Some((question, answer))) => {
                match ask(&mut stream, question, answer.len()).await {
                    Ok(said) if said == *answer => {
                        *kept = Some(stream);
                        Answer::of(Class::Ok)
                    }
                    Ok(_) => Answer::of(Class::BadBody),
                    Err(error) => Answer::of(class_of_io(&error)),
                }
            }
        }
    }
}

/// Throws away what an answer had beyond what was expected. No, when the other side has closed.
fn nothing_is_left(stream: &TcpStream) -> bool {
    let mut rest = [0; 1024];
    loop {
        match stream.try_read(&mut rest) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

async fn ask(stream: &mut TcpStream, question: &[u8], len: usize) -> io::Result<Vec<u8>> {
    stream.write_all(question).await?;
    let mut answer = vec![0; len];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
