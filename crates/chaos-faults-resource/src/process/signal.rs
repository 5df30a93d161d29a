//! Signals that end a process.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

/// A signal that ends a process, unless it is caught: `SIGTERM`, `term` or `15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// SIGHUP, 1: the terminal is gone; many daemons read their configuration again.
    Hup,
    /// SIGINT, 2: Ctrl-C.
    Int,
    /// SIGQUIT, 3: Ctrl-\, with a core dump.
    Quit,
    /// SIGABRT, 6: as `abort()` raises it, with a core dump.
    Abrt,
    /// SIGKILL, 9: cannot be caught.
    Kill,
    /// SIGUSR1, 10.
    Usr1,
    /// SIGSEGV, 11: as a wild pointer raises it, with a core dump.
    Segv,
    /// SIGUSR2, 12.
    Usr2,
    /// SIGTERM, 15: please end.
    Term,
}

impl Signal {
    const ALL: [(Self, &'static str, u8); 9] = [
        (Self::Hup, "SIGHUP", 1),
        (Self::Int, "SIGINT", 2),
        (Self::Quit, "SIGQUIT", 3),
        (Self::Abrt, "SIGABRT", 6),
        (Self::Kill, "SIGKILL", 9),
        (Self::Usr1, "SIGUSR1", 10),
        (Self::Segv, "SIGSEGV", 11),
        (Self::Usr2, "SIGUSR2", 12),
        (Self::Term, "SIGTERM", 15),
    ];

    #[cfg(target_os = "linux")]
    pub(super) const fn raw(self) -> rustix::process::Signal {
        use rustix::process::Signal as Raw;
        match self {
            Self::Hup => Raw::HUP,
            Self::Int => Raw::INT,
            Self::Quit => Raw::QUIT,
            Self::Abrt => Raw::ABORT,
            Self::Kill => Raw::KILL,
            Self::Usr1 => Raw::USR1,
            Self::Segv => Raw::SEGV,
            Self::Usr2 => Raw::USR2,
            Self::Term => Raw::TERM,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(signal, ..)| signal == self);
        f.write_str(name.map_or("", |(_, name, _)| name))
    }
}

impl FromStr for Signal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_uppercase();
        let short = name.strip_prefix("SIG").unwrap_or(&name);
        if matches!(short, "STOP" | "19" | "TSTP" | "20") {
            return Err(format!(
                "{text} stops a process rather than ends it; use process.pause"
            ));
        }
        let found = Self::ALL.iter().find(|(_, long, number)| {
            long.strip_prefix("SIG") == Some(short) || number.to_string() == short
        });
        found.map(|(signal, ..)| *signal).ok_or_else(|| {
            let known = Self::ALL.map(|(_, name, number)| format!("{name} ({number})"));
            format!(
                "`{text}` is not a signal that ends a process; known: {}",
                known.join(", ")
            )
        })
    }
}

impl<'de> Deserialize<'de> for Signal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Signal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a signal, such as \"SIGTERM\" or 15")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Signal, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Signal, E> {
                number.to_string().parse().map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Signal, E> {
                number.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Signal {
    fn schema_name() -> Cow<'static, str> {
        "signal".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Self::ALL.map(|(_, name, _)| name);
        json_schema!({ "type": ["string", "integer"], "format": "signal", "examples": names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_read_as_people_write_them() {
        for text in [r#""SIGKILL""#, r#""kill""#, r#""9""#, "9"] {
            assert_eq!(serde_json::from_str::<Signal>(text).unwrap(), Signal::Kill);
        }
        for (signal, name, _) in Signal::ALL {
            assert_eq!(signal.to_string(), name);
            assert_eq!(name.parse(), Ok(signal));
        }
    }

    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    #[test]
    fn numbers_are_those_of_the_kernel() {
        for (signal, _, number) in Signal::ALL {
            assert_eq!(signal.raw().as_raw(), i32::from(number));
        }
    }

    #[test]
    fn what_does_not_end_a_process_is_refused() {
        for (text, says) in [
            (r#""STOP""#, "process.pause"),
            ("19", "process.pause"),
            (r#""SIGCONT""#, "not a signal that ends"),
            ("0", "known: SIGHUP (1)"),
            ("-9", "known: SIGHUP (1)"),
            ("9.5", "SIGTERM"),
            (r#""""#, "not a signal that ends"),
        ] {
            let said = serde_json::from_str::<Signal>(text)
                .unwrap_err()
                .to_string();
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
