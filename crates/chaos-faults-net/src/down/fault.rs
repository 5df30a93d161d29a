//! `net.down` as it is planned.

use crate::{PacketsConfig, scope};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site, async_trait,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// An interface is down: `net.down`.
///
/// # What breaks
/// Nothing goes out of the interface or comes in; connections hang until their timeouts, and new ones fail at once when
/// there is no other way.
///
/// # What it needs
/// Linux 5.14 or newer, `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`. When the target is in the network namespace of the host, the
/// fault has host reach and needs `allow_host`.
///
/// # What is changed on the host
/// The interface is set down, as by `ip link set NAME down`. With that the kernel forgets the routes through it, its
/// IPv6 addresses, and the neighbours that were set by hand (permanent ones, and ones that the host answers for).
///
/// # How it is undone
/// The interface is set up, and the permanent IPv6 addresses, the routes and the neighbours that it had are made again, in the
/// order in which they were, as far as they are not there. Addresses and routes that came by router advertisements come
/// again by them. A route with several ways (multipath) is not made again.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "interface": "eth0" }"#)?;
/// registry.fault("net.down", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities: down is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    interface: String,
}

impl Down {
    /// The interface of this name.
    pub fn interface(name: impl Into<String>) -> Self {
        Self {
            interface: name.into(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let packets = PacketsConfig {
            interface: Some(self.interface.clone()),
            ..PacketsConfig::default()
        };
        packets.read().map(drop)
    }
}

#[async_trait]
impl Fault for Down {
    fn kind(&self) -> &'static str {
        DownConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        let needs = Needs::none().linux();
        #[cfg(target_os = "linux")]
        let needs = needs
            .capability(chaos_core::Capability::NetAdmin)
            .capability(chaos_core::Capability::SysAdmin);
        needs
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        #[cfg(target_os = "linux")]
        {
            let (spaces, mut plan) = crate::netns::spaces(sites, cx, Plan::new()).await?;
            for space in spaces {
                plan = plan.then(super::set_down::SetDown::plan(space, &self.interface, cx).await?);
            }
            Ok(plan)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = cx;
            std::future::ready(crate::emulate::elsewhere(sites)).await
        }
    }
}

/// Sets an interface of a network namespace down.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DownConfig {
    /// The interface, such as eth0.
    pub interface: String,
}

impl FaultConfig for DownConfig {
    const KIND: &'static str = "net.down";
    type Fault = Down;
    const TARGETS: &'static [&'static str] = scope::KERNEL;
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("interface", "eth0")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Down, ConfigError> {
        let down = Down::interface(self.interface);
        down.check()?;
        Ok(down)
    }
}
