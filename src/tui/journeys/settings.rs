//! Settings: other keys, themes, columns of the configuration file, investigations, sessions.

use super::start;
use crate::config::ConfigFile;
use crate::tui::model::saved::Saved;
use crate::tui::model::{Action, Command, Context, Tab};
use crate::tui::settings::Settings;
use crate::tui::testing::{Explorer, NOW};

fn settings(text: &str) -> Settings {
    let file = ConfigFile::parse(text.to_owned(), "config.toml".into()).unwrap();
    let (settings, problems) = Settings::of(&file.config, NOW);
    assert_eq!(problems, []);
    settings
}

fn configure(explorer: &mut Explorer, text: &str) {
    explorer.handle(Action::SettingsChanged(Ok(Box::new(settings(text)))));
}

#[test]
fn a_command_has_the_key_of_the_configuration_file_in_keyboard_footer_and_help() {
    let mut explorer = start(130, 34);
    configure(&mut explorer, "[keys.table]\nsort = \"o\"\nedit_filter = [\"F2\", \"/\"]\n");
    explorer.press("h o");
    assert!(explorer.screen().contains("REQUESTS ▼"), "{}", explorer.screen());
    assert!(
        explorer.screen().contains("o sort") && explorer.screen().contains("F2 filter"),
        "{}",
        explorer.screen()
    );
    explorer.press("s");
    assert!(explorer.screen().contains("s does nothing here"), "{}", explorer.screen());
    explorer.press("?");
    assert!(explorer.screen().contains("│ o                  sort by"), "{}", explorer.screen());
    explorer.press("Esc /").types("status:403").press("Enter");
    assert!(explorer.screen().contains("▸ http_status:403"), "{}", explorer.screen());
}

#[test]
fn every_command_can_have_another_key_in_every_context() {
    use crate::tui::model::keys::{Keymap, Rebinding, commands_of, parse_key};
    for context in crate::tui::model::keymap::ALL.iter().copied() {
        for bound in commands_of(context) {
            let keys = vec![parse_key("F12").unwrap()];
            let change = Rebinding { context: Some(context), command: bound.command, keys };
            let keymap = Keymap::with(&[change]).unwrap();
            assert_eq!(keymap.key_of(context, bound.command), "F12", "{:?} in {context:?}", bound.command);
        }
    }
}

#[test]
fn a_broken_configuration_file_changes_nothing_and_is_named() {
    let mut explorer = start(130, 34);
    configure(&mut explorer, "[keys.table]\nsort = \"o\"\n");
    explorer.handle(Action::SettingsChanged(Err("config.toml: line 2: keys.table.srot: no".to_owned())));
    assert!(explorer.screen().contains("line 2: keys.table.srot"), "{}", explorer.screen());
    assert_eq!(explorer.state.settings.keys.key_of(Context::Table, Command::Sort), "o");
}

#[test]
fn tables_open_with_the_columns_and_the_order_of_the_configuration_file() {
    let mut explorer = start(130, 34);
    configure(
        &mut explorer,
        "[columns.remote_ip]\nshow = [\"errors\", \"requests\"]\nsort = \"errors\"\n[columns.groups]\nshow = [\"cost\"]\n",
    );
    let screen = explorer.screen();
    let heading = screen.lines().find(|line| line.contains("REMOTE IP")).unwrap().to_owned();
    assert!(heading.contains("ERRORS ▼") && !heading.contains("BYTES %"), "{screen}");
    assert!(heading.find("ERRORS").unwrap() < heading.find("REQUESTS").unwrap(), "{screen}");
    explorer.press("2");
    let heading = explorer.screen().lines().find(|line| line.contains("KEY ")).unwrap().to_owned();
    assert!(heading.contains("COST") && !heading.contains("LAST SEEN"), "{heading}");
    // What the user changed stays when the file changes again.
    explorer.press("1 l s");
    configure(&mut explorer, "");
    let heading = explorer.screen().lines().find(|line| line.contains("REMOTE IP")).unwrap().to_owned();
    assert!(!heading.contains("BYTES %"), "{heading}");
    explorer.press("2");
    assert!(explorer.screen().contains("LAST SEEN"), "{}", explorer.screen());
}

#[test]
fn themes_are_chosen_by_name_and_completed() {
    let mut explorer = start(130, 34);
    let dark = explorer.state.theme;
    explorer.press(":").types("theme li").press("Tab Enter");
    assert_eq!(explorer.state.theme_name, "light");
    assert_ne!(explorer.state.theme, dark);
    explorer.press(":").types("theme auto").press("Enter");
    assert_eq!(explorer.state.theme, dark);
    explorer.press(":").types("theme lihgt").press("Enter");
    assert!(explorer.screen().contains("did you mean light?"), "{}", explorer.screen());
    explorer.press("Esc");
    configure(&mut explorer, "theme = \"mine\"\n[themes.mine]\nbase = \"light\"\nbar = \"red\"\n");
    assert_eq!(explorer.state.theme_name, "mine");
    assert_eq!(explorer.state.theme.bar().fg, Some(ratatui::style::Color::Red));
    configure(&mut explorer, "");
    assert_eq!(explorer.state.theme, dark);
}

#[test]
fn every_theme_draws_the_roles_of_its_own() {
    use ratatui::style::Color;
    for name in ["dark", "light", "high-contrast", "16-colours", "16-colours-light", "none"] {
        let mut explorer = start(130, 34);
        explorer.press(":").types(&format!("theme {name}")).press("Enter j ? Esc");
        explorer.screen();
        let cells = explorer.cells();
        let colours: Vec<Color> = cells.content.iter().flat_map(|cell| [cell.fg, cell.bg]).collect();
        let has_colour = colours.iter().any(|colour| *colour != Color::Reset);
        assert_eq!(has_colour, name != "none", "{name}");
    }
}

#[test]
fn an_investigation_opens_as_a_layer() {
    let mut explorer = start(130, 34);
    explorer.press(":").types("investigate access-d").press("Tab Enter");
    let screen = explorer.screen();
    assert!(screen.contains("› http_status:403 ›") && screen.contains("REQUESTS ▼"), "{screen}");
    assert!(screen.contains("access-denied: Whom S3 refuses access (403)."), "{screen}");
    explorer.press("Esc");
    assert!(explorer.screen().contains("all requests"), "{}", explorer.screen());
    explorer.press(":").types("investigate access-deined").press("Enter");
    assert!(explorer.screen().contains("did you mean access-denied?"), "{}", explorer.screen());
}

#[test]
fn every_investigation_of_the_program_opens() {
    for named in crate::config::investigation::built_in() {
        let mut explorer = start(130, 34);
        explorer.press(":").types(&format!("investigate {}", named.name)).press("Enter");
        let screen = explorer.screen();
        assert!(screen.contains(&format!("{}: ", named.name)), "{}: {screen}", named.name);
        assert_eq!(explorer.state.depth(), 2, "{}", named.name);
    }
}

#[test]
fn a_saved_view_is_opened_again() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:403").press("Enter");
    explorer.press(":").types("by key").press("Enter");
    explorer.press(":").types("sort requests asc").press("Enter");
    explorer.press(":").types("save denied what is denied").press("Enter");
    assert!(explorer.screen().contains("tamarin @denied opens it"), "{}", explorer.screen());
    let saved = &explorer.saved[0];
    let of = &saved.investigation;
    assert_eq!((saved.name.as_str(), of.about.as_str()), ("denied", "what is denied"));
    assert_eq!((of.table.as_str(), of.filter.as_str()), ("key", "http_status:403"));
    assert_eq!((of.sort.as_str(), of.columns.len()), ("requests:asc", 0));
    explorer.press(":").types("save denied").press("Enter");
    assert!(explorer.screen().contains("denied! replaces it"), "{}", explorer.screen());
    explorer.press("Esc :").types("save denied!").press("Enter");
    assert_eq!(explorer.saved.len(), 2);
    let mut explorer = start(130, 34);
    explorer.state.settings.investigations.push(saved_of(&explorer, "denied"));
    explorer.press(":").types("investigate denied").press("Enter");
    assert!(explorer.screen().contains("REQUESTS ▲"), "{}", explorer.screen());
}

fn saved_of(explorer: &Explorer, name: &str) -> crate::config::NamedInvestigation {
    let investigation = crate::config::Investigation {
        table: "key".to_owned(),
        filter: "status:403".to_owned(),
        sort: "requests:asc".to_owned(),
        ..Default::default()
    };
    assert!(explorer.state.settings.investigation_named(name).is_none());
    crate::config::NamedInvestigation { name: name.to_owned(), is_own: true, investigation }
}

#[test]
fn a_zoomed_view_is_saved_with_its_times() {
    let mut explorer = start(130, 34);
    explorer.press("3 j z :").types("save hour").press("Enter");
    let of = &explorer.saved[0].investigation;
    assert_eq!(of.table, "time");
    assert!(of.since.starts_with("2026-04-0") && of.since.ends_with('Z') && of.until > of.since, "{of:?}");
}

#[test]
fn the_next_session_has_history_columns_order_zone_and_theme() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:403").press("Enter");
    explorer.press("t h s :").types("theme light").press("Enter");
    let saved = Saved::default().with(&explorer.state, "/c.db");
    let text = serde_json::to_string(&saved).unwrap();
    let saved: Saved = serde_json::from_str(&text).unwrap();
    assert_eq!(saved.theme.as_deref(), Some("light"));

    let mut next = start(130, 34);
    next.state.take_over(&saved, "/c.db");
    // A table that is not open yet.
    next.state.rearrange();
    next.press("j");
    let screen = next.screen();
    assert!(screen.contains("REQUESTS ▼"), "{screen}");
    assert!(screen.contains("all requests"), "the view is not that of the last session:\n{screen}");
    next.press("/ Up Enter");
    assert!(next.screen().contains("▸ http_status:403"), "{}", next.screen());
    assert!(next.state.shows_local_time);
}

#[test]
fn the_last_view_of_the_same_cache_is_resumed() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:403").press("Enter j Enter z");
    let (filter, time, tab) = {
        let layer = explorer.state.layer();
        (layer.filter.to_string(), layer.time, layer.tab)
    };
    let saved = Saved::default().with(&explorer.state, "/c.db");
    let mut next = start(130, 34);
    assert!(!next.state.resume(&saved, "/other.db", NOW));
    assert!(next.state.resume(&saved, "/c.db", NOW));
    next.press("j");
    let layer = next.state.layer();
    assert_eq!((layer.filter.to_string(), layer.time, layer.tab), (filter, time, tab));
    assert_eq!(next.state.depth(), 2);
    next.press("Esc");
    assert_eq!(next.state.layer().tab, Tab::Addresses);
    assert!(next.screen().contains("▸ http_status:403"), "{}", next.screen());
}

#[test]
fn columns_of_an_investigation_are_not_those_of_later_sessions() {
    let mut explorer = start(130, 34);
    explorer.press(":").types("investigate slow-requests").press("Enter l s");
    let saved = Saved::default().with(&explorer.state, "/c.db");
    assert!(saved.tables.is_empty(), "{:?}", saved.tables);
}

#[test]
fn the_order_of_another_cache_was_remembered() {
    let mut explorer = start(130, 34);
    // Another order and another column.
    explorer.press("h s");
    let sort = explorer.state.layer().table().sort;
    let saved = Saved::default().with(&explorer.state, "/c.db");
    let text = serde_json::to_string(&saved).unwrap();
    let saved: Saved = serde_json::from_str(&text).unwrap();
    let opened = |cache: &str| {
        let mut next = start(130, 34);
        next.state.take_over(&saved, cache);
        next.state.rearrange();
        next.press("j");
        next.state.layer().table().sort
    };
    assert_eq!(opened("/c.db"), sort);
    assert_ne!(opened("/other.db"), sort);
    // The next session of the other cache leaves the order of this one.
    let other = start(130, 34);
    let saved = saved.clone().with(&other.state, "/other.db");
    assert!(saved.views.iter().any(|view| view.cache == "/c.db" && !view.orders.is_empty()));
}
