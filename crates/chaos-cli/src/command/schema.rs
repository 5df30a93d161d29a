//! `chaos schema`: the JSON Schema of the scenario file.

use super::{HELD, internal_code, say};
use chaos_core::Registry;

pub(crate) fn run(registry: &Registry) -> u8 {
    match serde_json::to_string_pretty(&chaos_scenario::schema(registry)) {
        Ok(text) => {
            say(&text);
            HELD
        }
        Err(error) => internal_code(&error),
    }
}
