//! One connection that is kept while it can be used again.

use super::Endpoint;
use crate::load::Class;
use bytes::Bytes;
use http::{Request, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::{error::Error, io, net::IpAddr};
use tokio::{net::TcpStream, task::JoinHandle};

/// The status of an answer that was read to its end, or why there is none.
pub(crate) type Reply = Result<u16, Class>;

/// One connection that is kept while it can be used again. Dropping it closes it.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    _driver: Driver,
}

/// The task that moves the bytes; it ends with the connection.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Sends a request, connecting before if need be, and reads the answer to its end, up to `most` bytes of
    /// body, keeping none of them.
    ///
    /// A request is sent at most once: when a kept connection breaks under it, that is the answer.
    pub(crate) async fn send(
        &mut self,
        endpoint: &Endpoint,
        mut request: Request<Full<Bytes>>,
        most: u64,
    ) -> Reply {
        *request.uri_mut() = endpoint.target.clone();
        if !request.headers().contains_key(HOST)
            && let Ok(host) = endpoint.authority.parse()
        {
            request.headers_mut().insert(HOST, host);
        }
        let mut open = match self.reusable().await {
            Some(open) => open,
            None => Open::new(endpoint).await?,
        };
        let mut response = open
            .sender
            .send_request(request)
            .await
            .map_err(|e| class_of(&e))?;
        let status = response.status().as_u16();
        let mut read = 0;
        while let Some(frame) = response.body_mut().frame().await {
            let frame = frame.map_err(|e| class_of(&e))?;
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
            if read > most {
                return Err(Class::BadBody);
            }
        }
        self.open = Some(open);
        Ok(status)
    }

    /// The kept connection, unless the other side has closed it.
    async fn reusable(&mut self) -> Option<Open> {
        let mut open = self.open.take()?;
        open.sender.ready().await.is_ok().then_some(open)
    }
}

impl Open {
    async fn new(endpoint: &Endpoint) -> Result<Self, Class> {
        let stream = connect(&endpoint.host, endpoint.port)
            .await
            .map_err(|e| e.0)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| class_of(&e))?;
        let driver = Driver(tokio::spawn(async move {
            // Its error reaches the request that it broke.
            connection.await.ok();
        }));
        Ok(Self {
            sender,
            _driver: driver,
        })
    }
}

/// Connects to the first address of `host` that accepts.
pub(crate) async fn connect(host: &str, port: u16) -> Result<TcpStream, (Class, io::Error)> {
    let addresses: Vec<_> = match host.parse::<IpAddr>() {
        Ok(ip) => vec![(ip, port).into()],
        Err(_) => tokio::net::lookup_host((host, port))
            .await
            .map_err(|e| (Class::Dns, e))?
            .collect(),
    };
    let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut last = (Class::Dns, none());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it small requests wait for the acknowledgement of the ones before.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Err(e) => last = (class_of_io(&e), e),
        }
    }
    Err(last)
}

fn class_of(error: &hyper::Error) -> Class {
    if error.is_parse() {
        return Class::BadBody;
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return match io.kind() {
                // hyper's word for a malformed chunk or length.
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Class::BadBody,
                _ => class_of_io(io),
            };
        }
        source = error.source();
    }
    Class::Reset
}

fn class_of_io(error: &io::Error) -> Class {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Class::Refused,
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => Class::Unreachable,
        Kind::TimedOut => Class::Timeout,
        // Our own ports.
        Kind::AddrNotAvailable | Kind::AddrInUse => Class::Unsent,
        _ if out_of_descriptors(error) => Class::Unsent,
        _ => Class::Reset,
    }
}

/// EMFILE and ENFILE, which std has no kind for; WSAEMFILE on Windows.
fn out_of_descriptors(error: &io::Error) -> bool {
    let codes: &[i32] = if cfg!(windows) { &[10024] } else { &[23, 24] };
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}
