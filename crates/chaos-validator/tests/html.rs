//! The page: what is in it, and what never is.

#[path = "support/demo.rs"]
mod demo;

use chaos_core::Run;
use chaos_validator::{Class, Recording, Report, Slos, Summary};
use demo::Demo;

fn pages() -> Vec<(&'static str, String)> {
    demo::pages()
}

#[test]
fn every_page_is_whole() {
    for (name, page) in pages() {
        assert!(
            page.starts_with("<!DOCTYPE html>"),
            "{name}: {}",
            &page[..60]
        );
        assert!(page.trim_end().ends_with("</html>"), "{name}");
        for never in [
            "NaN",
            "inf\"",
            "Infinity",
            ">undefined",
            " style=\"",
            "http-equiv=\"refresh\"",
        ] {
            assert!(!page.contains(never), "{name}: {never}");
        }
    }
}

#[test]
fn a_page_asks_nobody_for_anything() {
    for (name, page) in pages() {
        for never in [
            "src=\"",
            "@import",
            "url(http",
            "<link",
            "<iframe",
            "<object",
            " onload=\"",
            " onclick=\"",
        ] {
            assert!(!page.contains(never), "{name}: {never}");
        }
        assert!(
            page.contains("default-src 'none'; style-src 'sha256-"),
            "{name}"
        );
        assert_eq!(page.matches("<script").count(), 1, "{name}");
        assert_eq!(page.matches("<style").count(), 1, "{name}");
    }
}

#[test]
fn names_are_text_whatever_they_are() {
    let page = demo::hostile().to_html().unwrap();
    for never in [
        "<img",
        "<svg onload",
        "<script>alert",
        "alert(1)>",
        "\" onfocus=\"",
        "\u{1b}",
    ] {
        assert!(!page.contains(never), "{never}");
    }
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(page.contains("{{ 7 * 7 }}"), "a name is no template");
    assert_eq!(page.matches("</script>").count(), 1);
}

#[test]
fn every_panel_is_there() {
    for (name, page) in pages() {
        for panel in [
            "glance",
            "tiles",
            "phases",
            "outcomes",
            "outages",
            "latency",
            "heatmap",
            "throughput",
            "slos",
            "instrument",
            "numbers",
            "setup",
        ] {
            assert!(
                page.contains(&format!("data-panel=\"{panel}\"")),
                "{name}: {panel}"
            );
        }
    }
    let watched = demo::watched().to_html().unwrap();
    assert!(watched.contains("data-panel=\"resources\""));
    assert!(
        demo::held()
            .to_html()
            .unwrap()
            .contains("data-panel=\"percentiles\"")
    );
}

#[test]
fn what_the_targets_used_is_drawn_said_and_reached_with_the_keyboard() {
    let page = demo::watched().to_html().unwrap();
    for words in [
        "Resources of the target",
        "aria-label=\"process on port 8000, fault: CPU 0.98 cores, at most 1.07\"",
        "aria-label=\"process on port 8000, fault: memory 128 MiB, at most 160 MiB\"",
        "aria-label=\"container cache, recovery: at most 300 descriptors\"",
        "<caption>what the targets used</caption>",
        ">CPU cores of process on port 8000</th>",
        "not there</li>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    // The time without the target is hatched in each of its pictures, and no line goes through it.
    let picture = page.split("id=\"s1-resources\"").nth(1).unwrap();
    let picture = picture.split("</figure>").next().unwrap();
    assert_eq!(picture.matches("class=\"nodata\"").count(), 3);
    let lines = picture.split("<path class=\"line ").skip(1);
    let moves: Vec<usize> = lines
        .map(|line| line.split("\"/>").next().unwrap().matches('M').count())
        .collect();
    assert_eq!(moves, [1, 1, 1, 2, 2, 2]);
    // Nobody was watched: nothing is said.
    assert!(!demo::held().to_html().unwrap().contains("Resources of"));
}

#[test]
fn the_verdict_and_its_number_come_first() {
    let page = demo::outage().to_html().unwrap();
    let main = page.split_once("<main>").unwrap().1;
    let top: String = main.split("</header>").take(1).collect();
    assert!(
        top.contains("FAIL") && top.contains("error rate") && top.contains("&gt; 5"),
        "{top}"
    );
}

#[test]
fn an_hour_is_small_enough_to_send() {
    let report = demo::hour();
    assert_eq!(report.timeline.slices.len(), 3600);
    let page = report.to_html().unwrap();
    assert!(page.len() <= 1_500_000, "{}", page.len());
}

#[test]
fn an_older_report_has_a_page_without_pictures() {
    let mut json: serde_json::Value =
        serde_json::from_str(&demo::held().to_json().unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("timeline").unwrap();
    let page = Report::from_json(&json.to_string())
        .unwrap()
        .to_html()
        .unwrap();
    assert!(page.contains("no traffic"));
}

#[test]
fn thresholds_that_are_no_numbers_break_nothing() {
    let demo = Demo::new("no numbers");
    for threshold in [f64::NAN, f64::INFINITY, -1.0, 0.0, f64::MAX] {
        let mut slos = Slos::default();
        slos.mttr_seconds = Some(threshold);
        slos.max_error_rate_percent = Some(threshold);
        slos.min_availability_percent = Some(threshold);
        slos.max_latency_degradation_ms = Some(threshold);
        slos.max_recovery_time_seconds = Some(threshold);
        let recording = demo.recording(|_, _| Some((1.0, Class::Ok)));
        let report = Report::new(demo.run(), &recording, &slos);
        assert!(report.to_html().unwrap().contains("</html>"));
    }
}

#[test]
fn runs_of_which_little_is_known_have_a_page() {
    let mut bare: serde_json::Value = serde_json::to_value(Demo::new("bare").run()).unwrap();
    for list in ["phases", "edges", "changes", "judged"] {
        bare[list] = serde_json::json!([]);
    }
    bare["took"] = serde_json::json!(0.0);
    let run: Run = serde_json::from_value(bare).unwrap();
    let recording =
        Demo::new("bare").recording(|at, _| (at < 0.01).then_some((0.0, Class::Unsent)));
    for report in [
        Report::new(run.clone(), &Recording::none(), &Slos::none()),
        Report::new(run, &recording, &Slos::default()),
    ] {
        assert!(report.to_html().unwrap().contains("</html>"));
    }
    assert!(
        Summary::default()
            .to_html()
            .unwrap()
            .contains("0 of 0 held")
    );
}

#[test]
fn a_summary_says_what_was_refused_and_what_was_not_run() {
    let page = demo::several().to_html().unwrap();
    assert!(page.contains("1 of 6 held"));
    for words in [
        "REFUSED",
        "production needs",
        "NOT RUN",
        "nothing is left of the night",
        "href=\"#s2\"",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<section class=\"run\"").count(), 4);
}

#[test]
fn a_page_as_it_is() {
    let mut demo = Demo::new("a few seconds");
    (demo.baseline, demo.fault, demo.end, demo.rate) = (2.0, 4.0, 6.0, 10.0);
    demo.faults = vec![(2.0, 4.0)];
    let report = demo.report(|at, _| {
        Some(if (2.4..3.4).contains(&at) {
            (1.0, Class::Refused)
        } else {
            (10.0, Class::Ok)
        })
    });
    let page = report.to_html().unwrap();
    // The style sheet and the script are files of their own.
    let without = |text: &str, tag: &str| {
        let (before, rest) = text.split_once(&format!("<{tag}>")).unwrap();
        let (_, after) = rest.split_once(&format!("</{tag}>")).unwrap();
        format!("{before}<{tag}>…</{tag}>{after}")
    };
    let page = without(&without(&page, "style"), "script");
    let lines = page.lines().map(|line| match line.contains("http-equiv") {
        true => "<meta http-equiv=\"Content-Security-Policy\" …>",
        false => line,
    });
    let lines = lines.filter(|line| !line.trim().is_empty() && !line.starts_with("<footer>"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n").replace("><", ">\n<"));
}
