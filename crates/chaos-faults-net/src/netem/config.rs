//! The configuration of `net.netem`.

use super::{Chance, Distribution, LossModel, Netem, NetemFault, Pace, SlotConfig};
use crate::{packets::PacketsConfig, scope};
use chaos_core::{
    ConfigError, FaultConfig, Intensity,
    units::{Percent, Rate, Time},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The kernel's network emulator, all of it (`man 8 tc-netem`). At least one thing must be said.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct NetemConfig {
    /// Which packets. Default: all that go out.
    pub packets: PacketsConfig,
    /// How much later packets arrive: a time up to 1h, such as 100ms.
    pub latency: Option<Time>,
    /// How much the latency varies: a time up to 1h. Default: 0.
    pub jitter: Option<Time>,
    /// How much each delay depends on the one before, in percent. Default: 0.
    pub correlation: Option<Percent>,
    /// How the jitter is distributed: uniform, normal, pareto or paretonormal. Default: uniform.
    pub distribution: Distribution,
    /// Which share of the packets is lost, in percent.
    pub loss: Option<Percent>,
    /// How much each loss depends on the one before, in percent. Default: 0.
    pub loss_correlation: Option<Percent>,
    /// Losses by four states: the probabilities p13, p31, p32, p23 and p14, in percent, of which all but the first may
    /// be left out (100 - p13, 0, 100 and 0).
    pub loss_state: Option<Vec<Percent>>,
    /// Losses by Gilbert and Elliott: p, r, 1-h and 1-k, in percent, of which all but the first may be left out
    /// (100 - p, 100 and 0).
    pub loss_gemodel: Option<Vec<Percent>>,
    /// Whether what would be lost is marked instead, where its sender and its receiver agreed on that (ECN, RFC 3168: CE in
    /// the place of ECT); it counts as lost. Needs a loss. Default: false.
    pub ecn: bool,
    /// Which share of the packets arrives twice, in percent.
    pub duplicate: Option<Percent>,
    /// How much each duplicate depends on the one before, in percent. Default: 0.
    pub duplicate_correlation: Option<Percent>,
    /// Which share of the packets gets one wrong bit, in percent.
    pub corrupt: Option<Percent>,
    /// How much each wrong bit depends on the one before, in percent. Default: 0.
    pub corrupt_correlation: Option<Percent>,
    /// Which share of the packets is not delayed and so overtakes others, in percent. Needs a latency.
    pub reorder: Option<Percent>,
    /// How much each overtaking depends on the one before, in percent. Default: 0.
    pub reorder_correlation: Option<Percent>,
    /// Every how many packets one may overtake: 1, all of them; 5, every fifth. Default: 1.
    pub gap: Option<u32>,
    /// The rate, such as 10mbit or 1MB/s.
    pub rate: Option<Rate>,
    /// With a rate: bytes that each packet costs beside its own; may be negative. Default: 0.
    pub packet_overhead: i32,
    /// With a rate: packets are sent in cells of so many bytes. Default: they are not.
    pub cell_size: u32,
    /// With cells: bytes that each cell costs beside its own; may be negative. Default: 0.
    pub cell_overhead: i32,
    /// Packets go in batches.
    pub slot: Option<SlotConfig>,
    /// How many packets may wait; what is more is dropped. Default: enough for 200,000 packets a second, and at least
    /// 1,000.
    pub limit: Option<u32>,
}

impl FaultConfig for NetemConfig {
    const KIND: &'static str = "net.netem";
    type Fault = NetemFault;
    const TARGETS: &'static [&'static str] = scope::KERNEL;
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("loss", "1")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<NetemFault, ConfigError> {
        let packets = self.packets.build()?;
        let netem = self.model()?;
        if netem.to_string().is_empty() {
            return Err(ConfigError::new("nothing is to be done to the packets")
                .help("at least one of latency, loss, duplicate, corrupt, rate and slot"));
        }
        Ok(NetemFault { netem, packets })
    }
}

impl NetemConfig {
    fn model(&self) -> Result<Netem, ConfigError> {
        let chance = |field: &str, of: Option<Percent>, correlation: Option<Percent>| {
            if of.is_none() && correlation.is_some() {
                let problem = format!("there is no `{field}` to correlate");
                return Err(ConfigError::field(format!("{field}_correlation"), problem));
            }
            Ok(Chance::new(
                of.unwrap_or_default(),
                correlation.unwrap_or_default(),
            ))
        };
        let time = |field: &str, time: Option<Time>| {
            let time = time.map_or(Duration::ZERO, Time::get);
            crate::check::at_most_an_hour(field, time).map(|()| time)
        };
        let random = chance("loss", self.loss, self.loss_correlation)?;
        let netem = Netem {
            latency: time("latency", self.latency)?,
            jitter: time("jitter", self.jitter)?,
            correlation: self.correlation.map_or(0.0, Percent::get),
            distribution: self.distribution,
            loss: self.loss(random)?,
            ecn: self.ecn,
            duplicate: chance("duplicate", self.duplicate, self.duplicate_correlation)?,
            corrupt: chance("corrupt", self.corrupt, self.corrupt_correlation)?,
            reorder: chance("reorder", self.reorder, self.reorder_correlation)?,
            gap: self.gap.unwrap_or(u32::from(self.reorder.is_some())),
            pace: self.pace()?,
            slot: self.slot.map(SlotConfig::build).transpose()?,
            limit: self.limit,
        };
        if netem.reorder.percent > 0.0 && netem.latency.is_zero() {
            return Err(ConfigError::field(
                "reorder",
                "without a latency nothing can be overtaken",
            )
            .help("say a `latency`, such as 50ms"));
        }
        if netem.gap > 0 && netem.reorder.percent == 0.0 {
            return Err(ConfigError::field("gap", "there is no `reorder`"));
        }
        if netem.gap == 0 && netem.reorder.percent > 0.0 {
            return Err(ConfigError::field("gap", "0 is no distance").help("1 or more"));
        }
        if netem.ecn && netem.loss.is_none() {
            return Err(
                ConfigError::field("ecn", "nothing is lost that could be marked instead")
                    .help("say a `loss`, `loss_state` or `loss_gemodel`"),
            );
        }
        super::varies(netem.jitter, netem.correlation, netem.distribution)?;
        if netem.limit == Some(0) {
            return Err(ConfigError::field("limit", "0 lets no packet through")
                .help("1 or more; for that use net.partition"));
        }
        Ok(netem)
    }

    fn loss(&self, random: Chance) -> Result<Option<LossModel>, ConfigError> {
        let said = [
            self.loss.is_some(),
            self.loss_state.is_some(),
            self.loss_gemodel.is_some(),
        ];
        if said.iter().filter(|said| **said).count() > 1 {
            return Err(ConfigError::field(
                "loss",
                "only one of loss, loss_state and loss_gemodel can be meant",
            ));
        }
        let numbers = |field: &str, numbers: &[Percent], most: usize| {
            if numbers.is_empty() || numbers.len() > most {
                let problem = format!("has {} numbers", numbers.len());
                return Err(ConfigError::field(field, problem).help(format!("1 to {most}")));
            }
            Ok(numbers
                .iter()
                .map(|number| number.get())
                .collect::<Vec<_>>())
        };
        let or = |numbers: &[f64], at: usize, default: f64| *numbers.get(at).unwrap_or(&default);
        if let Some(state) = &self.loss_state {
            let p = numbers("loss_state", state, 5)?;
            return Ok(Some(LossModel::State {
                p13: p[0],
                p31: or(&p, 1, 100.0 - p[0]),
                p32: or(&p, 2, 0.0),
                p23: or(&p, 3, 100.0),
                p14: or(&p, 4, 0.0),
            }));
        }
        if let Some(model) = &self.loss_gemodel {
            let p = numbers("loss_gemodel", model, 4)?;
            return Ok(Some(LossModel::GilbertElliott {
                p: p[0],
                r: or(&p, 1, 100.0 - p[0]),
                bad_loss: or(&p, 2, 100.0),
                good_loss: or(&p, 3, 0.0),
            }));
        }
        Ok((random.percent > 0.0).then_some(LossModel::Random(random)))
    }

    fn pace(&self) -> Result<Option<Pace>, ConfigError> {
        let Some(rate) = self.rate else {
            let costs = [
                ("packet_overhead", self.packet_overhead != 0),
                ("cell_size", self.cell_size != 0),
                ("cell_overhead", self.cell_overhead != 0),
            ];
            return match costs.iter().find(|(_, said)| *said) {
                Some((field, _)) => Err(ConfigError::field(*field, "there is no `rate`")),
                None => Ok(None),
            };
        };
        if rate.get() == 0 {
            return Err(ConfigError::field("rate", "0 lets nothing through")
                .help("1 byte per second or more; for that use net.partition"));
        }
        if self.cell_size == 0 && self.cell_overhead != 0 {
            return Err(ConfigError::field("cell_overhead", "there are no cells")
                .help("say a `cell_size`, such as 53"));
        }
        Ok(Some(Pace {
            rate: rate.get(),
            packet_overhead: self.packet_overhead,
            cell_size: self.cell_size,
            cell_overhead: self.cell_overhead,
        }))
    }
}
