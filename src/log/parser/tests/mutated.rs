//! Lines of every product with a field removed or doubled, with doubled spaces, and cut off at every byte. Each field of
//! such a line is that of the whole line, or absent, or the line is rejected.

use super::forms::{Form, forms};
use super::*;

/// What is wrong with the record of a line that was changed, if it is not rejected. `is_whole` says whether a value is
/// the same as the one in the original line.
fn fault(line: &str, original: &Record<'_>, is_same: impl Fn(Field, &[u8], &[u8]) -> bool) -> Option<String> {
    let found: Vec<_> = records(line.as_bytes()).collect();
    assert_eq!(found.len(), 1, "{line}");
    let Ok(record) = &found[0].1 else { return None };
    let fields = Field::all().filter(|field| !matches!(field, Field::Extra | Field::KeyLogged));
    fields.into_iter().find_map(|field| {
        let value = record.logged(field)?;
        let is_right = is_same(field, value, original.logged(field).unwrap_or_default());
        (!is_right).then(|| format!("{} is {}: {line}", field.name(), String::from_utf8_lossy(value)))
    })
}

/// Asserts that no line that `change` makes of a form, from the index of a field, has a wrong field.
fn assert_no_faults(
    change: impl Fn(&[&str], usize) -> Option<String>,
    is_excepted: impl Fn(&Form, Field) -> bool,
) {
    let mut faults = Vec::new();
    for form in forms() {
        let texts: Vec<&str> = form.fields.iter().map(|(_, text)| text.as_str()).collect();
        let whole = form.line();
        let original = read(&whole);
        for (index, (field, _)) in form.fields.iter().enumerate() {
            let Some(line) = change(&texts, index).filter(|_| !is_excepted(&form, *field)) else { continue };
            let fault = fault(&line, &original, |_, value, whole| value == whole);
            faults.extend(fault.map(|fault| format!("{}, {}: {fault}", form.name, field.name())));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn without_a_field_no_other_field_is_read_in_its_place() {
    let remove =
        |texts: &[&str], index: usize| Some([&texts[..index], &texts[index + 1..]].concat().join(" "));
    // Nothing distinguishes a version id from a host id, an owner from a bucket, a referer at the end of a line from a
    // user agent, and the words of a user agent without quotes from the fields after it.
    assert_no_faults(remove, |form, field| match field {
        Field::Bucket => form.fields[0].1 != OWNER,
        Field::VersionId => form.name == "S3, lifecycle" || form.name == "moto",
        Field::HostId => form.name == "moto",
        Field::Referer => form.name == "S3 until 2010",
        _ => false,
    });
}

#[test]
fn a_field_that_is_there_twice_shifts_no_other_field() {
    let double = |texts: &[&str], index: usize| Some([&texts[..=index], &texts[index..]].concat().join(" "));
    // Keys may have spaces, and texts may have quotes in them. moto leaves a number out, so that nothing distinguishes its
    // numbers from others.
    assert_no_faults(double, |form, field| match field {
        Field::Operation | Field::Key | Field::Referer | Field::UserAgent => true,
        Field::ErrorCode | Field::BytesSent | Field::TotalTime => form.name == "moto",
        Field::ObjectSize => form.is_bare(),
        _ => false,
    });
}

#[test]
fn two_spaces_after_any_field_shift_no_other_field() {
    let widen = |texts: &[&str], index: usize| {
        let rest = texts[index + 1..].join(" ");
        (!rest.is_empty()).then(|| format!("{}  {rest}", texts[..=index].join(" ")))
    };
    assert_no_faults(widen, |_, _| false);
}

#[test]
fn a_line_that_is_cut_off_anywhere_has_the_start_of_its_fields_and_whole_numbers() {
    let mut faults = Vec::new();
    for form in forms() {
        let whole = form.line();
        let original = read(&whole);
        for end in 1..whole.len() {
            let is_number = |field: Field| {
                matches!(
                    field,
                    Field::HttpStatus
                        | Field::BytesSent
                        | Field::ObjectSize
                        | Field::TotalTime
                        | Field::TurnAroundTime
                )
            };
            let is_start = |field: Field, value: &[u8], all: &[u8]| {
                value == b"\"" || if is_number(field) { value == all } else { all.starts_with(value) }
            };
            let fault = fault(&whole[..end], &original, is_start);
            faults.extend(fault.map(|fault| format!("{}: {fault}", form.name)));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// User agents that look as if other fields followed them. All texts that they would forge contain `FORGED`.
const FORGERIES: [&str; 7] = [
    "x\" FORGED FORGED= SigFORGED TLS-FORGED AuthHeader FORGED.example TLSvFORGED arn:FORGED Yes FORGED \"z",
    "x\" FORGED FORGED= SigFORGED TLS-FORGED AuthHeader FORGED.example TLSvFORGED arn:FORGED Yes FORGED",
    "x\" FORGED - STANDARD WARM \"z",
    "x\" FORGED - STANDARD WARM \"y\" 1 \"z",
    "x\" FORGED \"z",
    "x\" \"y\" FORGED",
    "x\" FORGED FORGED= - - - FORGED.example - \"z\" - \"",
];

#[test]
fn a_user_agent_forges_nothing_whatever_is_wrong_with_the_fields_after_it() {
    let mut faults = Vec::new();
    for form in forms() {
        let Some(agent) = form.fields.iter().position(|(field, _)| *field == Field::UserAgent) else {
            continue;
        };
        let (before, after) = (&form.fields[..agent], &form.fields[agent + 1..]);
        if !form.fields[agent].1.starts_with('"') {
            continue;
        }
        let join = |fields: &[(Field, String)]| {
            fields.iter().map(|(_, text)| format!(" {text}")).collect::<String>()
        };
        let mut tails = vec![join(after)];
        for index in 0..after.len() {
            tails.push(join(&[&after[..index], &after[index + 1..]].concat()));
            tails.push(join(&[&after[..=index], &after[index..]].concat()));
            for other in ["many", "\"x y\"", "\"", "404", "a b"] {
                let mut after = after.to_vec();
                after[index].1 = other.to_owned();
                tails.push(join(&after));
            }
        }
        tails.extend((0..tails[0].len()).map(|end| tails[0][..end].to_owned()).collect::<Vec<_>>());
        for forgery in FORGERIES {
            for tail in &tails {
                let line = format!("{} \"{forgery}\"{tail}", join(before).trim_start());
                let Ok(record) = parse_line(line.as_bytes()) else { continue };
                let is_forged = |field: &Field| {
                    let can_be = matches!(field, Field::UserAgent | Field::Extra);
                    !can_be && text(&record, *field).contains("FORGED")
                };
                let forged = Field::all().find(is_forged);
                faults.extend(forged.map(|field| format!("{}, {}: {line}", form.name, field.name())));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
