//! Records that are cut off, and others that stand behind them in one line.

use super::*;

#[test]
fn a_record_cut_off_behind_its_operation_is_kept() {
    let line = modern();
    let whole = read(&line);
    let after_operation = line.find("REST.GET.OBJECT").unwrap() + "REST.GET.OBJECT".len();
    for end in after_operation..line.len() {
        let cut = read(&line[..end]);
        assert_eq!(cut.time, AT);
        assert_eq!(cut.logged(Field::Operation), Some(&b"REST.GET.OBJECT"[..]));
        // Each field is as in the whole line, or a beginning of it, or absent.
        for field in Field::all().filter(|field| *field != Field::Extra) {
            let (part, all) = (cut.logged(field).unwrap_or(b""), whole.logged(field).unwrap_or(b""));
            let opening = part == b"\"" || part.is_empty();
            assert!(opening || all.starts_with(part), "{} of {}", field.name(), &line[..end]);
        }
        // A status has three digits.
        let part_of_status =
            ["2", "20"].into_iter().find(|part| line[..end].ends_with(&format!("\" {part}")));
        assert_eq!(cut.logged(Field::Extra), part_of_status.map(str::as_bytes), "{}", &line[..end]);
    }
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
fn bare() -> String {
    format!("{} BATCH.DELETE.OBJECT c.mp4 - 204 - - - - - - - - - - -", head("-"))
}

#[test]
fn two_records_in_one_line_are_both_read() {
    let first = modern();
    let second = first.replace("films/a.mp4", "films/b.mp4").replace("3E57427F3EXAMPLE", "BBBBBBBBBBBBBBBB");
    let bare = bare();
    let cases = [
        // No HTTP header contains a NUL or a line end.
        (vec![&first, &second], &["\r", "\0\0", "\0"][..]),
        (vec![&first, &second, &first], &["\r", "\0"]),
        (vec![&first, &bare, &second], &["\r", "\0"]),
        // There are no quotes around one of them.
        (vec![&first, &bare], &["", " ", "\r", "\0\0"]),
        (vec![&bare, &first], &["", " ", "\r", "\0\0"]),
        (vec![&bare, &bare], &["", " ", "\r", "\0\0"]),
        (vec![&bare, &first, &bare, &bare], &["", " ", "\r", "\0\0"]),
    ];
    for (parts, separators) in cases {
        for between in separators {
            let glued = parts.iter().map(|part| part.as_str()).collect::<Vec<_>>().join(between);
            let found: Vec<_> = records(glued.as_bytes()).collect();
            assert_eq!(found.len(), parts.len(), "{glued}");
            for (part, (text, record)) in parts.iter().zip(&found) {
                assert_eq!(record.as_ref().unwrap(), &read(part));
                assert!(text.starts_with(part.as_bytes()));
            }
            let whole: Vec<u8> = found.iter().flat_map(|(text, _)| text.iter().copied()).collect();
            assert_eq!(whole, glued.as_bytes(), "the parts are the line");
            // As one record it is the first, and the rest is not lost.
            let record = read(&glued);
            assert_eq!(record.logged(Field::RequestId), read(parts[0]).logged(Field::RequestId));
            let rest = &glued[found[0].0.len()..];
            assert_eq!(text(&record, Field::Extra), rest);
            assert_eq!(record.logged(Field::HostId), read(parts[0]).logged(Field::HostId));
        }
    }
}

#[test]
fn a_record_cut_off_anywhere_does_not_swallow_the_next() {
    let (first, second, bare) = (modern(), modern().replace("films/a.mp4", "films/b.mp4"), bare());
    let after_time = first.find(']').unwrap() + 1;
    let first_quote = first.find('"').unwrap();
    for end in after_time..first.len() {
        let cut = &first[..end];
        for (next, between) in [(&bare, ""), (&bare, " "), (&second, "\0"), (&second, "")] {
            // Within the quotes of one record another is what its sender wrote, unless something tells.
            if next == &second && between.is_empty() && end > first_quote {
                continue;
            }
            let glued = format!("{cut}{between}{next}");
            let found: Vec<_> = records(glued.as_bytes()).collect();
            assert_eq!(found.len(), 2, "{glued}");
            assert_eq!(found[0].0, format!("{cut}{between}").as_bytes());
            assert_eq!(found[1].1.as_ref().unwrap(), &read(next));
            assert_eq!(found[0].1, parse_line(found[0].0));
        }
    }
}

#[test]
fn a_record_cut_off_after_its_first_quote_is_one_with_the_next_which_extra_repeats() {
    let (first, second) = (modern(), modern().replace("films/a.mp4", "films/b.mp4"));
    for end in first.find('"').unwrap() + 1..=first.len() {
        let glued = format!("{}{second}", &first[..end]);
        assert_eq!(records(glued.as_bytes()).count(), 1, "{glued}");
        let record = read(&glued);
        for field in [Field::RemoteIp, Field::RequestId, Field::Operation, Field::Key] {
            assert_eq!(record.logged(field), read(&first).logged(field), "{}", field.name());
        }
        // Where a number was cut, it runs into what follows it.
        let extra = text(&record, Field::Extra);
        assert!(extra.ends_with(&second), "{extra}");
        assert_eq!(parse_line(second.as_bytes()).unwrap(), read(&second));
    }
}

#[test]
fn a_second_record_of_another_owner_is_not_believed() {
    let forged = modern().replace(OWNER, &OWNER.replace('c', "d"));
    let line = modern().replace("Mozilla/5.0 (X11; Linux x86_64)", &format!("x\" {} {forged} \"", tail()));
    assert_eq!(records(line.as_bytes()).count(), 1);
    assert_tail(&line);
    assert!(text(&read(&line), Field::UserAgent).contains(&forged));
    // Nor one of the right owner in a user agent without quotes.
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
    // The region of the first is glued to the owner of the second: nothing tells where it ends.
    assert_eq!(text(&record, Field::SourceRegion), format!("eu-west-1{OWNER}"));
    assert!(text(&record, Field::Extra).starts_with("media [03/Apr/2026"));
}

#[test]
fn a_line_that_ends_within_its_bucket_is_not_how_others_begin() {
    let mut frames = Frames::default();
    let mut record = Record::default();
    let (cut, whole) = (format!("{OWNER} m"), modern());
    assert!(!read_plain(cut.as_bytes(), &mut record, &mut frames));
    assert!(whole.starts_with(&cut) && read_plain(whole.as_bytes(), &mut record, &mut frames));
    assert_eq!(record.logged(Field::Bucket), Some(b"media".as_slice()));
}
