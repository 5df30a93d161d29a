//! What a benchmark that is a program is asked for, and how it ends.

use crate::Result;
use std::{collections::HashMap, process::ExitCode};

/// Which parts are to be measured, and options with their values.
#[derive(Debug)]
#[non_exhaustive]
pub struct Arguments {
    parts: Vec<String>,
    options: HashMap<String, String>,
}

impl Arguments {
    /// Reads them; whatever is neither one of the parts nor one of the options is told the help.
    ///
    /// # Errors
    /// The help, or that an option has no value.
    pub fn read(
        mut arguments: impl Iterator<Item = String>,
        parts: &[&str],
        options: &[&str],
        help: &str,
    ) -> Result<Self> {
        let mut read = Self {
            parts: Vec::new(),
            options: HashMap::new(),
        };
        while let Some(argument) = arguments.next() {
            if parts.contains(&argument.as_str()) {
                read.parts.push(argument);
            } else if options.contains(&argument.as_str()) {
                let value = arguments.next().ok_or("a value is missing")?;
                read.options.insert(argument, value);
            } else {
                return Err(help.into());
            }
        }
        Ok(read)
    }

    /// Whether a part is to be measured: without any all of them are.
    pub fn has(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|p| p == part)
    }

    /// The value of an option.
    pub fn value(&self, option: &str) -> Option<&str> {
        self.options.get(option).map(String::as_str)
    }

    /// The value of an option that is a number.
    ///
    /// # Errors
    /// The value is no number.
    pub fn number(&self, option: &str, default: usize) -> Result<usize> {
        match self.value(option) {
            Some(value) => Ok(value.parse()?),
            None => Ok(default),
        }
    }
}

/// Ends the program by whether every target was met.
#[expect(clippy::print_stdout, reason = "its output is the measurement")]
pub fn ended(met: Result<bool>) -> ExitCode {
    match met {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Arguments, String> {
        let arguments = arguments.iter().map(ToString::to_string);
        let (parts, options) = (["speed", "effects"], ["--rounds", "--oha"]);
        Arguments::read(arguments, &parts, &options, "the help").map_err(|e| e.to_string())
    }

    #[test]
    fn without_a_part_all_are_measured() {
        assert!(read(&[]).unwrap().has("speed"));
        let some = read(&["effects", "--rounds", "3"]).unwrap();
        assert!(some.has("effects") && !some.has("speed"));
        assert_eq!(some.number("--rounds", 7).unwrap(), 3);
        assert_eq!(read(&[]).unwrap().number("--rounds", 7).unwrap(), 7);
    }

    #[test]
    fn what_nobody_knows_is_told_the_help() {
        for unknown in ["--help", "speeds"] {
            assert_eq!(read(&[unknown]).unwrap_err(), "the help");
        }
        assert_eq!(read(&["--oha"]).unwrap_err(), "a value is missing");
        let many = read(&["--rounds", "many"]).unwrap();
        many.number("--rounds", 7).unwrap_err();
    }
}
