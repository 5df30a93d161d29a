//! Everything that there is.

use chaos_core::Registry;

/// Every fault, target, undo and probe of this project.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    chaos_faults_dns::register(&mut registry);
    chaos_faults_http::register(&mut registry);
    chaos_faults_resource::register(&mut registry);
    chaos_faults_container::register(&mut registry);
    chaos_faults_db::register(&mut registry);
    chaos_validator::register(&mut registry);
    registry
}
