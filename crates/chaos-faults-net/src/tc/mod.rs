//! What hangs on an interface: how its bytes read, and how they come and go.

mod add_ifb;
mod add_ingress;
mod add_tree;
mod interface;
mod leaf;
mod mark;
mod matching;
mod netem;
mod plan;
mod probe;
mod split;
mod tbf;

pub(crate) use add_ifb::DelIfb;
pub(crate) use add_ingress::DelIngress;
pub(crate) use add_tree::DelTree;
pub(crate) use leaf::Leaf;
pub(crate) use plan::{needs, plan_on_interfaces};

/// Whether the kernel has the network emulator.
pub(crate) fn has_netem() -> bool {
    probe::works("netem").is_ok()
}
