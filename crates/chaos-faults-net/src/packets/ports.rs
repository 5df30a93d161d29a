//! A port or a range of them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

/// Ports from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// The first and the last.
    #[cfg(target_os = "linux")]
    pub(crate) const fn ends(self) -> (u16, u16) {
        (self.first, self.last)
    }

    /// The blocks of which a range is made: a number and a mask, as filters know them.
    #[cfg(any(target_os = "linux", test))]
    pub(crate) fn blocks(self) -> Vec<(u16, u16)> {
        let mut blocks = Vec::new();
        let (mut at, last) = (u32::from(self.first), u32::from(self.last));
        while at <= last {
            // The largest block that begins here and does not go beyond the end.
            let mut size = if at == 0 {
                1 << 16
            } else {
                at & at.wrapping_neg()
            };
            while at + size - 1 > last {
                size /= 2;
            }
            let mask = u16::MAX - u16::try_from(size - 1).unwrap_or(u16::MAX);
            blocks.push((u16::try_from(at).unwrap_or(u16::MAX), mask));
            at += size;
        }
        blocks
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a port nor a range of ports");
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let first = port(first).ok_or_else(wrong)?;
        let last = port(last).filter(|last| *last >= first).ok_or_else(wrong)?;
        Ok(Self { first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// A port, as a number or a text, or a range of ports, as a file has it.
#[derive(Debug)]
pub(crate) struct PortText(String);

impl<'de> Deserialize<'de> for PortText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortVisitor)
    }
}

struct PortVisitor;

impl de::Visitor<'_> for PortVisitor {
    type Value = PortText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port or a range of ports, such as 8080 or 8000-8100")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<PortText, E> {
        Ok(PortText(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<PortText, E> {
        Ok(PortText(number.to_string()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PortText, E> {
        Ok(PortText(text.to_owned()))
    }
}

impl JsonSchema for PortText {
    fn schema_name() -> Cow<'static, str> {
        "ports".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535 })
    }
}

/// Reads a list of ports, which are checked when the fault is built.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<PortText>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(|text| text.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ports_read_as_people_write_them() {
        for text in ["80", "8000-8100", "1-65535"] {
            assert_eq!(text.parse::<Ports>().unwrap().to_string(), text);
        }
        for text in ["0", "65536", "-1", "90-80", "http", "", "80-", "0-80"] {
            assert!(text.parse::<Ports>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn blocks_hold_just_the_ports_of_the_range(a in 1_u16.., b in 1_u16.., port: u16) {
            let ports = Ports { first: a.min(b), last: a.max(b) };
            let held = ports.blocks().iter().filter(|(value, mask)| port & mask == *value).count();
            let inside = (ports.first..=ports.last).contains(&port);
            prop_assert_eq!(held, usize::from(inside));
            prop_assert!(ports.blocks().len() <= 30);
        }
    }
}
