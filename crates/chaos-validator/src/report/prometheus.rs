//! The reports in Prometheus's text format (version 0.0.4), for the node exporter's textfile collector.

use super::{Report, Summary};
use crate::{
    judge::{Judgement, SloResult},
    measure::{PhaseMetrics, Timing},
    resource::SiteResources,
};
use std::{fmt::Write as _, time::SystemTime};

pub(super) fn render(summary: &Summary) -> String {
    let mut page = Page::default();
    for report in &summary.reports {
        of_report(&mut page, report);
    }
    for refused in &summary.refused {
        page.add(
            "chaos_exit_code",
            HELP_EXIT,
            &[("scenario", &refused.name)],
            4.0,
        );
    }
    page.finish()
}

const HELP_EXIT: &str =
    "How the scenario ended, as the exit code of the command: 0 held, 1 violated, 3 inconclusive.";

fn of_report(page: &mut Page, report: &Report) {
    let name = report.run.name.as_str();
    let one = [("scenario", name)];
    page.add(
        "chaos_exit_code",
        HELP_EXIT,
        &one,
        f64::from(report.exit_code()),
    );
    let started = report.run.started.duration_since(SystemTime::UNIX_EPOCH);
    page.add(
        "chaos_run_start_time_seconds",
        "When the run started.",
        &one,
        // To the millisecond, which is what the JSON keeps.
        started.map_or(f64::NAN, |t| (t.as_secs_f64() * 1e3).floor() / 1e3),
    );
    page.add(
        "chaos_run_duration_seconds",
        "How long the run took.",
        &one,
        report.run.took.as_secs_f64(),
    );
    for result in &report.slos {
        of_slo(page, name, result);
    }
    let metrics = &report.metrics;
    if let Some(repair) = &metrics.mttr {
        let mttr = repair.mean.lower().as_secs_f64();
        page.add(
            "chaos_mttr_seconds",
            "The mean time to recovery of the outages.",
            &one,
            mttr,
        );
    }
    if let Some(time) = metrics.recovery_time {
        let help = "From the end of the fault until things were normal; what is not over counts for as long as was watched.";
        page.add(
            "chaos_recovery_seconds",
            help,
            &one,
            time.lower().as_secs_f64(),
        );
    }
    if let Some(lost) = metrics.throughput_loss {
        let help = "The share of the good answers per second that was lost with the fault.";
        page.add("chaos_throughput_loss_ratio", help, &one, lost);
    }
    #[expect(clippy::cast_precision_loss, reason = "a few outages")]
    page.add(
        "chaos_outages",
        "How often the target was out.",
        &one,
        metrics.outages.len() as f64,
    );
    for (phase, seen) in [
        ("baseline", &metrics.baseline),
        ("fault", &metrics.fault),
        ("recovery", &metrics.recovery),
    ] {
        if let Some(seen) = seen {
            of_phase(page, name, phase, seen);
        }
    }
    for site in &report.resources.sites {
        of_resources(page, name, site);
    }
}

fn of_slo(page: &mut Page, name: &str, result: &SloResult) {
    let labels = [("scenario", name), ("slo", result.slo.field())];
    let unit = "in the unit of its name";
    if let Some(value) = result.value {
        page.add(
            "chaos_slo_value",
            &format!("What was measured of an SLO, {unit}."),
            &labels,
            value,
        );
    }
    page.add(
        "chaos_slo_threshold",
        &format!("What an SLO promises, {unit}."),
        &labels,
        result.threshold,
    );
    let kept = match result.judgement {
        Judgement::Pass => 1.0,
        Judgement::Fail => 0.0,
        _ => f64::NAN,
    };
    page.add(
        "chaos_slo_kept",
        "Whether an SLO was kept: 1, 0, or NaN when it cannot be told.",
        &labels,
        kept,
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
fn of_phase(page: &mut Page, name: &str, phase: &str, seen: &PhaseMetrics) {
    for (class, n) in &seen.classes {
        let class = class.to_string();
        let labels = [("scenario", name), ("phase", phase), ("class", &class)];
        page.add(
            "chaos_requests",
            "How many requests ended in which way.",
            &labels,
            *n as f64,
        );
    }
    let one = [("scenario", name), ("phase", phase)];
    if let Some(rate) = &seen.error_rate {
        page.add(
            "chaos_error_ratio",
            "The share of requests that failed.",
            &one,
            rate.share,
        );
    }
    if let Some(up) = &seen.availability {
        page.add(
            "chaos_availability_ratio",
            "The share of time outside of outages.",
            &one,
            up.time,
        );
    }
    if let Some(latency) = &seen.latency {
        let help = "The latency from the intended send time; +Inf where it is beyond the timeout.";
        for (q, timing) in [
            ("0.5", latency.p50),
            ("0.95", latency.p95),
            ("0.99", latency.p99),
            ("0.999", latency.p999),
        ] {
            let value = match timing {
                Timing::Exactly(time) => time.as_secs_f64(),
                Timing::AtLeast(_) => f64::INFINITY,
            };
            let labels = [("scenario", name), ("phase", phase), ("quantile", q)];
            page.add("chaos_latency_seconds", help, &labels, value);
        }
    }
}

/// What a target used in one part of the run.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
fn of_resources(page: &mut Page, name: &str, site: &SiteResources) {
    for (phase, used) in site.parts() {
        let mut add = |family: &str, help: &str, stat: &str, value: Option<f64>| {
            let labels = [
                ("scenario", name),
                ("target", &site.name),
                ("phase", phase),
                ("stat", stat),
            ];
            if let Some(value) = value {
                page.add(family, help, &labels, value);
            }
        };
        let number = |value: Option<u64>| value.map(|n| n as f64);
        let (cpu, memory) = ("chaos_target_cpu_cores", "chaos_target_memory_bytes");
        let help = "CPU time of a target per time.";
        add(cpu, help, "mean", used.cpu_mean);
        add(cpu, help, "max", used.cpu_max);
        let help = "The memory of a target.";
        add(memory, help, "mean", number(used.memory_mean));
        add(memory, help, "max", number(used.memory_max));
        let (descriptors, threads) = ("chaos_target_descriptors", "chaos_target_threads");
        let help = "Open descriptors of a target.";
        add(descriptors, help, "max", number(used.descriptors_max));
        add(
            threads,
            "Threads of a target.",
            "max",
            number(used.threads_max),
        );
        let labels = [("scenario", name), ("target", &site.name), ("phase", phase)];
        let help = "How long a target was not there.";
        page.add(
            "chaos_target_missing_seconds",
            help,
            &labels,
            used.missing.as_secs_f64(),
        );
    }
}

/// Families of samples, each with all of its samples together, as the format wants it.
#[derive(Debug, Default)]
struct Page(Vec<Family>);

#[derive(Debug)]
struct Family {
    name: String,
    help: String,
    samples: String,
}

impl Page {
    fn add(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let at = self
            .0
            .iter()
            .position(|family| family.name == name)
            .unwrap_or_else(|| {
                self.0.push(Family {
                    name: name.to_owned(),
                    help: help.to_owned(),
                    samples: String::new(),
                });
                self.0.len() - 1
            });
        let labels: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{}\"", escape(value)))
            .collect();
        let value = match value {
            v if v.is_nan() => "NaN".to_owned(),
            f64::INFINITY => "+Inf".to_owned(),
            f64::NEG_INFINITY => "-Inf".to_owned(),
            v => v.to_string(),
        };
        let series = format!("{name}{{{}}} ", labels.join(","));
        // A series that is told twice, of two scenarios of one name say, would have all of it refused.
        if !self.0[at]
            .samples
            .lines()
            .any(|line| line.starts_with(&series))
        {
            // Writing to a text does not fail.
            writeln!(self.0[at].samples, "{series}{value}").ok();
        }
    }

    fn finish(self) -> String {
        let text = |family: Family| {
            let Family {
                name,
                help,
                samples,
            } = family;
            format!("# HELP {name} {help}\n# TYPE {name} gauge\n{samples}")
        };
        self.0.into_iter().map(text).collect()
    }
}

fn escape(value: &str) -> String {
    super::paint::printable(value)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
