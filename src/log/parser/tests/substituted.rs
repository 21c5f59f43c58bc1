//! Lines of every product with something else in the place of one field, before it, or after it. Whatever it is, no other field
//! changes its place.

use super::forms::forms;
use super::*;
use crate::log::record::MEASURES;

/// Texts in the place of a field.
const OTHERS: [&str; 26] = [
    "",
    "-",
    "- -",
    "\"-\"",
    "\"\"",
    "many",
    "a b",
    "a b c",
    "\"x y\"",
    "\"404 x\"",
    "x\"y",
    "\"",
    "x\"",
    "\"x",
    "\\\"",
    "12ms",
    "12 ms",
    "7 8",
    "404",
    "000",
    "-1",
    "1.5",
    "99999999999999999999",
    "99999999999999999999ms",
    "[x]",
    "Boto3/1.26",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '"']).filter(|word| !matches!(*word, "" | "-"))
}

/// What is wrong with a record of a line in which `other` is in the place of a field. `may_be_in` says which
/// other texts it may be a part of.
fn fault(
    record: &Record<'_>,
    original: &Record<'_>,
    replaced: Field,
    other: &str,
    may_be_in: impl Fn(Field) -> bool,
) -> Option<String> {
    let uri = String::from_utf8_lossy(record.logged(Field::RequestUri).unwrap_or_default()).into_owned();
    let has_status = uri.match_indices("\" ").any(|(at, _)| {
        uri[at + 2..]
            .split(' ')
            .next()
            .is_some_and(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if has_status {
        return Some(format!("a status in request_uri: {uri}"));
    }
    let text_of = |field| {
        original.logged(field).map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    };
    let own_of_replaced = text_of(replaced);
    for field in Field::all().filter(|field| !matches!(field, Field::Extra | Field::KeyLogged)) {
        let Some(value) = record.logged(field) else { continue };
        if original.logged(field) == Some(value) {
            continue;
        }
        let value = String::from_utf8_lossy(value).into_owned();
        let own =
            original.logged(field).map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
        let is_number = field == Field::HttpStatus || MEASURES.contains(&field);
        // A number is of the other text, not of another field; a text may have parts of the other text.
        let is_right = if is_number {
            let is_own = |part: &str| field == replaced || !words(&own_of_replaced).any(|own| own == part);
            words(&value).all(|word| words(other).any(|part| part == word && is_own(part)))
        } else if field != replaced && !may_be_in(field) {
            false
        } else {
            words(&value).all(|word| words(other).chain(words(&own)).any(|part| part == word))
        };
        if !is_right {
            return Some(format!("{} is {value}", field.name()));
        }
    }
    None
}

#[test]
fn whatever_is_in_the_place_of_a_field_no_other_field_changes_its_place() {
    let mut faults = Vec::new();
    let (mut read, mut rejected) = (0, 0);
    for form in forms() {
        let texts: Vec<&str> = form.fields.iter().map(|(_, text)| text.as_str()).collect();
        let whole = form.line();
        let original =
            parse_line(whole.as_bytes()).unwrap_or_else(|rejection| panic!("{rejection}: {whole}"));
        for (index, (field, text)) in form.fields.iter().enumerate() {
            for other in OTHERS {
                // A quoted text next to a quoted one may be part of it: clients may send quotes in any text.
                let is_quoted = |text: Option<&&str>| text.is_some_and(|text| text.contains('"'));
                let near = [
                    Some(text.as_str()),
                    index.checked_sub(1).map(|before| texts[before]),
                    texts.get(index + 1).copied(),
                ];
                let is_bare = form.is_bare();
                if is_bare && other.contains(' ') && !other.contains('"') {
                    continue;
                }
                let is_next_to_quotes =
                    other.contains('"') && near.iter().any(|text| is_quoted(text.as_ref()));
                // Next to a text of any form, it may be a word of it, or this text if it is absent. But a referer or user
                // agent with quotes has no other words.
                let may_be_in = |other: Field| {
                    let is_near =
                        (other as usize).abs_diff(*field as usize) < 3 || other == Field::SourceRegion;
                    let is_quoted = matches!(other, Field::RequestUri | Field::Referer | Field::UserAgent);
                    is_next_to_quotes
                        || form.is_unquoted()
                        || is_near && (!is_quoted || original.logged(other).is_none())
                };
                let is_added = !is_bare && !is_next_to_quotes;
                let added = [format!("{other} {text}"), format!("{text} {other}")];
                for other in std::iter::once(other.to_owned()).chain(added.into_iter().filter(|_| is_added)) {
                    let mut texts = texts.clone();
                    texts[index] = &other;
                    let line = texts.join(" ");
                    match parse_line(line.as_bytes()) {
                        Ok(record) => {
                            read += 1;
                            if let Some(fault) = fault(&record, &original, *field, &other, may_be_in) {
                                faults.push(format!("{} {} = {other:?}: {fault}", form.name, field.name()));
                            }
                        }
                        Err(_) => rejected += 1,
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults of {read}:\n{}", faults.len(), faults.join("\n"));
    assert!(read > rejected, "{read} lines were read, {rejected} rejected");
}
