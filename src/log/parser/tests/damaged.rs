//! Damaged lines: nothing of them is lost, and the two paths agree.

use proptest::prelude::*;

use super::*;
use crate::log::is_in_template;

/// Valid lines, with bytes replaced, inserted and removed.
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
                0 => drop(line.splice(at..end, scrap)), // replaced
                1 => drop(line.splice(at..at, scrap)),  // inserted
                _ if scrap.len() > 3 => line.truncate(at),
                _ => drop(line.drain(at..end)), // removed
            }
        }
        line
    })
}

/// Checks the properties that every line must have.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Some(record) = fast_path::read(bytes) {
        let other = tolerant::read(bytes, None);
        prop_assert_eq!(Ok(&record), other.as_ref(), "the fast path and the tolerant path agree");
    }
    let parts: Vec<u8> = records(bytes).flat_map(|(part, _)| part.iter().copied()).collect();
    prop_assert_eq!(&parts[..], bytes, "the parts are the line");
    let count = records(bytes).count();
    for (part, record) in records(bytes) {
        prop_assert!(
            count == 1 || joined_records::find(part).second.is_none() || fast_path::read(part).is_some()
        );
        if let Ok(record) = record {
            lost_nothing(part, &record)?;
            let _ = record.key();
        }
    }
    Ok(())
}

/// Checks that every byte of a line is in a field or in `extra`, except spaces, quotes, dashes, brackets and padding.
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

#[test]
fn a_user_agent_of_one_space_is_in_extra_on_both_paths() -> Result<(), TestCaseError> {
    for texts in ["- \" \"", "\"-\" \" \"", "\"https://example.com/\" \" \""] {
        let line =
            format!("{} REST.GET.OBJECT a.mp4 \"GET /a.mp4 HTTP/1.1\" 200 - 1 1 1 1 {texts} -", head("-"));
        check(line.as_bytes())?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_lines_lose_nothing_and_both_paths_agree(line in damaged_lines()) {
        check(&line)?;
    }

    #[test]
    fn no_input_causes_a_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&line)?;
    }

    #[test]
    fn lines_of_fragments_lose_nothing_and_both_paths_agree(words in proptest::collection::vec(prop::sample::select(vec![
        "\"", "\"-\"", "\"\"", "-", "200", "x", "  ", "[", "media", OWNER, "[03/Apr/2026:03:11:11 +0000]",
        "REST.GET.OBJECT", "3E57427F3EXAMPLE", "\"GET /a\"", "TLSv1.2", "SigV4", "\u{feff}", "\0",
    ]), 0..40)) {
        check(format!("{OWNER} media [03/Apr/2026:03:11:11 +0000] {}", words.join(" ")).as_bytes())?;
        check(words.concat().as_bytes())?;
    }

    /// Lines of one log, read one after another with the same templates.
    #[test]
    fn lines_read_after_others_give_the_record_of_a_single_line(
        lines in proptest::collection::vec(damaged_lines(), 1..30),
        again in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let mut templates = Templates::default();
        // No field of the line before may remain in the record.
        let mut record = Record::default();
        let mut numbered: Vec<Record<'_>> = Vec::new();
        for line in lines.iter().chain(again.iter().map(|index| index.get(&lines))) {
            let is_fast = read_fast(line, &mut record, &mut templates);
            let alone = fast_path::read(line);
            prop_assert_eq!(is_fast, alone.is_some());
            let Some(alone) = alone else { continue };
            for field in Field::all() {
                prop_assert_eq!(record.logged(field), alone.logged(field), "{}", field.name());
            }
            prop_assert_eq!(record.time, alone.time);
            if let Some(other) = numbered.iter().find(|other| other.template != 0 && other.template == record.template) {
                for field in Field::all().filter(|field| is_in_template(*field)) {
                    prop_assert_eq!(record.logged(field), other.logged(field), "{}", field.name());
                }
            }
            numbered.push(record.clone());
        }
    }
}
