//! Findings in every format: rows with the columns that scripts rely on, and text for people.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::columns::value_cell;
use super::sheet::{Cell, Sheet};
use super::visible::{visible, visible_bytes, visible_filter};
use crate::human;
use crate::insight::findings::Finding;
use crate::insight::findings::mute::Mute;
use crate::query::{Dimension, Filter, Value};

/// The columns of findings in JSON and CSV, in their order.
const COLUMNS: [&str; 12] = [
    "kind",
    "dimension",
    "value",
    "start",
    "end",
    "requests",
    "bytes_sent",
    "errors",
    "cost",
    "score",
    "filter",
    "explanation",
];
/// Narrowest text that is wrapped, in terminal columns.
const MIN_WIDTH: usize = 40;
/// Width of the text if the output is not a terminal.
const DEFAULT_WIDTH: usize = 100;

/// What a mute mutes, for people: `scraping about 203.0.113.7`. Text from logs is escaped.
pub fn mute_text(mute: &Mute) -> String {
    let mut text = mute.kind.as_deref().map_or("all findings".into(), visible).into_owned();
    if let Some(value) = &mute.value {
        text.push_str(&format!(" about {}", visible_bytes(value)));
    }
    if let Some(filter) = &mute.filter {
        text.push_str(&format!(" within {}", visible_filter(filter)));
    }
    text
}

/// A finding, and why it is not among those that need attention, if it is not.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingRow {
    /// The finding.
    pub finding: Finding,
    /// `ordinary: recurring job`, `muted 3: our own mirror`.
    pub label: Option<String>,
}

impl FindingRow {
    /// A finding that needs attention, or one that is labelled as ordinary traffic.
    pub fn new(finding: Finding) -> FindingRow {
        let label = finding.label.map(|label| format!("ordinary: {label}"));
        FindingRow { finding, label }
    }

    /// A muted finding.
    pub fn muted(finding: Finding, by: &Mute) -> FindingRow {
        let label = match &by.reason {
            Some(reason) => format!("muted {}: {reason}", by.id),
            None => format!("muted {}", by.id),
        };
        FindingRow { finding, label: Some(label) }
    }
}

/// The sheet of findings. The column `label` is at its end if any row may have one.
pub fn findings_sheet(rows: &[FindingRow], with_labels: bool) -> Sheet<'_> {
    let mut columns = COLUMNS.to_vec();
    columns.extend(with_labels.then_some("label"));
    let rows = rows.iter().map(move |FindingRow { finding, label }| {
        let (dimension, value) = match &finding.subject {
            Some((dimension, value)) => (Cell::Owned(dimension.name().into_bytes()), value_cell(value)),
            None => (Cell::Absent, Cell::Absent),
        };
        let mut cells = vec![
            Cell::Text(finding.kind.name().as_bytes()),
            dimension,
            value,
            Cell::Instant(finding.start),
            Cell::Instant(finding.end),
            Cell::Number(finding.stats.requests.into()),
            Cell::Bytes(finding.stats.bytes_sent.into()),
            Cell::Number(finding.stats.errors.into()),
            finding.cost.map_or(Cell::Absent, |cost| Cell::Dollars(rounded(cost, 1e4))),
            Cell::Ratio(rounded(finding.score, 10.0)),
            Cell::Filter(finding.filter.to_string()),
            Cell::Text(finding.explanation.as_bytes()),
        ];
        if with_labels {
            cells.push(label.as_ref().map_or(Cell::Absent, |label| Cell::Text(label.as_bytes())));
        }
        cells
    });
    Sheet::new(&columns, Box::new(rows), None)
}

/// The nearest number with as many decimals as `unit` has zeros.
fn rounded(number: f64, unit: f64) -> f64 {
    (number * unit).round() / unit
}

/// Writes findings as paragraphs: what and when, the sentence, and the filter that shows the requests.
pub fn write_findings(rows: &[FindingRow], width: Option<u16>, out: &mut dyn Write) -> io::Result<()> {
    let width = width.map_or(DEFAULT_WIDTH, usize::from).max(MIN_WIDTH);
    let digits = rows.len().to_string().len();
    let indent = " ".repeat(digits + 2);
    for (number, FindingRow { finding, label }) in (1..).zip(rows) {
        let subject = subject_text(finding);
        let label = label.as_ref().map_or(String::new(), |label| format!("  ({})", visible(label)));
        if number > 1 {
            writeln!(out)?;
        }
        writeln!(out, "{number:>digits$}  {}  {subject}{label}", finding.kind.name())?;
        let mut facts = vec![
            format!("{} – {} UTC", human::instant(finding.start), human::instant(finding.end)),
            human::counted(finding.stats.requests, "request"),
            human::bytes(finding.stats.bytes_sent),
        ];
        if finding.stats.errors > 0 {
            facts.push(human::counted(finding.stats.errors, "error"));
        }
        facts.push(format!("score {:.0}", finding.score));
        for line in wrap(&facts.join(", "), width - indent.len()) {
            writeln!(out, "{indent}{line}")?;
        }
        for line in wrap(&visible(&finding.explanation), width - indent.len()) {
            writeln!(out, "{indent}{line}")?;
        }
        // Not wrapped, to be copied.
        writeln!(out, "{indent}filter: {}", visible_filter(&finding.filter.to_string()))?;
    }
    Ok(())
}

/// The subject as a filter term.
fn subject_text(finding: &Finding) -> String {
    let term = |(dimension, value): &(Dimension, Value)| {
        visible_filter(&Filter::term_for(dimension, value).to_string()).into_owned()
    };
    finding.subject.as_ref().map_or("all requests".to_owned(), term)
}

/// Breaks a text into lines at spaces, but not between a number and its unit. A word that is longer than a line has a line of
/// its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match words.last_mut().filter(|before| human::is_before_unit(before, word)) {
            Some(before) => *before += &format!(" {word}"),
            None => words.push(word.to_owned()),
        }
    }
    let mut lines = vec![String::new()];
    for word in &words {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.clone());
        }
    }
    lines
}

/// One line about a finding, for logs and mails: kind, value, time, label in parentheses, sentence.
pub fn finding_line(FindingRow { finding, label }: &FindingRow) -> String {
    let subject = subject_text(finding);
    let (start, end) = (human::rfc3339(finding.start), human::rfc3339(finding.end));
    let label = label.as_ref().map_or(String::new(), |label| format!("({}) ", visible(label)));
    format!("{} {subject} {start} {end} {label}{}", finding.kind.name(), visible(&finding.explanation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::findings::{Kind, Ordinary};
    use crate::query::Stats;

    fn row() -> FindingRow {
        let finding = Finding {
            kind: Kind::Scraping,
            subject: Some((Dimension::AgentFamily, Value::from("evil\u{1b}[2J"))),
            start: 1_775_012_400,
            end: 1_775_014_800,
            stats: Stats { requests: 11_904, bytes_sent: 3_328_599_654, errors: 2, ..Stats::default() },
            cost: Some(0.280_000_000_1),
            score: 93.25,
            filter: Filter::parse("agent_family:\"evil\\x1b[2J\"", 0).unwrap(),
            explanation: "evil\u{1b}[2J fetched 11,904 different keys in 40 min, in key order,\neach once."
                .to_owned(),
            label: None,
        };
        FindingRow { finding, label: None }
    }

    fn output_of(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_from_logs_is_escaped_in_every_format() {
        for format in super::super::Format::ALL {
            let rows = [row()];
            let text =
                output_of(|out| super::super::write_sheet(findings_sheet(&rows, true), format, None, out));
            assert!(!text.contains('\u{1b}'), "{format:?}: {text}");
        }
        assert!(!output_of(|out| write_findings(&[row()], None, out)).contains('\u{1b}'));
        let line = finding_line(&row());
        assert!(!line.contains('\u{1b}') && line.lines().count() == 1, "{line}");
    }

    #[test]
    fn the_escapes_of_a_filter_were_escaped_again() {
        for format in super::super::Format::ALL {
            let rows = [row()];
            let text =
                output_of(|out| super::super::write_sheet(findings_sheet(&rows, false), format, None, out));
            assert!(!text.contains("u{5c}"), "{format:?}: {text}");
        }
    }

    #[test]
    fn a_mute_is_described_by_its_conditions_and_was_escaped_twice() {
        let mute = |kind: Option<&str>, value: Option<&[u8]>, filter: Option<&str>| {
            mute_text(&Mute {
                kind: kind.map(str::to_owned),
                value: value.map(<[u8]>::to_vec),
                filter: filter.map(str::to_owned),
                ..Mute::default()
            })
        };
        assert_eq!(mute(Some("scraping"), Some(b"192.0.2.1"), None), "scraping about 192.0.2.1");
        assert_eq!(mute(None, Some(b"a\x1b\xff"), None), "all findings about a\\u{1b}\\xff");
        let filter = Filter::parse("key:\"a\\x1b\"", 0).unwrap().to_string();
        assert_eq!(mute(None, None, Some(&filter)), format!("all findings within {filter}"));
    }

    #[test]
    fn a_line_about_an_ordinary_or_muted_finding_did_not_say_so() {
        let ordinary = Finding { label: Some(Ordinary::RecurringJob), ..row().finding };
        let line = finding_line(&FindingRow::new(ordinary));
        assert!(line.contains("Z (ordinary: recurring job) evil"), "{line}");
        let by = Mute { id: 3, reason: Some("ours\u{202e}".to_owned()), ..Mute::default() };
        let line = finding_line(&FindingRow::muted(row().finding, &by));
        assert!(line.contains("Z (muted 3: ours\\u{202e}) evil"), "{line}");
    }

    #[test]
    fn ndjson_has_the_documented_fields_in_their_order() {
        let rows = [row()];
        let text = output_of(|out| {
            super::super::write_sheet(findings_sheet(&rows, false), super::super::Format::Ndjson, None, out)
        });
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(object.keys().collect::<Vec<_>>(), COLUMNS);
        assert_eq!(object["cost"], 0.28);
        assert_eq!(object["score"], 93.3);
        assert_eq!(object["start"], "2026-04-01T03:00:00Z");
    }

    #[test]
    fn a_finding_is_a_paragraph_that_fits_the_terminal() {
        let text = output_of(|out| write_findings(&[row()], Some(60), out));
        let expected = "\
1  scraping  agent_family:\"evil\\u{1b}[2J\"
   2026-04-01 03:00:00 – 2026-04-01 03:40:00 UTC, 11,904
   requests, 3.10 GiB, 2 errors, score 93
   evil\\u{1b}[2J fetched 11,904 different keys in 40 min, in
   key order,\\u{a}each once.
   filter: agent_family:\"evil\\u{1b}[2J\"
";
        assert_eq!(text, expected);
    }
}
