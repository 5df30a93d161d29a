//! What faults of both back ends need to be planned by the kernel; elsewhere than on Linux it refuses.

use crate::{
    netem::{Chance, LossModel, Netem},
    packets::Packets,
};
use chaos_core::{Context, FaultError, Needs, Plan, Site};

/// What emulation needs.
pub(crate) fn needs(site: &Site) -> Needs {
    #[cfg(target_os = "linux")]
    {
        crate::tc::needs("netem", site)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = site;
        Needs::none().linux()
    }
}

/// What losses need: the emulator, or packet filters that draw.
pub(crate) fn loss_needs(site: &Site) -> Needs {
    #[cfg(target_os = "linux")]
    if !crate::tc::has_netem() {
        return crate::partition::needs();
    }
    needs(site)
}

/// Plans losses for these packets, by packet filters where there is no emulator.
pub(crate) async fn plan_loss(
    chance: Chance,
    packets: &Packets,
    sites: &[Site],
    cx: &Context,
) -> Result<Plan, FaultError> {
    #[cfg(target_os = "linux")]
    if !crate::tc::has_netem() {
        return crate::partition::plan_losses(chance, packets, sites, cx).await;
    }
    let netem = Netem {
        loss: Some(LossModel::Random(chance)),
        ..Netem::default()
    };
    plan(&netem, packets, sites, cx).await
}

/// What a rate needs.
pub(crate) fn rate_needs(site: &Site) -> Needs {
    #[cfg(target_os = "linux")]
    {
        crate::tc::needs("tbf", site)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = site;
        Needs::none().linux()
    }
}

/// Plans emulation for these packets.
pub(crate) async fn plan(
    netem: &Netem,
    packets: &Packets,
    sites: &[Site],
    cx: &Context,
) -> Result<Plan, FaultError> {
    #[cfg(target_os = "linux")]
    {
        let leaf = crate::tc::Leaf::Netem(Box::new(netem.clone()));
        crate::tc::plan_on_interfaces(&netem.to_string(), &leaf, packets, sites, cx).await
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (netem, packets, cx);
        std::future::ready(elsewhere(sites)).await
    }
}

/// Plans a rate, in bytes per second, for these packets.
pub(crate) async fn plan_rate(
    rate: u64,
    packets: &Packets,
    sites: &[Site],
    cx: &Context,
) -> Result<Plan, FaultError> {
    #[cfg(target_os = "linux")]
    {
        let what = format!("at {}", chaos_core::units::Rate::bytes_per_second(rate));
        let leaf = crate::tc::Leaf::rate(rate);
        crate::tc::plan_on_interfaces(&what, &leaf, packets, sites, cx).await
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (rate, packets, cx);
        std::future::ready(elsewhere(sites)).await
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn elsewhere(sites: &[Site]) -> Result<Plan, FaultError> {
    let target = sites.first().map(ToString::to_string);
    Err(FaultError::unsupported(
        target.unwrap_or_default(),
        "there are network namespaces on Linux only; the in-process proxy works on every system",
    ))
}
