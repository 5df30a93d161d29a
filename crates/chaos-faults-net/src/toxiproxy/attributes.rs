//! What each type of toxic can be told.

use super::{error::ApiError, json, json::Fields};
use serde::{Serialize, ser::SerializeMap};

/// The type of a toxic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bandwidth,
    Latency,
    LimitData,
    Noop,
    PacketLoss,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Bandwidth,
        Self::Latency,
        Self::LimitData,
        Self::Noop,
        Self::PacketLoss,
        Self::ResetPeer,
        Self::Slicer,
        Self::SlowClose,
        Self::Timeout,
    ];

    /// Its name in the API.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bandwidth => "bandwidth",
            Self::Latency => "latency",
            Self::LimitData => "limit_data",
            Self::Noop => "noop",
            Self::PacketLoss => "packet_loss",
            Self::ResetPeer => "reset_peer",
            Self::Slicer => "slicer",
            Self::SlowClose => "slow_close",
            Self::Timeout => "timeout",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its attributes, none of them said, in the order in which the API tells them.
    const fn attributes(self) -> &'static [(&'static str, Number)] {
        const ZERO: Number = Number::Whole(0);
        match self {
            Self::Bandwidth => &[("rate", ZERO)],
            Self::Latency => &[("latency", ZERO), ("jitter", ZERO)],
            Self::LimitData => &[("bytes", ZERO)],
            Self::Noop => &[],
            Self::PacketLoss => &[
                ("loss_rate", Number::Real(0.0)),
                ("correlation", Number::Real(0.0)),
            ],
            Self::ResetPeer | Self::Timeout => &[("timeout", ZERO)],
            Self::Slicer => &[
                ("average_size", ZERO),
                ("size_variation", ZERO),
                ("delay", ZERO),
            ],
            Self::SlowClose => &[("delay", ZERO)],
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Whole(i64),
    Real(f64),
}

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(whole) => to.serialize_i64(*whole),
            Self::Real(real) => json::number(*real, to),
        }
    }
}

/// The attributes of one toxic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attributes(Vec<(&'static str, Number)>);

impl Attributes {
    /// Those of a type, none of them said.
    pub(super) fn of(kind: Kind) -> Self {
        Self(kind.attributes().to_vec())
    }

    /// These, with what is said anew.
    pub(super) fn merged(mut self, mut said: Fields) -> Result<Self, ApiError> {
        for (key, value) in &mut self.0 {
            let new = match value {
                Number::Whole(_) => said.whole(key)?.map(Number::Whole),
                Number::Real(_) => said.real(key)?.map(Number::Real),
            };
            *value = new.unwrap_or(*value);
        }
        Ok(self)
    }

    /// Refuses what cannot be done: Toxiproxy takes it and ends as soon as data flows.
    pub(super) fn check(&self, kind: Kind) -> Result<(), ApiError> {
        let [average, variation] = ["average_size", "size_variation"].map(|key| self.whole(key));
        let wrong = match kind {
            Kind::Bandwidth if self.whole("rate") < 0 => "rate must be 0 or more",
            Kind::Slicer if average < 1 => "average_size must be 1 or more",
            Kind::Slicer if !(0..=average).contains(&variation) => {
                "size_variation must be 0 or more and at most average_size"
            }
            _ => return Ok(()),
        };
        Err(ApiError::bad_body(wrong))
    }

    /// A whole number; 0 when there is none of that name.
    pub(super) fn whole(&self, key: &str) -> i64 {
        match self.find(key) {
            Some(Number::Whole(whole)) => whole,
            _ => 0,
        }
    }

    /// A whole number that is not below zero.
    pub(super) fn count(&self, key: &str) -> u64 {
        u64::try_from(self.whole(key)).unwrap_or(0)
    }

    /// A number from 0 to 1.
    pub(super) fn share(&self, key: &str) -> f64 {
        match self.find(key) {
            Some(Number::Real(real)) => real.clamp(0.0, 1.0),
            _ => 0.0,
        }
    }

    fn find(&self, key: &str) -> Option<Number> {
        let found = self.0.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| *value)
    }
}

impl Serialize for Attributes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(kind: Kind, said: &str) -> Result<Attributes, ApiError> {
        let attributes = Attributes::of(kind).merged(Fields::read(said.as_bytes())?)?;
        attributes.check(kind).map(|()| attributes)
    }

    #[test]
    fn every_type_is_found_by_its_name_and_has_its_attributes() {
        for (name, attributes) in [
            ("bandwidth", r#"{"rate":0}"#),
            ("latency", r#"{"latency":0,"jitter":0}"#),
            ("limit_data", r#"{"bytes":0}"#),
            ("noop", "{}"),
            ("packet_loss", r#"{"loss_rate":0,"correlation":0}"#),
            ("reset_peer", r#"{"timeout":0}"#),
            (
                "slicer",
                r#"{"average_size":0,"size_variation":0,"delay":0}"#,
            ),
            ("slow_close", r#"{"delay":0}"#),
            ("timeout", r#"{"timeout":0}"#),
        ] {
            let kind = Kind::named(name).unwrap();
            assert_eq!(json::write(&Attributes::of(kind)).unwrap(), attributes);
        }
        assert_eq!(Kind::named("Latency"), None);
    }

    #[test]
    fn what_is_said_replaces_what_was_and_the_rest_stays() {
        let first = merged(Kind::Latency, r#"{"LATENCY":100,"jitter":5,"other":1}"#).unwrap();
        let said = Fields::read(br#"{"jitter":null,"latency":-7}"#).unwrap();
        let then = first.merged(said).unwrap();
        assert_eq!(
            (
                then.whole("latency"),
                then.whole("jitter"),
                then.count("latency")
            ),
            (-7, 5, 0)
        );
        let lossy = merged(Kind::PacketLoss, r#"{"loss_rate":0.25,"correlation":3}"#).unwrap();
        assert_eq!(
            json::write(&lossy).unwrap(),
            r#"{"loss_rate":0.25,"correlation":3}"#
        );
        assert_eq!(
            (lossy.share("loss_rate"), lossy.share("correlation")),
            (0.25, 1.0)
        );
    }

    #[test]
    fn what_ends_toxiproxy_is_refused_here() {
        for (kind, said) in [
            (Kind::Bandwidth, r#"{"rate":-4}"#),
            (Kind::Slicer, "{}"),
            (Kind::Slicer, r#"{"average_size":1,"size_variation":5}"#),
            (Kind::Slicer, r#"{"average_size":5,"size_variation":-1}"#),
            (Kind::Slicer, r#"{"average_size":-5,"size_variation":-5}"#),
            (Kind::Latency, r#"{"latency":1.5}"#),
            (Kind::Latency, r#"{"latency":"10"}"#),
            (Kind::Latency, r#"{"latency":9223372036854775808}"#),
        ] {
            assert!(merged(kind, said).is_err(), "{said}");
        }
        for (kind, said) in [
            (Kind::Bandwidth, "{}"),
            (Kind::Slicer, r#"{"average_size":1}"#),
            (Kind::Slicer, r#"{"average_size":5,"size_variation":5}"#),
            (Kind::Latency, r#"{"latency":-5}"#),
        ] {
            assert!(merged(kind, said).is_ok(), "{said}");
        }
    }
}
