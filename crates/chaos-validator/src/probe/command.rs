//! What a program says.

use super::value::{JsonPath, ReadAs, text, within};
use async_trait::async_trait;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
    units::Time,
};
use serde::Deserialize;
use std::{
    fmt,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

/// The longest output that is read.
const LONGEST_OUTPUT: u64 = 64 << 10;
/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs a program, without a shell, and sees its exit code or its output.
///
/// At the timeout it is killed with all processes of its group.
pub struct CommandProbe {
    program: String,
    arguments: Vec<String>,
    look: Look,
    timeout: Duration,
}

#[derive(Debug)]
enum Look {
    ExitCode,
    Output(ReadAs),
    Json(JsonPath),
}

impl CommandProbe {
    /// Runs a program with arguments; the value is its exit code as a number. Timeout 5 s.
    pub fn run(
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            look: Look::ExitCode,
            timeout: TIMEOUT,
        }
    }

    /// The value is what it writes to its standard output, at most 64 KiB. Another exit code than 0 is an error.
    #[must_use]
    pub fn output(mut self, read_as: ReadAs) -> Self {
        self.look = Look::Output(read_as);
        self
    }

    /// The value is the one that this JSONPath leads to in its output.
    ///
    /// # Errors
    /// Not a JSONPath, or this crate is built without the feature `jsonpath`.
    pub fn json(mut self, path: &str) -> Result<Self, ConfigError> {
        self.look = Look::Json(JsonPath::parse(path)?);
        Ok(self)
    }

    /// Gives up after so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn see(&self, running: &mut Running) -> Result<Value, BoxError> {
        let mut output = Vec::new();
        // Read first: a process that was not waited for keeps its pid, so the guard kills no one else.
        if let Some(stdout) = running.child.stdout.take() {
            let mut stdout = stdout.take(LONGEST_OUTPUT + 1);
            stdout.read_to_end(&mut output).await?;
            if output.len() as u64 > LONGEST_OUTPUT {
                return Err("has written more than 64 KiB".into());
            }
        }
        let status = running.child.wait().await?;
        running.over = true;
        let code = code(status)?;
        match &self.look {
            Look::ExitCode => Ok(Value::Number(f64::from(code))),
            _ if code != 0 => Err(format!("ended with exit code {code}").into()),
            Look::Output(read_as) => read_as.value(&text(output)?),
            Look::Json(path) => path.value(&output),
        }
    }
}

/// Without arguments, which may be secret.
impl fmt::Debug for CommandProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandProbe")
            .field("program", &self.program)
            .field("look", &self.look)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Probe for CommandProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        let failed =
            |why: &dyn fmt::Display| -> BoxError { format!("{}: {why}", self.program).into() };
        let stdout = match self.look {
            Look::ExitCode => Stdio::null(),
            _ => Stdio::piped(),
        };
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::null())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|e| failed(&e))?;
        let mut running = Running { child, over: false };
        match tokio::time::timeout(self.timeout, self.see(&mut running)).await {
            Ok(seen) => seen.map_err(|e| failed(&e)),
            Err(_) => Err(failed(&format!("has not ended within {:?}", self.timeout))),
        }
    }
}

/// A child that ends, with its group, when nobody waits for it any more.
struct Running {
    child: Child,
    over: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let (false, Some(group)) = (self.over, self.child.id()) {
            let group = i32::try_from(group)
                .ok()
                .and_then(rustix::process::Pid::from_raw);
            if let Some(group) = group {
                rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
            }
        }
    }
}

fn code(status: ExitStatus) -> Result<i32, BoxError> {
    status
        .code()
        .ok_or_else(|| format!("was ended by a signal: {status}").into())
}

/// What a program says: its exit code, or its output.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct CommandProbeConfig {
    /// The program and its arguments: `[pg_isready, -h, db]`. There is no shell between.
    #[schemars(length(min = 1))]
    pub run: Vec<String>,
    /// The value is what it writes to its standard output, at most 64 KiB, and not its exit code, which must then be 0.
    #[serde(default)]
    pub output: bool,
    /// What the output is taken for. Default text.
    #[serde(default)]
    pub read: Option<ReadAs>,
    /// The value is the one that this JSONPath leads to in the output: `$.status`.
    #[serde(default)]
    pub json: Option<String>,
    /// After what time it is killed, with its process group. Default 5s.
    #[serde(default)]
    pub timeout: Option<Time>,
}

/// Without arguments, which may be secret.
impl fmt::Debug for CommandProbeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandProbeConfig")
            .field("program", &self.run.first())
            .finish_non_exhaustive()
    }
}

impl ProbeConfig for CommandProbeConfig {
    const KIND: &'static str = "command";
    type Probe = CommandProbe;

    fn build(self) -> Result<CommandProbe, ConfigError> {
        let mut words = self.run.into_iter();
        let program = words
            .next()
            .filter(|program| !program.trim().is_empty())
            .ok_or_else(|| ConfigError::field("run", "has no program"))?;
        let mut probe = CommandProbe::run(program, words).timeout(within(self.timeout, TIMEOUT)?);
        match (self.output, self.read, &self.json) {
            (_, None, Some(path)) => probe = probe.json(path)?,
            (_, Some(_), Some(_)) => {
                return Err(ConfigError::field("read", "is said by `json`, too"));
            }
            (false, Some(_), None) => {
                return Err(ConfigError::field("read", "is for `output: true`"));
            }
            (true, read, None) => probe = probe.output(read.unwrap_or_default()),
            (false, None, None) => {}
        }
        Ok(probe)
    }
}
