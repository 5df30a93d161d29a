//! A real nginx.

use super::{Server, connects, directory, find, text};
use chaos_core::BoxError;
use nix::sys::signal::Signal;
use std::{
    fs,
    ops::{Deref, DerefMut},
    path::PathBuf,
};

/// An `nginx` that serves a small JSON document and a file, over HTTP/1.1.
#[derive(Debug)]
pub struct Nginx(Server);

impl Nginx {
    /// Starts one.
    ///
    /// # Errors
    /// There is no `nginx`, or it does not start.
    pub async fn start() -> Result<Self, BoxError> {
        let program = find("nginx", vec![PathBuf::from("/usr/sbin")], "nginx-light")?;
        let dir = directory()?;
        let path = text(dir.path());
        let arguments = |port: u16| {
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .iter()
                .map(|name| format!("{name}_temp_path {path}/{name};\n"))
                .collect();
            let configuration = format!(
                "daemon off; master_process off; pid {path}/pid; error_log stderr; events {{}}
                http {{
                    access_log {path}/access;
                    {temporary}
                    server {{
                        listen 127.0.0.1:{port};
                        location / {{
                            default_type application/json;
                            return 200 '{{\"left\":3,\"name\":\"nut\"}}';
                        }}
                    }}
                }}"
            );
            let file = format!("{path}/{port}.conf");
            // Without it nginx says so.
            fs::write(&file, configuration).ok();
            ["-p", &path, "-e", "stderr", "-c", &file]
                .map(str::to_owned)
                .to_vec()
        };
        let server = Server::start(dir, &program, Signal::SIGTERM, arguments, connects);
        Ok(Self(server.await?))
    }

    /// How many requests it has answered.
    pub fn answered(&self) -> usize {
        fs::read_to_string(self.0.dir().join("access")).map_or(0, |log| log.lines().count())
    }
}

impl Deref for Nginx {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl DerefMut for Nginx {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.0
    }
}
