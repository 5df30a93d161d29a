//! Values with units, as they stand in files: `"250ms"`, `"8mbit"`, `"256MiB"`, `75`.

mod bytes;
mod error;
mod percent;
mod quantity;
mod rate;
mod size;
mod text;
mod time;

pub use bytes::Bytes;
pub use error::UnitError;
pub use percent::Percent;
pub use rate::Rate;
pub use size::Size;
pub use time::Time;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn values_read_as_people_write_them() {
        let time = |text: &str| text.parse::<Time>().unwrap().get();
        assert_eq!(time("250ms"), Duration::from_millis(250));
        assert_eq!(time("1m 30s"), Duration::from_secs(90));
        assert_eq!(time("1.5s"), Duration::from_millis(1500));
        assert_eq!(time("0"), Duration::ZERO);
        let rate = |text: &str| text.parse::<Rate>().unwrap().get();
        assert_eq!(rate("8mbit"), 1_000_000);
        assert_eq!(rate("1MB/s"), 1_000_000);
        assert_eq!(rate("1MiB/s"), 1 << 20);
        let size = |text: &str| text.parse::<Size>().unwrap();
        assert_eq!(size("256MiB"), Size::Bytes(256 << 20));
        assert_eq!(size("1GB"), Size::Bytes(1_000_000_000));
        assert_eq!(size("75%"), Size::Percent(75.0));
        let bytes = |text: &str| text.parse::<Bytes>().unwrap().get();
        assert_eq!(bytes("64B"), 64);
        assert_eq!(bytes("64 KiB"), 64 << 10);
        assert_eq!(bytes("0"), 0);
        for (text, percent) in [
            ("10", 10.0),
            ("0.5", 0.5),
            (r#""10%""#, 10.0),
            (r#""0.5%""#, 0.5),
        ] {
            let read: Percent = serde_json::from_str(text).unwrap();
            assert_eq!(read.get(), percent, "{text}");
        }
    }

    #[test]
    fn wrong_units_are_refused_with_what_is_allowed() {
        for (text, says) in [
            ("5", "no unit"),
            ("-5s", "negative"),
            ("5 parsecs", "not a time"),
            ("1.5 moons", "not a time"),
            ("18446744073709551615s", "at most 366 days"),
            ("99999.5d", "at most 366 days"),
        ] {
            let error = text.parse::<Time>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        for (text, says) in [
            ("8mbps", "ambiguous"),
            ("8", "no unit"),
            ("8MB", "not a rate"),
            ("1bit", "less than one byte"),
            ("x", "not a rate"),
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        for (text, says) in [
            ("130%", "between 0 and 100"),
            ("5", "no unit"),
            ("5 furlongs", "not a size"),
        ] {
            let error = text.parse::<Size>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        for text in [
            "130",
            "-1",
            r#""130%""#,
            r#""10""#,
            r#""%""#,
            r#""ten%""#,
            "true",
        ] {
            let error = serde_json::from_str::<Percent>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains("0 to 100"), "{text}: {error}");
        }
        assert!(
            serde_json::from_str::<Time>("300")
                .unwrap_err()
                .to_string()
                .contains("300s")
        );
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for bytes in [0, 1, 1000, 1024, 1_500_000, 256 << 20, 3 << 40] {
            let size = Size::Bytes(bytes);
            assert_eq!(size.to_string().parse::<Size>().unwrap(), size, "{size}");
        }
        for ms in [0, 1, 1500, 90_000] {
            let time = Time::new(Duration::from_millis(ms));
            assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
        }
    }
}
