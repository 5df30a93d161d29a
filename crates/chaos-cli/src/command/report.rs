//! `chaos report`: a run's JSON in another form, and two of them compared.

use super::{INTERNAL, USAGE, complain, files, output::print};
use chaos_core::Chain;
use chaos_validator::{CompareTolerance, Comparison, Format, Paint, Summary, terminal_width};
use std::{
    env, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// What `chaos run --output` has written.
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// The form: table, json, markdown, html, junit, github or prometheus. Default: by the name of --output, or table.
    #[arg(short, long)]
    format: Option<Format>,
    /// Writes to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Says whether the second run is worse than the first: exit code 1 when it is, 0 when it is not, 3 when it cannot be told.
    Compare(Compare),
}

#[derive(Debug, clap::Args)]
struct Compare {
    /// What `chaos run --output` wrote of the build that it is compared with.
    before: PathBuf,
    /// What it wrote of this build.
    now: PathBuf,
    /// How much worse is no worse, in percent of the value before; at least 0.5 % of requests or time, 5 ms of latency and 0.2 s of
    /// recovery are.
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, value_parser = percent)]
    tolerance: f64,
    /// The form: table, json or markdown.
    #[arg(short, long, default_value = "table")]
    format: Format,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text
        .parse::<f64>()
        .ok()
        .filter(|p| (0.0..=1000.0).contains(p));
    percent.ok_or_else(|| format!("`{text}` is not a number from 0 to 1000"))
}

pub(crate) fn run(args: &Args) -> u8 {
    let done = match (&args.command, &args.file) {
        (Some(Command::Compare(compare)), _) => compare_two(compare),
        (None, Some(file)) => render(args, file),
        (None, None) => Err(USAGE),
    };
    done.unwrap_or_else(|code| code)
}

/// In the form that was asked for; 0, whatever the verdict: it was told when it was run.
fn render(args: &Args, file: &Path) -> Result<u8, u8> {
    let summary = read(file)?;
    let format = match (args.format, &args.output) {
        (Some(format), _) => format,
        (None, Some(path)) if path.extension().is_some() => {
            Format::of_path(path).ok_or_else(|| {
                let path = path.display();
                complain(&format!(
                    "error: --output {path}: the name does not say the form: add `--format junit`, say"
                ));
                USAGE
            })?
        }
        (None, _) => Format::Table,
    };
    match &args.output {
        Some(path) if files::is_same(path, file) => {
            complain(&format!(
                "error: --output {}: is the report that is read; write to another file",
                path.display()
            ));
            return Err(USAGE);
        }
        Some(path) => write(&summary, format, path)?,
        None => print(&rendered(&summary, format)?),
    }
    Ok(0)
}

fn compare_two(args: &Compare) -> Result<u8, u8> {
    let (before, now) = (read(&args.before)?, read(&args.now)?);
    let tolerance = CompareTolerance::relative(args.tolerance / 100.0);
    let comparison = Comparison::of(&before, &now, tolerance);
    match args.format {
        Format::Table => print(&format!(
            "{}\n",
            comparison.table(Paint::detect(), terminal_width())
        )),
        Format::Markdown => print(&comparison.markdown()),
        Format::Json => {
            let json = comparison.to_json();
            let json = json.map_err(|error| super::internal_code(&error))?;
            print(&format!("{json}\n"));
        }
        other => {
            complain(&format!(
                "error: a comparison has no form `{other}`; table, json and markdown are there"
            ));
            return Err(USAGE);
        }
    }
    Ok(comparison.exit_code())
}

fn read(path: &Path) -> Result<Summary, u8> {
    let text = bounded(path).map_err(|error| {
        complain(&format!("error: {}: {error}", path.display()));
        USAGE
    })?;
    Summary::from_json(&text).map_err(|error| {
        complain(&format!("error: {}: {}", path.display(), Chain(&error)));
        USAGE
    })
}

/// The longest report that is read: far more than any run writes.
const LONGEST: u64 = 256 << 20;

fn bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut file = fs::File::open(path)?.take(LONGEST + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other(
            "it is no report: it is longer than 256 MiB",
        ));
    }
    Ok(text)
}

fn rendered(summary: &Summary, format: Format) -> Result<String, u8> {
    let text = summary.render(format).map_err(|error| {
        complain(&format!("error: {}", Chain(&error)));
        INTERNAL
    })?;
    if format == Format::Github {
        step_summary(summary);
    }
    Ok(text)
}

/// Adds the Markdown to the summary of the step, within a GitHub workflow.
fn step_summary(summary: &Summary) {
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let added = summary
        .render(Format::Markdown)
        .map_err(io::Error::other)
        .and_then(|markdown| {
            let mut file = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)?;
            file.write_all(markdown.as_bytes())
        });
    if let Err(error) = added {
        complain(&format!(
            "warning: GITHUB_STEP_SUMMARY, {}: {error}",
            path.display()
        ));
    }
}

/// Writes the reports to a file, all at once: who reads it meanwhile sees the old one or the new one.
pub(super) fn write(summary: &Summary, format: Format, path: &Path) -> Result<(), u8> {
    let text = rendered(summary, format)?;
    put(path, &text).map_err(|error| {
        complain(&format!(
            "error: the report could not be written to {}: {error}",
            path.display()
        ));
        INTERNAL
    })
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    // What is a link, a device or a pipe stays that, and is written through.
    let is_special = fs::symlink_metadata(path).is_ok_and(|found| !found.is_file());
    let Some(name) = path.file_name().filter(|_| !is_special) else {
        return fs::write(path, text);
    };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(hidden);
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .inspect_err(|_| {
            fs::remove_file(&beside).ok();
        })
}

/// `FILE`, whose name says the form, or `FORMAT=FILE`.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) format: Format,
    pub(super) path: PathBuf,
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((format, path)) = text.split_once('=')
            && let Ok(format) = format.parse()
        {
            let path = path.into();
            return Ok(Self { format, path });
        }
        let path = PathBuf::from(text);
        match Format::of_path(&path) {
            Some(format) => Ok(Self { format, path }),
            None => Err(format!(
                "the name `{text}` does not say the form: write `html={text}`, say"
            )),
        }
    }
}
