//! The network namespaces of sites.

use super::NetnsId;
use chaos_core::{Context, FaultError, Plan, Reach, Site};

/// The network namespace of a site.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) netns: NetnsId,
    /// Whether it is this machine's.
    pub(crate) reach: Reach,
    /// Whose it is, in words.
    pub(crate) of: String,
}

/// The network namespaces of the sites, each once; the plan says which sites share one.
pub(crate) async fn spaces(
    sites: &[Site],
    cx: &Context,
    mut plan: Plan,
) -> Result<(Vec<Space>, Plan), FaultError> {
    let mut spaces: Vec<Space> = Vec::new();
    for site in sites {
        let path = match site.netns() {
            Some(path) => path.to_owned(),
            None if site.scheme() == "host" => "/proc/self/ns/net".into(),
            None => {
                return Err(FaultError::unsupported(
                    site.to_string(),
                    "it has no network namespace, as a process, a container, the host or a name has; on a proxy use \
                     net.blackhole, net.refuse or net.reset",
                ));
            }
        };
        let (netns, is_host) = cx
            .blocking(move || {
                let netns = NetnsId::of(&path)?;
                let is_host = netns.is_host()?;
                Ok::<_, FaultError>((netns, is_host))
            })
            .await??;
        if spaces.iter().any(|space| space.netns.is(&netns)) {
            plan = plan.note(format!(
                "{site} is in a network namespace that is hit already"
            ));
            continue;
        }
        let reach = if is_host {
            Reach::Host
        } else {
            Reach::Namespace
        };
        let of = site.to_string();
        spaces.push(Space { netns, reach, of });
    }
    Ok((spaces, plan))
}
