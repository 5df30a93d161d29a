//! Where a target is now, outside of any injection.

use super::{Shared, fresh_id};
use crate::{FaultError, Site, Target, guard::guarded, seed::Seed};

pub(super) async fn sites(shared: &Shared, target: &dyn Target) -> Result<Vec<Site>, FaultError> {
    let cx = shared.context(&fresh_id(), "", Seed::new(0));
    let operation = format!("resolve {}", target.describe());
    guarded(&operation, shared.step_limit, target.sites(&cx)).await
}
