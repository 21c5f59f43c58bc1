//! Compares a configuration file with the list of keys.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, line_at};
use super::problem::Located;
use super::schema::{KEYS, KeySpec, Kind};
use super::suggest::did_you_mean;
use super::values::account;

/// All problems, in the order of the file: keys that do not exist, and values of another kind. Also the values without
/// problems.
pub(super) fn check(document: &Document) -> (Vec<Located>, DeTable<'_>) {
    let mut found = Vec::new();
    let kept = table(document.table(), &mut Vec::new(), &mut found);
    found.sort_by_key(|(offset, ..)| *offset);
    let located = found.into_iter().map(|(offset, key, reason)| Located {
        line: line_at(document.text(), offset),
        key,
        reason,
    });
    (located.collect(), kept)
}

/// The keys that may be in the table at `path`.
fn known(path: &[String]) -> impl Iterator<Item = &'static KeySpec> + '_ {
    KEYS.iter().filter(move |key| {
        key.path.len() > path.len()
            && key.path.iter().zip(path).all(|(known, name)| *known == "*" || known == name)
    })
}

/// Adds the problems of a table to `found`: byte, key, reason. Returns the values without problems.
fn table<'i>(
    values: DeTable<'i>,
    path: &mut Vec<String>,
    found: &mut Vec<(usize, String, String)>,
) -> DeTable<'i> {
    let mut kept = DeTable::new();
    for (name, value) in values {
        let depth = path.len();
        path.push(name.get_ref().to_string());
        let key = path.join(".");
        let keys: Vec<&KeySpec> = known(&path[..depth])
            .filter(|key| key.path.get(depth).is_some_and(|known| *known == "*" || known == name.get_ref()))
            .collect();
        let span: Range<usize> = value.span();
        let is_table = keys.iter().all(|key| key.path.len() > depth + 1);
        match (keys.first(), value.into_inner()) {
            (None, _) => {
                let names: Vec<&str> =
                    known(&path[..depth]).filter_map(|key| key.path.get(depth).copied()).collect();
                let hint = did_you_mean(name.get_ref(), names.iter().copied());
                let hint = match hint.as_str() {
                    "" => format!("; the keys are {}", in_words(names)),
                    _ => hint,
                };
                found.push((name.span().start, key, format!("there is no such key{hint}")));
            }
            (Some(_), DeValue::Table(inner)) if is_table => {
                let inner = table(inner, path, found);
                kept.insert(name, Spanned::new(span, DeValue::Table(inner)));
            }
            (Some(_), other) if is_table => {
                let reason = format!("expected a table, such as [{key}], not {}", shown(&other));
                found.push((span.start, key, reason));
            }
            (Some(spec), other) => match check_value(spec.kind, &other) {
                Ok(()) => drop(kept.insert(name, Spanned::new(span, other))),
                Err(reason) => found.push((span.start, key, reason)),
            },
        }
        path.pop();
    }
    kept
}

/// `a, b and c`, without repeats.
fn in_words(names: Vec<&str>) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique.join(", ")
}

/// A value as an error shows it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Whether a value is of this kind.
fn check_value(kind: Kind, value: &DeValue<'_>) -> Result<(), String> {
    let wrong = || Err(format!("expected {}, not {}", kind.expected(), shown(value)));
    let are_texts = |value: &DeValue<'_>| match value {
        DeValue::Array(items) => items.iter().all(|item| matches!(item.get_ref(), DeValue::String(_))),
        _ => false,
    };
    let number = match value {
        DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
        _ => None,
    };
    let is_text = matches!(value, DeValue::String(_));
    let is_right = match kind {
        Kind::Text
        | Kind::Path
        | Kind::Style
        | Kind::Filter
        | Kind::Table
        | Kind::Sort
        | Kind::Time
        | Kind::Theme => is_text,
        Kind::Flag => matches!(value, DeValue::Boolean(_)),
        Kind::Dollars => number.is_some_and(|number| number.is_finite() && number >= 0.0),
        Kind::Count => matches!(value, DeValue::Integer(_)) && number.is_some_and(|number| number >= 1.0),
        Kind::Texts | Kind::Paths | Kind::Columns => are_texts(value),
        Kind::Keys => is_text || are_texts(value),
        Kind::Accounts => {
            let DeValue::Array(items) = value else { return wrong() };
            for item in items.iter() {
                let DeValue::String(text) = item.get_ref() else { return wrong() };
                account(text).map_err(|error| format!("{error}, not {text:?}"))?;
            }
            true
        }
    };
    if is_right { Ok(()) } else { wrong() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let document = Document::parse(text.to_owned()).unwrap();
        check(&document).0.iter().map(ToString::to_string).collect()
    }

    /// The text of a file that has only this key.
    fn with(spec: &KeySpec, value: &str) -> String {
        let name = |segment: &str| if segment == "*" { "x".to_owned() } else { segment.to_owned() };
        let path: Vec<String> = spec.path.iter().map(|segment| name(segment)).collect();
        format!("{} = {value}\n", path.join("."))
    }

    #[test]
    fn the_example_of_every_key_is_valid() {
        for spec in &KEYS {
            assert_eq!(found(&with(spec, spec.example)), Vec::<String>::new(), "{:?}", spec.path);
        }
    }

    #[test]
    fn a_wrong_value_of_every_key_is_found() {
        for spec in &KEYS {
            let wrong = found(&with(spec, "1979-05-27"));
            assert_eq!(wrong.len(), 1, "{:?}", spec.path);
            assert!(wrong[0].contains(spec.kind.expected()), "{wrong:?}");
        }
    }

    #[test]
    fn all_problems_are_found_in_the_order_of_the_file() {
        let text = "them = \"dark\"\nresolve = \"yes\"\nprices = 3\n[investigations.a]\nfitler = \"\"\n[zebra]\nx = 1\n";
        assert_eq!(
            found(text),
            [
                "line 1: them: there is no such key; did you mean theme?",
                "line 2: resolve: expected true or false, not \"yes\"",
                "line 3: prices: expected a table, such as [prices], not 3",
                "line 5: investigations.a.fitler: there is no such key; did you mean filter?",
                "line 6: zebra: there is no such key; the keys are sources, cache, endpoint_url, region, profile, \
                 ip_databases, aws_ip_ranges, resolve, theme, links, prices, keys, columns, themes, investigations",
            ]
        );
    }

    #[test]
    fn numbers_have_a_range() {
        for (text, expected) in [
            ("prices.tier_1 = -1", "0 or more, not -1"),
            ("prices.tier_1 = nan", "0 or more, not nan"),
            ("prices.internet_volume = 0", "1 or more, not 0"),
            ("prices.internet_volume = 1.5", "1 or more, not 1.5"),
        ] {
            assert!(found(text)[0].ends_with(expected), "{:?}", found(text));
        }
    }
}
