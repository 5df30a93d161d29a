//! Promises that no run can break.

use super::Slos;
use crate::report::Short;
use std::time::Duration;

impl Slos {
    /// Which of these promises can never be missed in an experiment that is judged for `window`, of which the recovery takes
    /// `recovery` at most; in words, with what to change. Such a promise is kept whatever happens.
    ///
    /// ```
    /// # use {chaos_validator::{Slo, Slos}, std::time::Duration};
    /// let slos = Slos::default().with(Slo::ErrorRate, 100.0);
    /// let told = slos.never_missed(Duration::from_secs(60), Duration::from_secs(30));
    /// assert!(told[0].contains("max_error_rate_percent"));
    /// ```
    pub fn never_missed(&self, window: Duration, recovery: Duration) -> Vec<String> {
        let mut told = Vec::new();
        let mut tell = |field: &str, why: String| {
            told.push(format!(
                "{field} can never be missed: {why}; write what is promised, or `null` when nothing is"
            ));
        };
        if self
            .max_error_rate_percent
            .is_some_and(|most| most >= 100.0)
        {
            let why = "no more than 100 % of the requests can fail";
            tell("max_error_rate_percent", why.to_owned());
        }
        if self
            .min_availability_percent
            .is_some_and(|least| least <= 0.0)
        {
            let why = "nothing is up for less than 0 % of the time";
            tell("min_availability_percent", why.to_owned());
        }
        // Beside a promised availability, which is missed before, it is told as a contradiction.
        let alone = self
            .min_availability_percent
            .is_none_or(|least| least <= 0.0);
        if let Some(mttr) = self
            .mttr_seconds
            .filter(|mttr| *mttr >= window.as_secs_f64())
            && alone
        {
            let why = format!("{mttr} s are longer than the {} of the run", Short(window));
            tell("mttr_seconds", why);
        }
        let most = self.max_recovery_time_seconds;
        if let Some(most) = most.filter(|most| *most > recovery.as_secs_f64()) {
            let why = format!(
                "{most} s are longer than recovery_limit ({}), when the run is over",
                Short(recovery)
            );
            tell("max_recovery_time_seconds", why);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Slo;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_promise_that_is_always_kept_is_named() {
        let kept = |slo, threshold| {
            let slos = Slos::none().with(slo, threshold);
            slos.never_missed(S * 60, S * 30).concat()
        };
        for (slo, threshold) in [
            (Slo::ErrorRate, 100.0),
            (Slo::Availability, 0.0),
            (Slo::Mttr, 60.0),
            (Slo::RecoveryTime, 31.0),
            (Slo::RecoveryTime, 1e300),
        ] {
            let told = kept(slo, threshold);
            assert!(told.starts_with(slo.field()), "{told}");
            assert!(told.contains("can never be missed"), "{told}");
        }
        for (slo, threshold) in [
            (Slo::ErrorRate, 99.9),
            (Slo::Availability, 0.1),
            (Slo::Mttr, 59.0),
            (Slo::RecoveryTime, 30.0),
        ] {
            assert_eq!(kept(slo, threshold), "");
        }
        assert!(Slos::default().never_missed(S * 20, S * 10).is_empty());
    }
}
