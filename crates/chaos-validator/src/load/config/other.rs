//! What is not HTTP, as it stands in a file.

use super::pace::{Pacing, Ramp, Step};
use crate::load::{RequestRate, TcpLoad};
use chaos_core::{
    ConfigError,
    schemars::{self, JsonSchema},
    units::Time,
};
use serde::Deserialize;
use std::fmt;

/// A configuration with the fields of every load, and what it makes.
macro_rules! load_config {
    (
        $(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }
        shows $($shown:ident),*; makes $load:ty: |$config:ident| $make:expr
    ) => {
        $(#[$meta])*
        #[derive(Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(crate = "schemars")]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            /// How many per second: `200/s`. Default 50/s.
            #[serde(default)]
            pub rate: Option<RequestRate>,
            /// Evenly from one rate to another, in place of `rate`.
            #[serde(default)]
            pub ramp: Option<Ramp>,
            /// One rate after the other, in place of `rate`.
            #[serde(default)]
            pub steps: Option<Vec<Step>>,
            /// After what time one is given up. Default 2s.
            #[serde(default)]
            pub timeout: Option<Time>,
            /// After what time an answer is bad, though it is waited for. Default: only after the timeout.
            #[serde(default)]
            pub slow_is_bad: Option<Time>,
            /// How many may be under way. Default: as many as the highest rate needs with its timeout, 64 to 4,096.
            #[serde(default)]
            pub slots: Option<usize>,
        }

        impl $name {
            /// Checks ranges and makes the load.
            ///
            /// # Errors
            /// A value out of range, with the field and what is allowed.
            pub fn build(self) -> Result<$load, ConfigError> {
                let $config = self;
                let pacing = Pacing {
                    rate: $config.rate,
                    ramp: $config.ramp,
                    steps: $config.steps,
                    timeout: $config.timeout,
                    slow_is_bad: $config.slow_is_bad,
                    slots: $config.slots,
                };
                pacing.apply($make)
            }
        }

        /// Without what may be secret.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($shown), &self.$shown))*
                    .field("rate", &self.rate)
                    .field("timeout", &self.timeout)
                    .field("slots", &self.slots)
                    .finish_non_exhaustive()
            }
        }
    };
}

load_config! {
    /// TCP connections, or questions with their answers, as they stand in a file.
    TcpLoadConfig {
        /// Where to: `host:port`.
        address: String,
        /// What is said, on a kept connection. Without it the connection is closed once it is made.
        #[serde(default)]
        say: Option<String>,
        /// How the answer begins; what comes after is thrown away.
        #[serde(default)]
        expect: Option<String>,
    }
    shows address;
    makes TcpLoad: |config| match (config.say, config.expect) {
        (None, None) => TcpLoad::connect(config.address),
        (Some(say), Some(expect)) => TcpLoad::ask(config.address, say, expect),
        (Some(_), None) => return Err(ConfigError::field("expect", "is missing")),
        (None, Some(_)) => return Err(ConfigError::field("say", "is missing")),
    }
}

#[cfg(feature = "redis")]
load_config! {
    /// Commands to a Redis, as they stand in a file.
    RedisLoadConfig {
        /// Which: `redis://user:password@host:port/database`.
        url: String,
        /// The command and its arguments: `[GET, basket:7]`.
        command: Vec<String>,
    }
    shows;
    makes crate::load::RedisLoad: |config| crate::load::RedisLoad::command(config.url, config.command)
}

#[cfg(feature = "postgres")]
load_config! {
    /// Queries to a PostgreSQL, as they stand in a file.
    PostgresLoadConfig {
        /// Which: `host=127.0.0.1 user=app dbname=shop`, or `postgresql://app@127.0.0.1/shop`.
        server: String,
        /// The query.
        query: String,
    }
    shows;
    makes crate::load::PostgresLoad: |config| crate::load::PostgresLoad::query(config.server, config.query)
}
