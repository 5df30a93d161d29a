//! Percentages that may be meant as fractions.

use crate::path::join;
use chaos_core::Parameters;
use serde_json::Value as Json;

/// The parameters that are a share in percent of which a small one is seldom wanted.
const SHARES: [&str; 2] = ["toxicity", "share"];

/// What a reader should know of a share such as `0.5`, which is half a percent and with other tools a half. One with a sign
/// is what it says.
pub(crate) fn warnings(parameters: &Parameters, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(json) = serde_json::to_value(parameters) {
        look(&json, &join(at, "parameters"), &mut found);
    }
    found
}

fn look(json: &Json, at: &str, found: &mut Vec<String>) {
    for (name, value) in json.as_object().into_iter().flatten() {
        let at = join(at, name);
        match value.as_f64() {
            Some(share) if SHARES.contains(&name.as_str()) && share > 0.0 && share <= 1.0 => {
                found.push(format!(
                    "{at}: `{value}` is {value} %, for a fraction of {value} write `{}`; for a percentage `{value}%` says so",
                    (share * 1e8).round() / 1e6
                ));
            }
            _ => look(value, &at, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_share_that_may_be_a_fraction_is_told_with_what_to_write() {
        let told = |parameters: Json| {
            let parameters: Parameters = serde_json::from_value(parameters).unwrap();
            warnings(&parameters, "scenarios[0]")
        };
        let half = told(json!({ "toxicity": 0.5, "latency": "1s" }));
        assert_eq!(
            half,
            [
                "scenarios[0].parameters.toxicity: `0.5` is 0.5 %, for a fraction of 0.5 write `50`; for a percentage `0.5%` says so"
            ]
        );
        let all = told(json!({ "requests": { "share": 1 } }));
        assert!(all[0].starts_with("scenarios[0].parameters.requests.share: "));
        assert!(all[0].contains("write `100`"), "{all:?}");
        for parameters in [
            json!({ "toxicity": 50 }),
            json!({ "toxicity": 0 }),
            json!({ "toxicity": "0.5%" }),
            json!({ "loss": 0.5 }),
        ] {
            assert!(told(parameters).is_empty());
        }
        let small = told(json!({ "toxicity": 0.07 }));
        assert!(small[0].contains("write `7`"), "{small:?}");
    }
}
