//! `net.partition`: a namespace is cut off.

mod config;
mod fault;
mod network;
#[cfg(target_os = "linux")]
mod plan;
#[cfg(target_os = "linux")]
mod table;

pub use config::PartitionConfig;
pub use fault::Partition;
pub(crate) use network::Network;
#[cfg(target_os = "linux")]
pub(crate) use plan::{addresses_of, look_up, plan_losses, plan_table};
#[cfg(target_os = "linux")]
pub(crate) use table::{AddTable, DelTable};

/// What packet filters need.
pub(crate) fn needs() -> chaos_core::Needs {
    let needs = chaos_core::Needs::none().linux();
    #[cfg(target_os = "linux")]
    let needs = needs
        .capability(chaos_core::Capability::NetAdmin)
        .capability(chaos_core::Capability::SysAdmin)
        .feature(
            "nftables",
            "Linux 5.14 with CONFIG_NF_TABLES_INET: `modprobe nf_tables`; the in-process proxy needs none of it",
            table::works,
        );
    needs
}
