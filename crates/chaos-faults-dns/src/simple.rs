//! Faults that are told nothing but which queries.

/// A fault with its configuration, whose only field is `queries`, and the intensities that are a share of them.
macro_rules! simple_fault {
    (
        $(#[$fault_docs:meta])*
        fault $fault:ident;
        $(#[$config_docs:meta])*
        config $config:ident = $kind:literal;
        effect $effect:ident: $what:literal;
    ) => {
        $(#[$fault_docs])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $fault {
            queries: $crate::queries::Queries,
        }

        impl $fault {
            /// Hits every query.
            pub const fn new() -> Self {
                Self {
                    queries: $crate::queries::Queries::all(),
                }
            }

            /// Which queries are hit. Default: all.
            #[must_use]
            pub fn queries(mut self, queries: $crate::queries::Queries) -> Self {
                self.queries = queries;
                self
            }
        }

        #[chaos_core::async_trait]
        impl chaos_core::Fault for $fault {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn needs(&self, _: &chaos_core::Site) -> chaos_core::Needs {
                chaos_core::Needs::none()
            }

            async fn plan(
                &self,
                sites: &[chaos_core::Site],
                cx: &chaos_core::Context,
            ) -> Result<chaos_core::Plan, chaos_core::FaultError> {
                let effect: std::sync::Arc<dyn $crate::effect::Effect> =
                    std::sync::Arc::new($effect);
                let what = format!(concat!($what, " {}"), self.queries);
                $crate::proxy::plan_on_proxies(&effect, &self.queries, &what, sites, cx.seed())
            }
        }

        $(#[$config_docs])*
        #[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $config {
            /// Which queries. Default: all.
            #[serde(default)]
            pub queries: $crate::queries::Queries,
        }

        impl chaos_core::FaultConfig for $config {
            const KIND: &'static str = $kind;
            type Fault = $fault;
            const TARGETS: &'static [&'static str] = &["dns_proxy"];

            fn preset(
                intensity: chaos_core::Intensity,
            ) -> &'static [(&'static str, &'static str)] {
                use chaos_core::Intensity;
                match intensity {
                    Intensity::Light => &[("queries", r#"{"share":5}"#)],
                    Intensity::Medium => &[("queries", r#"{"share":15}"#)],
                    Intensity::Heavy => &[("queries", r#"{"share":30}"#)],
                    _ => &[],
                }
            }

            fn build(self) -> Result<$fault, chaos_core::ConfigError> {
                self.queries.check()?;
                Ok($fault {
                    queries: self.queries,
                })
            }
        }
    };
}

pub(crate) use simple_fault;
