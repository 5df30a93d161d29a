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
    netns::NetnsId,
    packets::{Host, Packets},
    partition::Network,
    route::Link,
};
use chaos_core::{Capability, Context, FaultError, Needs, Plan, Reach, Site};

/// What a queue of this kind needs on a site.
pub(crate) fn needs(kind: &'static str, _: &Site) -> Needs {
    let fix = match kind {
        "netem" => {
            "`modprobe sch_netem`, or the package with the kernel's extra modules; a `proxy` target needs none of it"
        }
        _ => "`modprobe sch_tbf`; a `proxy` target needs none of it",
    };
    Needs::none()
        .linux()
        .capability(Capability::NetAdmin)
        .capability(Capability::SysAdmin)
        .feature(kind, fix, move |_| probe::works(kind))
}

/// One namespace, and what of it is hit.
struct Place {
    netns: NetnsId,
    reach: Reach,
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
    let mut plan = Plan::new();
    let mut networks = Vec::new();
    for host in &packets.hosts {
        let found = host.networks().await?;
        if let Host::Name(name) = host {
            let found: Vec<String> = found.iter().map(Network::to_string).collect();
            plan = plan.note(format!("{name} is {}", found.join(", ")));
        }
        networks.extend(found);
    }
    networks.sort_unstable();
    networks.dedup();
    let what = format!("{what}, {packets}");
    let mut seen = Vec::new();
    for site in sites {
        let place = place(site, packets, cx).await?;
        if seen.contains(&place.netns.resource()) {
            plan = plan.note(format!("{site} is in a namespace that is hit already"));
            continue;
        }
        seen.push(place.netns.resource());
        for link in &place.links {
            let interface = Interface::of(link);
            let mark = Mark::of(&cx.mark(), &link.name);
            let seed = cx.seed().derive(&link.name, 0);
            let tree = |interface, part, filtered, way: &str| AddTree {
                netns: place.netns.clone(),
                interface,
                major: mark.queue(),
                leaf: leaf.clone(),
                seed: seed.derive(part, 0).get(),
                filtered,
                what: format!("{what} that {way}"),
                reach: place.reach,
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
                        netns: place.netns.clone(),
                        name: device.clone(),
                        mark: cx.mark(),
                        reach: place.reach,
                    })
                    .then(tree(made, "ingress", None, "come in"))
                    .then(AddIngress {
                        netns: place.netns.clone(),
                        interface: interface.clone(),
                        block: mark.block(),
                        to: device,
                        matches: Match::of(packets, &networks, Way::In)?,
                        what: packets.to_string(),
                        reach: place.reach,
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

/// Looks at the namespace of a site.
async fn place(site: &Site, packets: &Packets, cx: &Context) -> Result<Place, FaultError> {
    let path = match site.netns() {
        Some(path) => path.to_owned(),
        None if site.scheme() == "host" => "/proc/self/ns/net".into(),
        None => {
            return Err(FaultError::unsupported(
                site.to_string(),
                "it has no network namespace; this works on a proxy, and on the network namespace of a process, of a \
                 container, by name, or of the host",
            ));
        }
    };
    let wanted = packets.interface.clone();
    let is_all = packets.is_all();
    let what = site.to_string();
    cx.blocking(move || {
        let (netns, inside) = NetnsId::of(&path)?;
        let reach = match netns.is_host()? {
            true => Reach::Host,
            false => Reach::Namespace,
        };
        let all = Link::all(&inside.route)
            .map_err(|e| FaultError::host("list the network interfaces", e))?;
        let links: Vec<Link> = match &wanted {
            Some(name) => all.iter().filter(|l| l.name == *name).cloned().collect(),
            None => all
                .iter()
                .filter(|l| l.is_up && !l.is_loopback && !is_a_device_of_ours(&l.name))
                .cloned()
                .collect(),
        };
        if links.is_empty() {
            let names: Vec<&str> = all.iter().map(|link| link.name.as_str()).collect();
            let problem = match wanted {
                Some(name) => format!(
                    "no interface is named {name}; there are {}",
                    names.join(", ")
                ),
                None => format!(
                    "no interface is up but the loopback; there are {}",
                    names.join(", ")
                ),
            };
            return Err(FaultError::no_target(what, problem));
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
        Ok(Place {
            netns,
            reach,
            links,
            split,
        })
    })
    .await?
}
