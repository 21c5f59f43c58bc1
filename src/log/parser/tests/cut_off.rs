//! Records that are cut off, and lines with joined records.

use super::*;

#[test]
fn a_record_cut_off_after_its_operation_is_kept() {
    let line = modern();
    let whole = read(&line);
    let after_operation = line.find("REST.GET.OBJECT").unwrap() + "REST.GET.OBJECT".len();
    for end in after_operation..line.len() {
        let cut = &line[..end];
        // A number at the end may lack digits.
        if is_cut_off_in_a_number(cut) {
            assert_eq!(parse_line(cut.as_bytes()).unwrap_err(), Rejection::CutOff, "{cut}");
            continue;
        }
        let cut = read(cut);
        assert_eq!(cut.time, AT);
        assert_eq!(cut.logged(Field::Operation), Some(&b"REST.GET.OBJECT"[..]));
        // Each field is that of the whole line, or the start of it, or absent.
        for field in Field::all().filter(|field| *field != Field::Extra) {
            let (part, all) = (cut.logged(field).unwrap_or(b""), whole.logged(field).unwrap_or(b""));
            let opening = part == b"\"" || part.is_empty();
            assert!(opening || all.starts_with(part), "{} of {}", field.name(), &line[..end]);
        }
        assert_eq!(cut.logged(Field::Extra), None, "{}", &line[..end]);
    }
}

/// Whether a part of [`modern`] ends within a number, or with one that may go on. A status has three digits.
fn is_cut_off_in_a_number(line: &str) -> bool {
    let numbers = line.split_once(" HTTP/1.1\" ").map_or("", |(_, numbers)| numbers);
    let last = numbers.trim_end().rsplit(' ').next().unwrap_or_default();
    let is_digits = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    is_digits && !numbers.contains('"') && last != "206"
}

#[test]
fn a_record_cut_off_before_its_operation_is_rejected() {
    let line = modern();
    let reject = |text: &str| parse_line(text.as_bytes()).unwrap_err();
    let operation = line.find("REST.").unwrap();
    let time = line.find('[').unwrap();
    let bucket = line.find("media").unwrap();
    assert_eq!(reject(&line[..operation]), Rejection::NoOperation);
    assert_eq!(reject(&line[..time + 28]), Rejection::NoOperation);
    assert_eq!(reject(&line[..time + 20]), Rejection::NoTime);
    assert_eq!(reject(&line[..time]), Rejection::NoTime);
    assert_eq!(reject(&line[..bucket]), Rejection::NoBucket);
}

/// A record without quotes.
fn without_quotes() -> String {
    format!("{} BATCH.DELETE.OBJECT c.mp4 - 204 - - - - - - - - - - -", head("-"))
}

#[test]
fn two_records_in_one_line_are_both_read() {
    let first = modern();
    let second = first.replace("films/a.mp4", "films/b.mp4").replace("3E57427F3EXAMPLE", "BBBBBBBBBBBBBBBB");
    let bare = without_quotes();
    let cases = [
        // No HTTP header contains a NUL or a line end.
        (vec![&first, &second], &["\r", "\0\0", "\0"][..]),
        (vec![&first, &second, &first], &["\r", "\0"]),
        (vec![&first, &bare, &second], &["\r", "\0"]),
        // One of the records has no quotes.
        (vec![&first, &bare], &["", " ", "\r", "\0\0"]),
        (vec![&bare, &first], &["", " ", "\r", "\0\0"]),
        (vec![&bare, &bare], &["", " ", "\r", "\0\0"]),
        (vec![&bare, &first, &bare, &bare], &["", " ", "\r", "\0\0"]),
    ];
    for (parts, separators) in cases {
        for between in separators {
            let joined = parts.iter().map(|part| part.as_str()).collect::<Vec<_>>().join(between);
            let found: Vec<_> = records(joined.as_bytes()).collect();
            assert_eq!(found.len(), parts.len(), "{joined}");
            for (part, (text, record)) in parts.iter().zip(&found) {
                assert_eq!(record.as_ref().unwrap(), &read(part));
                assert!(text.starts_with(part.as_bytes()));
            }
            let whole: Vec<u8> = found.iter().flat_map(|(text, _)| text.iter().copied()).collect();
            assert_eq!(whole, joined.as_bytes(), "the parts together are the line");
        }
    }
}

#[test]
fn a_record_cut_off_anywhere_does_not_swallow_the_next() {
    let (first, second, bare) = (modern(), modern().replace("films/a.mp4", "films/b.mp4"), without_quotes());
    let after_time = first.find(']').unwrap() + 1;
    let first_quote = first.find('"').unwrap();
    for end in after_time..first.len() {
        let cut = &first[..end];
        for (next, between) in [(&bare, ""), (&bare, " "), (&second, "\0"), (&second, "")] {
            // Within the quotes of a record, another record may have been written by the sender.
            if next == &second && between.is_empty() && end > first_quote {
                continue;
            }
            let joined = format!("{cut}{between}{next}");
            let found: Vec<_> = records(joined.as_bytes()).collect();
            assert_eq!(found.len(), 2, "{joined}");
            assert_eq!(found[0].0, format!("{cut}{between}").as_bytes());
            assert_eq!(found[1].1.as_ref().unwrap(), &read(next));
            assert_eq!(found[0].1, parse_line(found[0].0));
        }
    }
}

#[test]
fn a_record_cut_off_after_its_first_quote_has_the_next_record_in_extra() {
    let (first, second) = (modern(), modern().replace("films/a.mp4", "films/b.mp4"));
    for end in first.find('"').unwrap() + 1..=first.len() {
        let joined = format!("{}{second}", &first[..end]);
        assert_eq!(records(joined.as_bytes()).count(), 1, "{joined}");
        let record = read(&joined);
        for field in [Field::RemoteIp, Field::RequestId, Field::Operation, Field::Key] {
            assert_eq!(record.logged(field), read(&first).logged(field), "{}", field.name());
        }
        // A number that is cut off continues with the text after it.
        let extra = text(&record, Field::Extra);
        assert!(extra.ends_with(&second), "{extra}");
        assert_eq!(parse_line(second.as_bytes()).unwrap(), read(&second));
    }
}

#[test]
fn a_second_record_of_another_owner_is_not_split_off() {
    let forged = modern().replace(OWNER, &OWNER.replace('c', "d"));
    let line = modern().replace("Mozilla/5.0 (X11; Linux x86_64)", &format!("x\" {} {forged} \"", tail()));
    assert_eq!(records(line.as_bytes()).count(), 1);
    assert_tail(&line);
    assert!(text(&read(&line), Field::UserAgent).contains(&forged));
    // Nor is one of the same owner in a user agent without quotes.
    let forged = format!("x {} BATCH.DELETE.OBJECT secret - 204 - - - - - - -", head("-"));
    let line = modern().replace("Mozilla/5.0 (X11; Linux x86_64)", &forged);
    assert_eq!(records(line.as_bytes()).count(), 1);
    assert_fields(&line, &[(Field::UserAgent, &forged)]);
}

#[test]
fn a_cut_off_second_record_stays_with_the_first() {
    let line = format!("{}{}", modern(), head("-"));
    assert_eq!(records(line.as_bytes()).count(), 1);
    let record = read(&line);
    assert_eq!(record.logged(Field::HostId), Some(HOST_ID.as_bytes()));
    // The region of the first record runs into the owner of the second: nothing shows where it ends.
    assert_eq!(text(&record, Field::SourceRegion), format!("eu-west-1{OWNER}"));
    assert!(text(&record, Field::Extra).starts_with("media [03/Apr/2026"));
}

#[test]
fn a_line_that_ends_within_its_bucket_is_not_the_head_of_others() {
    let mut templates = Templates::default();
    let mut record = Record::default();
    let (cut, whole) = (format!("{OWNER} m"), modern());
    assert!(!read_fast(cut.as_bytes(), &mut record, &mut templates));
    assert!(whole.starts_with(&cut) && read_fast(whole.as_bytes(), &mut record, &mut templates));
    assert_eq!(record.logged(Field::Bucket), Some(b"media".as_slice()));
}
