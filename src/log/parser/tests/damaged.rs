//! Lines damaged in every way: nothing of them is lost, and all ways of reading them agree.

use proptest::prelude::*;

use super::super::templates::is_in_frame;
use super::*;

/// Lines as they may be: valid ones, with bytes flipped, cut out and put in.
fn damaged_lines() -> impl Strategy<Value = Vec<u8>> {
    let oai = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE";
    let lines = vec![
        modern(),
        format!("{} new fields", modern()),
        modern().replace(" films/a.mp4 HTTP", " a?f=\"a b.mp4\" HTTP"),
        modern().replace("\" - ", "\" - - "),
        modern().replace("\"Mozilla", "\"\"Mozilla"),
        format!("{} BATCH.DELETE.OBJECT c.mp4 - 204 - - - - - - - - - - -", head(oai)),
        format!("{} REST.GET.OBJECT c.mp4 \"-\" 204 - - - - - \"-\" \"-\" -", head("-")),
        format!("{}{}", modern(), modern()),
    ];
    let scrap = prop_oneof![
        Just(b"\"".to_vec()),
        Just(b" ".to_vec()),
        Just(b" - ".to_vec()),
        Just(b"\" 200 ".to_vec()),
        Just(b"\" \"".to_vec()),
        Just(b"[".to_vec()),
        Just(b"\0".to_vec()),
        Just(b" REST.GET.OBJECT ".to_vec()),
        Just(head("-").into_bytes()),
        proptest::collection::vec(any::<u8>(), 1..6),
    ];
    let damage = (any::<prop::sample::Index>(), 0usize..3, scrap);
    (prop::sample::select(lines), proptest::collection::vec(damage, 0..4)).prop_map(|(line, damages)| {
        let mut line = line.into_bytes();
        for (place, kind, scrap) in damages {
            let at = place.index(line.len().max(1)).min(line.len());
            let end = (at + scrap.len()).min(line.len());
            match kind {
                0 => drop(line.splice(at..end, scrap)), // flipped
                1 => drop(line.splice(at..at, scrap)),  // put in
                _ if scrap.len() > 3 => line.truncate(at),
                _ => drop(line.drain(at..end)), // cut out
            }
        }
        line
    })
}

/// All that must hold of any line.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let careful = tolerant::read(bytes, Joined::default());
    if let Some(record) = fast_path::read(bytes) {
        prop_assert_eq!(Ok(&record), careful.as_ref(), "the plain way and the careful way agree");
    }
    let parts: Vec<u8> = records(bytes).flat_map(|(part, _)| part.iter().copied()).collect();
    prop_assert_eq!(&parts[..], bytes, "the parts are the line");
    let count = records(bytes).count();
    if count == 1 {
        prop_assert_eq!(records(bytes).next().unwrap().1, parse_line(bytes));
    }
    for (part, record) in records(bytes) {
        prop_assert!(
            count == 1 || joined_records::find(part).certain.is_none() || fast_path::read(part).is_some()
        );
        if let Ok(record) = record {
            lost_nothing(part, &record)?;
            let _ = record.key();
        }
    }
    if let Ok(record) = parse_line(bytes) {
        lost_nothing(bytes, &record)?;
    }
    Ok(())
}

/// Every byte of the line is within a field or `extra`, but for spaces, quotes, dashes, brackets and padding.
fn lost_nothing(line: &[u8], record: &Record<'_>) -> Result<(), TestCaseError> {
    let mut covered = vec![false; line.len()];
    let start = line.as_ptr() as usize;
    for field in Field::all() {
        if let Some(text) = record.logged(field) {
            let from = text.as_ptr() as usize - start;
            covered[from..from + text.len()].fill(true);
        }
    }
    for (at, byte) in line.iter().enumerate() {
        let punctuation = b" \"-[]\0\t\r\n\x0c\xEF\xBB\xBF".contains(byte);
        prop_assert!(covered[at] || punctuation, "byte {} is lost: {}", at, String::from_utf8_lossy(line));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_lines_lose_nothing_and_read_alike_both_ways(line in damaged_lines()) {
        check(&line)?;
    }

    #[test]
    fn no_bytes_whatever_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&line)?;
    }

    #[test]
    fn lines_made_of_fragments_hold_too(words in proptest::collection::vec(prop::sample::select(vec![
        "\"", "\"-\"", "\"\"", "-", "200", "x", "  ", "[", "media", OWNER, "[03/Apr/2026:03:11:11 +0000]",
        "REST.GET.OBJECT", "3E57427F3EXAMPLE", "\"GET /a\"", "TLSv1.2", "SigV4", "\u{feff}", "\0",
    ]), 0..40)) {
        check(format!("{OWNER} media [03/Apr/2026:03:11:11 +0000] {}", words.join(" ")).as_bytes())?;
        check(words.concat().as_bytes())?;
    }

    /// Lines of one log, read one after another with the same frames.
    #[test]
    fn lines_read_with_those_before_read_as_each_by_itself(
        lines in proptest::collection::vec(damaged_lines(), 1..30),
        again in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let mut frames = Frames::default();
        // A record that tells of the line before must not shine through.
        let mut record = Record::default();
        let mut numbered: Vec<Record<'_>> = Vec::new();
        for line in lines.iter().chain(again.iter().map(|index| index.get(&lines))) {
            let is_plain = read_plain(line, &mut record, &mut frames);
            let alone = fast_path::read(line);
            prop_assert_eq!(is_plain, alone.is_some());
            let Some(alone) = alone else { continue };
            for field in Field::all() {
                prop_assert_eq!(record.logged(field), alone.logged(field), "{}", field.name());
            }
            prop_assert_eq!(record.time, alone.time);
            if let Some(other) = numbered.iter().find(|other| other.frame().is_some() && other.frame() == record.frame()) {
                for field in Field::all().filter(|field| is_in_frame(*field)) {
                    prop_assert_eq!(record.logged(field), other.logged(field), "{}", field.name());
                }
            }
            numbered.push(record.clone());
        }
    }
}
