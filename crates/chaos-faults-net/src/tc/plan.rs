//! Which interfaces get which queues.

use super::{
    add_ifb::AddIfb,
    add_ingress::AddIngress,
    add_tree::AddTree,
    interface::Interface,
    leaf::Leaf,
    mark::{Mark, is_a_device_of_ours},
    matching::{Match, Way},
    probe,
    split::Split,
};
use crate::{
    Traffic,
    netns::{Inside, Space, spaces},
    packets::Packets,
    partition::look_up,
    route::Link,
};
use chaos_core::{Capability, Context, FaultError, Needs, Plan, Site};

/// What a queue of this kind needs on a site.
pub(crate) fn needs(kind: &'static str, _: &Site) -> Needs {
    let (module, fix) = match kind {
        "netem" => (
            "sch_netem",
            "`modprobe sch_netem`, or the package with the kernel's extra modules; on a `proxy` target net.latency, \
             net.loss, net.corrupt and net.bandwidth need none of it, nor do net.duplicate and net.reorder on one with \
             `protocol: udp`",
        ),
        _ => (
            "sch_tbf",
            "`modprobe sch_tbf`; on a `proxy` target net.bandwidth needs none of it",
        ),
    };
    Needs::none()
        .linux()
        .capability(Capability::NetAdmin)
        .capability(Capability::SysAdmin)
        .feature(module, fix, move |_| probe::works(kind))
}

/// What of a namespace is hit.
struct Place {
    links: Vec<Link>,
    split: Option<Split>,
}

/// Plans a queue on the interfaces of the sites' namespaces, once for each namespace.
pub(crate) async fn plan_on_interfaces(
    what: &str,
    leaf: &Leaf,
    packets: &Packets,
    sites: &[Site],
    cx: &Context,
) -> Result<Plan, FaultError> {
    let (networks, plan) = look_up(&packets.hosts, Plan::new()).await?;
    let what = format!("{what}, {packets}");
    let (spaces, mut plan) = spaces(sites, cx, plan).await?;
    if leaf.draws() && probe::takes_seeds() == Some(false) {
        plan = plan.note(
            "this kernel's emulator takes no seed (Linux 6.6 and newer do): which packets are hit differs from run to run",
        );
    }
    for space in &spaces {
        let place = place(space, packets, cx).await?;
        for link in &place.links {
            let interface = Interface::of(link);
            let mark = Mark::of(&cx.mark(), &link.name);
            let seed = cx.seed().derive(&link.name, 0);
            let tree = |interface, part, filtered, way: &str| AddTree {
                netns: space.netns.clone(),
                interface,
                major: mark.queue(),
                leaf: leaf.mtu(link.mtu),
                seed: seed.derive(part, 0).get(),
                filtered,
                what: format!("{what} that {way}"),
                reach: space.reach,
            };
            let direction = packets.direction();
            if matches!(direction, Traffic::Ingress | Traffic::Both) {
                let device = mark.device();
                let made = Interface {
                    name: device.clone(),
                    index: None,
                };
                plan = plan
                    .then(AddIfb {
                        netns: space.netns.clone(),
                        name: device.clone(),
                        mark: cx.mark(),
                        reach: space.reach,
                    })
                    .then(tree(made, "ingress", None, "come in"))
                    .then(AddIngress {
                        netns: space.netns.clone(),
                        interface: interface.clone(),
                        block: mark.block(),
                        to: device,
                        matches: Match::of(packets, &networks, Way::In)?,
                        what: packets.to_string(),
                        reach: space.reach,
                    });
            }
            if matches!(direction, Traffic::Egress | Traffic::Both) {
                let filtered = match place.split {
                    Some(split) => Some((split, Match::of(packets, &networks, Way::Out)?)),
                    None => None,
                };
                plan = plan.then(tree(interface, "egress", filtered, "go out"));
            }
        }
    }
    Ok(plan)
}

/// Looks at a namespace.
async fn place(space: &Space, packets: &Packets, cx: &Context) -> Result<Place, FaultError> {
    let wanted = packets.interface.clone();
    let is_all = packets.is_all();
    let what = space.of.clone();
    let look = move |inside: Option<&Inside>| {
        let Some(inside) = inside else {
            return Err(FaultError::no_target(what, "its network namespace is gone"));
        };
        let all = Link::all(&inside.route)
            .map_err(|e| FaultError::host("list the network interfaces", e))?;
        let links: Vec<Link> = match &wanted {
            Some(name) => vec![Link::wanted(&all, name, &what)?.clone()],
            None => all
                .iter()
                .filter(|l| l.is_up && !l.is_loopback && !is_a_device_of_ours(&l.name))
                .cloned()
                .collect(),
        };
        if links.is_empty() {
            let names = Link::names(&all);
            return Err(FaultError::unsupported(
                what,
                format!(
                    "no interface but the loopback is up (there are {names}); to hit that one, say \
                     `packets: {{ interface: lo }}`"
                ),
            ));
        }
        let split = if is_all {
            None
        } else if probe::works("prio").is_ok() {
            Some(Split::Prio)
        } else if let Err(why) = probe::works("htb") {
            return Err(FaultError::unsupported(
                what,
                format!("filters need sch_prio or sch_htb: {why}"),
            ));
        } else {
            Some(Split::Htb)
        };
        Ok(Place { links, split })
    };
    space.netns.look(cx, look).await
}
