//! Names of addresses by reverse DNS.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::identity::host_names::Lookups;
use crate::identity::resolver::{Found, HostName};
use crate::tui::journeys::{at_sizes, start};
use crate::tui::model::{Action, AnalysisAnswer, AnalysisResult};
use crate::tui::testing::{APRIL, Explorer, get, three_days};

/// The names of the addresses of [`three_days`].
fn look_up(address: IpAddr) -> Found {
    let name = |name: &str, is_confirmed| Found::Name(HostName { name: name.to_owned(), is_confirmed });
    match address.to_string().as_str() {
        "192.0.2.10" | "192.0.2.11" => name("office.acme.example", true),
        "203.0.113.7" => name("crawl.search.example\u{1b}[2J", false),
        "2001:db8::1" => Found::NoName,
        _ => Found::NoAnswer,
    }
}

fn with_names(columns: u16, rows: u16) -> Explorer {
    Explorer::with_names(columns, rows, three_days(), look_up)
}

#[test]
fn requests_are_grouped_by_the_names_of_their_addresses() {
    for (size, mut explorer) in at_sizes(with_names, "") {
        explorer.types(":by host_name").press("Enter");
        insta::assert_snapshot!(format!("names-{size}"), explorer.screen());
    }
    let mut explorer = with_names(130, 34);
    explorer.types(":by host_name").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("office.acme.example") && screen.contains("(unconfirmed)"), "{screen}");
    assert!(screen.contains("(not looked up)") && screen.contains("(none)"), "{screen}");
    assert!(screen.contains("no name server answered for 1 of 5 addresses"), "{screen}");
    assert!(!screen.contains('\u{1b}'));
    explorer.press("y s");
    let copied = explorer.copied.last().unwrap();
    assert!(copied.starts_with("tamarin report host_name --resolve"), "{copied}");
    explorer.types(":resolve").press("Enter");
    assert!(explorer.screen().contains("names of the 2,000 addresses"), "{}", explorer.screen());
    // A name becomes a filter, as any value does.
    explorer.types("/host_name:office.acme.example").press("Enter");
    assert!(explorer.screen().contains("126 of 372 requests"), "{}", explorer.screen());
}

#[test]
fn without_the_option_nothing_is_looked_up_and_the_screen_says_how_to_enable_it() {
    let mut explorer = start(130, 34);
    explorer.types(":by host_name").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("host_name needs the names of addresses"), "{screen}");
    assert!(screen.contains("--resolve"), "{screen}");
    explorer.press("b").types("host_name");
    assert!(explorer.screen().contains("needs --resolve"), "{}", explorer.screen());
}

#[test]
fn rows_arrive_while_names_are_looked_up() {
    let mut explorer = with_names(130, 34);
    explorer.holds_lookups = true;
    explorer.types(":by host_name").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("looking up names …") && screen.contains("row 1 of 1"), "{screen}");
    let job = explorer.held_lookups.pop().unwrap();
    let report = |explorer: &mut Explorer, ended, share| {
        let lookups = Lookups { addresses: 5, ended, unanswered: 0 };
        let answer = Ok(AnalysisAnswer::HostNames(lookups));
        let result = AnalysisResult { number: job.number, generation: 1, share, answer };
        explorer.handle(Action::Analysed(Box::new(result)));
        explorer.screen()
    };
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    explorer.names.look_up_one(address("192.0.2.10"));
    explorer.names.look_up_one(address("192.0.2.11"));
    let screen = report(&mut explorer, 2, Some(0.4));
    assert!(screen.contains("looking up names … 2/5"), "{screen}");
    assert!(screen.contains("office.acme.example") && screen.contains("row 1 of 2"), "{screen}");
    // Keys work meanwhile, and the cursor stays on its row.
    explorer.press("j");
    let selected = explorer.selected();
    explorer.names.look_up_one(address("2001:db8::1"));
    let screen = report(&mut explorer, 5, None);
    assert!(!screen.contains("looking up names") && screen.contains("of 3"), "{screen}");
    assert_eq!(explorer.selected(), selected);
    assert!(explorer.held_lookups.is_empty(), "each address is looked up once");
}

#[test]
fn lookups_end_when_the_user_leaves_the_table_and_go_on_when_he_returns() {
    let mut explorer = with_names(130, 34);
    explorer.holds_lookups = true;
    explorer.types(":by host_name").press("Enter");
    assert_eq!((explorer.held_lookups.len(), explorer.stopped_lookups), (1, 0));
    // The requests of a name are among those whose addresses are looked up.
    explorer.press("Enter");
    assert_eq!((explorer.held_lookups.len(), explorer.stopped_lookups), (1, 0));
    explorer.press("Esc 2");
    assert_eq!((explorer.held_lookups.len(), explorer.stopped_lookups), (1, 1));
    assert!(!explorer.screen().contains("looking up names"), "{}", explorer.screen());
    explorer.press("1");
    assert_eq!((explorer.held_lookups.len(), explorer.stopped_lookups), (2, 1));
    // A half-typed filter looks up nothing.
    explorer.press("2").types("/host_name:a");
    assert_eq!(explorer.held_lookups.len(), 2);
    explorer.press("Enter");
    assert_eq!(explorer.held_lookups.len(), 3);
}

#[test]
fn new_addresses_are_looked_up_when_data_arrives() {
    let mut explorer = with_names(130, 34);
    explorer.types(":by host_name").press("Enter");
    let analyses = explorer.analyses;
    let generation = explorer.engine.add(vec![get(APRIL + 70 * 3_600, "198.51.100.9", "a", 200, 1)]);
    explorer.press("j").handle(Action::DataChanged(generation));
    assert!(explorer.analyses > analyses);
    let screen = explorer.screen();
    assert!(screen.contains("no name server answered for 2 of 6 addresses"), "{screen}");
}

#[test]
fn the_name_of_one_address_is_looked_up_only_on_command() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let mut explorer = Explorer::with_names(130, 34, three_days(), move |address| {
        counted.fetch_add(1, Ordering::SeqCst);
        look_up(address)
    });
    explorer.state.names.is_enabled = false;
    explorer.press("Enter Esc");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    explorer.types(":resolve").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("203.0.113.7 calls itself crawl.search.example"), "{screen}");
    assert!(screen.contains("unconfirmed") && !screen.contains('\u{1b}'), "{screen}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    // The address of an open request, or any other.
    explorer.press("Enter 4 Enter").types(":resolve").press("Enter");
    assert!(explorer.screen().contains("203.0.113.7 calls itself"), "{}", explorer.screen());
    explorer.types(":resolve 192.0.2.10").press("Enter");
    assert!(explorer.screen().contains("192.0.2.10 is office.acme.example"), "{}", explorer.screen());
    explorer.types(":resolve [2001:db8::1]:443").press("Enter");
    assert!(explorer.screen().contains("2001:db8::1 has no name"), "{}", explorer.screen());
    explorer.types(":resolve 198.51.100.7").press("Enter");
    assert!(explorer.screen().contains("no name server answered for 198.51.100.7"), "{}", explorer.screen());
    explorer.types(":resolve host").press("Enter");
    assert!(explorer.screen().contains("expected an address"), "{}", explorer.screen());
    explorer.press("Esc Esc Esc Esc 2").types(":resolve").press("Enter");
    assert!(explorer.screen().contains("no address is under the cursor"), "{}", explorer.screen());
}
