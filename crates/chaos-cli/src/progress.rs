//! What a person sees while an experiment runs.

use chaos_core::{
    BoxError, Edge, EdgeKind, Event, Observer, Outcome, Phase, RunHandle, Verdict, async_trait,
    units::Time,
};
use chaos_validator::{Load, acted, printable, wrap};
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    io::{IsTerminal, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How wide the bar is, in characters, where there is room.
const WIDTH: usize = 24;
/// What a line needs besides the bar: spinner, phase, times, counts.
const BESIDE: usize = 56;

/// Shows the phases of a run on standard error: a moving line on a terminal, a line per event elsewhere.
pub struct Progress {
    bar: Option<ProgressBar>,
    shown: Arc<Mutex<Shown>>,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("live", &self.bar.is_some())
            .finish_non_exhaustive()
    }
}

/// What the moving line says.
#[derive(Debug)]
struct Shown {
    name: String,
    phase: Option<Phase>,
    since: Instant,
    planned: Duration,
    load: Option<Arc<dyn Load>>,
    /// How many columns the terminal has.
    width: usize,
    /// What was told to be lost, by fault and repetition: it is not told to be recovered.
    lost: BTreeSet<(usize, u64)>,
}

impl Progress {
    /// For one run, with the counts of its load.
    pub fn new(load: Option<Arc<dyn Load>>) -> Self {
        let live = std::io::stderr().is_terminal()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let shown = Arc::new(Mutex::new(Shown {
            name: String::new(),
            phase: None,
            since: Instant::now(),
            planned: Duration::ZERO,
            load,
            width: 0,
            lost: BTreeSet::new(),
        }));
        Self {
            bar: live.then(|| live_line(Arc::clone(&shown))),
            shown,
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line that stays.
    fn say(&self, line: &str) {
        let line = printable(line);
        match &self.bar {
            Some(bar) => bar.println(wrap(&line, Some(columns()))),
            // Nobody to tell when standard error is closed.
            None => {
                writeln!(std::io::stderr(), "{line}").ok();
            }
        }
    }
}

/// How many columns the terminal has now.
fn columns() -> usize {
    usize::from(Term::stderr().size().1)
}

fn live_line(shown: Arc<Mutex<Shown>>) -> ProgressBar {
    let line = move |_: &ProgressState, out: &mut dyn fmt::Write| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.width = columns();
        write!(out, "{}", &*shown).ok();
    };
    let style = ProgressStyle::with_template("{spinner:.cyan} {line}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("line", line);
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10))
        .with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(phase) = self.phase else {
            return f.write_str(&self.name);
        };
        let elapsed = self.since.elapsed();
        let share = if self.planned.is_zero() {
            1.0
        } else {
            (elapsed.as_secs_f64() / self.planned.as_secs_f64()).min(1.0)
        };
        let width = self.width.saturating_sub(BESIDE).min(WIDTH);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a small width"
        )]
        let full = (share * width as f64) as usize;
        let bar = "━".repeat(full) + &"─".repeat(width - full);
        let gap = if bar.is_empty() { "" } else { " " };
        let limit = if phase == Phase::Recovery { "≤" } else { "" };
        write!(
            f,
            "{:<8} {bar}{gap}{:>4.1}s of {limit}{:.0}s",
            phase.to_string(),
            elapsed.as_secs_f64(),
            self.planned.as_secs_f64()
        )?;
        if let Some(load) = &self.load {
            let counts = load.counts();
            write!(f, "  {} requests, {} failed", counts.done(), counts.bad)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Observer for Progress {
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
        self.shown().name = printable(run.name());
        self.say(&format!("▶ {}", run.name()));
        Ok(())
    }

    fn on(&self, event: &Event) {
        match event {
            Event::PhaseStarted { phase, planned, .. } => {
                let mut shown = self.shown();
                (shown.phase, shown.since, shown.planned) =
                    (Some(*phase), Instant::now(), *planned);
                drop(shown);
                if self.bar.is_none() {
                    let limit = if *phase == Phase::Recovery {
                        "at most "
                    } else {
                        ""
                    };
                    self.say(&format!("  {phase}: {limit}{}", Time::new(*planned)));
                }
            }
            Event::Edge(edge) => {
                let this = (edge.index, edge.repetition);
                let mut shown = self.shown();
                if edge.kind == EdgeKind::Lost {
                    shown.lost.insert(this);
                }
                let lost = shown.lost.contains(&this);
                drop(shown);
                self.say(&told(edge, lost));
            }
            Event::Stopping { reason, .. } => {
                self.say(&format!("  stopping: {reason}; recovering"))
            }
            Event::Finished { at, outcome } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
                match outcome {
                    Outcome::Held => {}
                    outcome => self.say(&format!("  {outcome}")),
                }
                if self.bar.is_none() {
                    self.say(&format!("  over after {:.1}s", at.as_secs_f64()));
                }
            }
            _ => {}
        }
    }

    fn steady(&self) -> Verdict {
        Verdict::Held
    }

    async fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // A run that is dropped half-way must not leave its line behind.
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// An edge in words; what was lost is not put back by us, whatever is done about the rest of it.
fn told(edge: &Edge, lost: bool) -> String {
    let mut line = String::from("  ");
    let (sign, what) = match edge.kind {
        EdgeKind::Injected => ("●", "in place"),
        EdgeKind::Recovered if lost => ("·", "is over, it was lost before its end"),
        EdgeKind::Recovered => ("✓", "recovered"),
        EdgeKind::Over => ("·", "is over, and cannot be undone"),
        EdgeKind::Lost => ("!", "lost"),
        EdgeKind::Answered => ("✓", "answers again"),
        _ => ("·", "changed"),
    };
    write!(line, "{sign} {} {what} on {}", edge.fault, edge.target).ok();
    if let Some(times) = acted(edge) {
        write!(line, ", acted {times}").ok();
    }
    if let (Some(detail), EdgeKind::Lost) = (&edge.detail, edge.kind) {
        write!(line, ": {detail}").ok();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recovered(fault: &str, hits: u64) -> String {
        let edge = serde_json::json!({
            "kind": "recovered", "fault": fault, "target": "host", "index": 0, "repetition": 0,
            "requested": 0.0, "confirmed": 0.0, "hits": hits, "detail": null,
        });
        told(&serde_json::from_value(edge).unwrap(), false)
    }

    #[test]
    fn only_faults_on_requests_say_how_often_they_acted() {
        assert_eq!(
            recovered("mem.fill", 12800),
            "  ✓ mem.fill recovered on host"
        );
        assert_eq!(
            recovered("net.latency", 1),
            "  ✓ net.latency recovered on host, acted 1 time"
        );
    }

    fn shown(width: usize) -> String {
        let shown = Shown {
            name: String::new(),
            phase: Some(Phase::Recovery),
            since: Instant::now(),
            planned: Duration::from_secs(30),
            load: None,
            width,
            lost: BTreeSet::new(),
        };
        shown.to_string()
    }

    #[test]
    fn the_moving_line_leaves_room_for_the_counts() {
        // As long as they get in an hour of 100 requests per second.
        let counts = "  360000 requests, 18000 failed".len();
        for width in [60, 80, 120] {
            let length = "⠋ ".chars().count() + shown(width).chars().count() + counts;
            assert!(length <= width, "{length} of {width}");
        }
        assert!(shown(80).contains('─') && !shown(50).contains('─'));
    }
}
