//! Which namespaces get which table.

use super::{AddTable, Network};
use crate::{
    netem::Chance,
    netns::{Inside, Space, spaces},
    nft::Table,
    packets::{Host, Packets},
    route::{Link, addresses},
};
use chaos_core::{Context, FaultError, Plan, Site};

/// One table for each namespace, however many of the sites are in it.
pub(crate) async fn plan_table(
    table: &Table,
    what: &str,
    sites: &[Site],
    cx: &Context,
    plan: Plan,
) -> Result<Plan, FaultError> {
    let (spaces, mut plan) = spaces(sites, cx, plan).await?;
    for space in spaces {
        if let Some(name) = &table.packets.interface {
            see(&space, name, cx).await?;
        }
        plan = plan.then(AddTable::new(space.netns, table.clone(), what, space.reach));
    }
    Ok(plan)
}

/// Sees that there is such an interface: of one that nobody has nothing would be hit.
async fn see(space: &Space, name: &str, cx: &Context) -> Result<(), FaultError> {
    let (name, what) = (name.to_owned(), space.of.clone());
    let look = move |inside: Option<&Inside>| {
        let Some(inside) = inside else {
            return Err(FaultError::no_target(what, "its network namespace is gone"));
        };
        let all = Link::all(&inside.route)
            .map_err(|e| FaultError::host("list the network interfaces", e))?;
        Link::wanted(&all, &name, &what).map(drop)
    };
    space.netns.look(cx, look).await
}

/// The addresses of another target: those that its sites tell, or those of their network namespaces, which are not those of the
/// fault's own `sites`.
pub(crate) async fn addresses_of(
    name: &str,
    others: &[Site],
    sites: &[Site],
    cx: &Context,
) -> Result<Vec<Network>, FaultError> {
    let told = others.iter().flat_map(Site::addresses);
    let mut found: Vec<Network> = told.map(|told| Network::from(told.ip())).collect();
    if found.is_empty() && others.iter().all(|site| site.netns().is_some()) {
        let own = spaces(sites, cx, Plan::new()).await?.0;
        for space in spaces(others, cx, Plan::new()).await?.0 {
            if own.iter().any(|own| own.netns.is(&space.netns)) {
                let why = "it is in the network namespace that is to be cut off from it";
                return Err(FaultError::no_target(format!("target {name}"), why));
            }
            let look = |inside: Option<&Inside>| match inside {
                Some(inside) => addresses(&inside.route)
                    .map_err(|e| FaultError::host("list the addresses of a namespace", e)),
                None => Ok(Vec::new()),
            };
            let addresses = space.netns.look(cx, look).await?;
            found.extend(addresses.into_iter().map(Network::from));
        }
    }
    if found.is_empty() {
        let why = "no address of it is known; name its addresses instead";
        return Err(FaultError::no_target(format!("target {name}"), why));
    }
    Ok(found)
}

/// The addresses of hosts, and what is to be said of them in a plan.
pub(crate) async fn look_up(
    hosts: &[Host],
    mut plan: Plan,
) -> Result<(Vec<Network>, Plan), FaultError> {
    let mut networks = Vec::new();
    for host in hosts {
        let found = host.networks().await?;
        if let Host::Name(name) = host {
            let found: Vec<String> = found.iter().map(Network::to_string).collect();
            plan = plan.note(format!("{name} is {}", found.join(", ")));
        }
        networks.extend(found);
    }
    networks.sort_unstable();
    networks.dedup();
    Ok((networks, plan))
}

/// Losses by packet filters, for kernels without the emulator.
pub(crate) async fn plan_losses(
    chance: Chance,
    packets: &Packets,
    sites: &[Site],
    cx: &Context,
) -> Result<Plan, FaultError> {
    if chance.correlation > 0.0 {
        let site = sites.first().map(ToString::to_string).unwrap_or_default();
        return Err(FaultError::unsupported(
            site,
            "this kernel has no sch_netem, and packet filters draw each loss by itself: leave `correlation` out",
        ));
    }
    let plan = Plan::new().note("this kernel has no sch_netem; packets are lost by nftables");
    let (networks, plan) = look_up(&packets.hosts, plan).await?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a million"
    )]
    let share = (chance.percent * 10_000.0).round() as u32;
    let table = Table {
        name: cx.mark(),
        networks,
        traffic: packets.direction(),
        // One interface that was asked for is meant, whichever it is.
        loopback: packets.interface.is_some(),
        packets: packets.clone(),
        share: Some(share),
        new_only: false,
        reject: false,
    };
    let way = packets.direction();
    let what = format!("lose {chance} of {packets}, {way} the other end");
    plan_table(&table, &what, sites, cx, plan).await
}
