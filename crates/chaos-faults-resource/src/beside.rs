//! Faults that everything on this host feels: where they may be put.

use chaos_core::{FaultError, Plan, Site};

/// A plan for these sites, which are this host or processes on it. There is one change, however many sites.
pub(crate) fn plan(kind: &str, sites: &[Site]) -> Result<Plan, FaultError> {
    let mut plan = Plan::new();
    for site in sites {
        match site.scheme() {
            "host" => {}
            "process" => {
                plan = plan.note(format!("{kind} acts beside {site}, on the whole host"));
            }
            _ => {
                return Err(FaultError::unsupported(
                    site.to_string(),
                    format!(
                        "{kind} acts on the whole host; use the host, or a process on it, as the target"
                    ),
                ));
            }
        }
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_and_its_processes() {
        let note = |scheme| {
            let plan = plan("cpu.burn", &[Site::named(scheme, "x")])?;
            Ok::<_, FaultError>(plan.notes().next().map(str::to_owned))
        };
        assert_eq!(note("host").unwrap(), None);
        assert!(
            note("process")
                .unwrap()
                .unwrap()
                .contains("on the whole host")
        );
        let said = note("container").unwrap_err().to_string();
        assert!(said.contains("use the host"), "{said}");
    }
}
