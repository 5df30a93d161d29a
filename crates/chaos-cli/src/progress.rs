//! What a person sees while an experiment runs.

use chaos_core::{
    BoxError, Edge, EdgeKind, Event, Observer, Outcome, Phase, RunHandle, Verdict, async_trait,
};
use chaos_validator::Load;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::{
    fmt::{self, Write as _},
    io::{IsTerminal, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How wide the bar is, in characters.
const WIDTH: usize = 24;

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
        match &self.bar {
            Some(bar) => bar.println(line),
            // Nobody to tell when standard error is closed.
            None => {
                writeln!(std::io::stderr(), "{line}").ok();
            }
        }
    }
}

fn live_line(shown: Arc<Mutex<Shown>>) -> ProgressBar {
    let line = move |_: &ProgressState, out: &mut dyn fmt::Write| {
        let shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
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
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a small width"
        )]
        let full = (share * WIDTH as f64) as usize;
        let bar = "━".repeat(full) + &"─".repeat(WIDTH - full);
        let limit = if phase == Phase::Recovery {
            "at most "
        } else {
            ""
        };
        write!(
            f,
            "{:<9} {bar} {:>4.1}s of {limit}{:.0}s",
            phase.to_string(),
            elapsed.as_secs_f64(),
            self.planned.as_secs_f64()
        )?;
        if let Some(load) = &self.load {
            let counts = load.recording().counts();
            write!(f, "   {} requests, {} failed", counts.done(), counts.bad)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Observer for Progress {
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
        self.shown().name = run.name().to_owned();
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
                    self.say(&format!("  {phase}: {limit}{planned:.0?}"));
                }
            }
            Event::Edge(edge) => self.say(&told(edge)),
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

fn told(edge: &Edge) -> String {
    let mut line = String::from("  ");
    let (sign, what) = match edge.kind {
        EdgeKind::Injected => ("●", "in place"),
        EdgeKind::Recovered => ("✓", "recovered"),
        EdgeKind::Lost => ("!", "lost"),
        EdgeKind::Answered => ("✓", "answers again"),
        _ => ("·", "changed"),
    };
    write!(line, "{sign} {} {what} on {}", edge.fault, edge.target).ok();
    if let (Some(hits), EdgeKind::Recovered) = (edge.hits, edge.kind) {
        write!(line, ", hit {hits} times").ok();
    }
    if let (Some(detail), EdgeKind::Lost) = (&edge.detail, edge.kind) {
        write!(line, ": {detail}").ok();
    }
    line
}
