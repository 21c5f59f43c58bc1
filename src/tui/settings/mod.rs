//! What the configuration file says about the explorer: keys, themes, columns, investigations. [`Settings::of`] reads the
//! values and reports every problem with its key. Never contains I/O.

mod columns;
mod keys;
mod themes;

pub(crate) use columns::GROUPS;
pub(crate) use keys::ALL_CONTEXTS;
pub(crate) use themes::BASE;

use crate::config::{Config, NamedInvestigation, Problem, investigation};
use crate::tui::model::arrangement::Arrangement;
use crate::tui::model::investigations::resolve;
use crate::tui::model::keys::Keymap;
use crate::tui::theme::themes::{AUTO, NamedTheme, built_in};

/// The settings of the explorer.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) keys: Keymap,
    /// The themes of the program and of the user.
    pub(crate) themes: Vec<NamedTheme>,
    /// The name of the theme, or [`AUTO`].
    pub(crate) theme: String,
    /// Whether the screen has links; `None`: if the terminal is known to show them.
    pub(crate) links: Option<bool>,
    /// By name of the table, or `groups`: how it opens.
    pub(crate) tables: Vec<(String, Arrangement)>,
    pub(crate) investigations: Vec<NamedInvestigation>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            keys: Keymap::default(),
            themes: built_in().to_vec(),
            theme: AUTO.to_owned(),
            links: None,
            tables: Vec::new(),
            investigations: investigation::built_in().to_vec(),
        }
    }
}

impl Settings {
    /// The settings of a configuration file, and every problem with it. What has a problem is left out. Relative times count
    /// from `now`, in seconds since the epoch.
    pub(crate) fn of(config: &Config, now: i64) -> (Settings, Vec<Problem>) {
        let mut problems = Vec::new();
        let keys = keys::read(config, &mut problems);
        let (themes, theme) = themes::read(config, &mut problems);
        let tables = columns::read(config, &mut problems);
        for (name, own) in &config.investigations {
            if !investigation::is_name(name) {
                let reason = "a name has only letters, digits, - and _, and begins with a letter or a digit";
                problems.push(Problem::new(["investigations", name], reason));
            }
            if let Err(wrong) = resolve(own, now) {
                let key = |key: &'static str| ["investigations", name, key].map(str::to_owned);
                problems.extend(wrong.into_iter().map(|(of, reason)| Problem::new(key(of), reason)));
            }
        }
        let investigations = investigation::all(&config.investigations);
        let links = config.links;
        (Settings { keys, themes, theme, links, tables, investigations }, problems)
    }

    /// The theme with this name.
    pub(crate) fn theme_named(&self, name: &str) -> Option<&NamedTheme> {
        self.themes.iter().find(|theme| theme.name == name)
    }

    /// The investigation with this name, with or without `@`.
    pub(crate) fn investigation_named(&self, name: &str) -> Option<&NamedInvestigation> {
        let name = name.strip_prefix('@').unwrap_or(name);
        self.investigations.iter().find(|named| named.name == name)
    }

    /// How a table opens, if the configuration says so. `is_of_groups`: whether its rows are groups.
    pub(crate) fn table_named(&self, name: &str, is_of_groups: bool) -> Option<&Arrangement> {
        let named = |wanted: &str| self.tables.iter().find(|(name, _)| name == wanted);
        let found = named(name).or_else(|| if is_of_groups { named(columns::GROUPS) } else { None });
        found.map(|(_, arrangement)| arrangement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;
    use crate::tui::model::keymap::{Command, Context};
    use crate::tui::testing::NOW;

    fn read(text: &str) -> (Settings, Vec<String>) {
        let file = ConfigFile::parse(text.to_owned(), "config.toml".into()).unwrap();
        let (settings, problems) = Settings::of(&file.config, NOW);
        let located = problems.into_iter().map(|problem| file.document.locate(problem).to_string());
        (settings, located.collect())
    }

    #[test]
    fn an_empty_file_has_the_defaults() {
        let (settings, problems) = read("");
        assert!(problems.is_empty());
        assert_eq!(settings.theme, AUTO);
        assert_eq!(settings.investigations.len(), investigation::built_in().len());
    }

    #[test]
    fn every_setting_is_read() {
        let (settings, problems) = read(
            "theme = \"night\"\nlinks = false\n[keys.table]\ncopy = \"Y\"\n[keys.all]\nhelp = [\"F1\", \"?\"]\n\
             [columns.remote_ip]\nshow = [\"cost\", \"requests\"]\nsort = \"cost:asc\"\n\
             [themes.night]\nbase = \"16-colours\"\nerror = \"bold light-red\"\n\
             [investigations.mine]\ntable = \"key\"\nfilter = \"status:404\"\nsince = \"7d\"\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(settings.links, Some(false));
        assert_eq!(settings.keys.key_of(Context::Table, Command::Copy), "Y");
        assert_eq!(settings.keys.key_of(Context::Detail, Command::Help), "F1");
        let night = settings.theme_named("night").unwrap().theme;
        let base = settings.theme_named("16-colours").unwrap().theme;
        assert_eq!(night.warning(), base.warning());
        assert_ne!(night.error(), base.error());
        assert!(settings.table_named("remote_ip", true).is_some());
        assert!(settings.table_named("key", true).is_none());
        assert!(settings.investigation_named("@mine").unwrap().is_own);
    }

    #[test]
    fn every_problem_names_its_key_and_line() {
        let (_, problems) = read(
            "theme = \"drak\"\n[keys.tabel]\nsort = \"s\"\n[keys.table]\nsrot = \"s\"\nsort = \"Hyper-s\"\npause = \"c\"\n\
             [columns.remote_pi]\nsort = \"cost\"\n[columns.key]\nshow = [\"rqeuests\"]\nsort = \"cost:down\"\n\
             [themes.auto]\nbase = \"dark\"\n[themes.x]\nbase = \"drak\"\nacent = \"red\"\nerror = \"reddish\"\n\
             [investigations.bad]\ntable = \"kye\"\nfilter = \"sttaus:404\"\nsince = \"soon\"\n",
        );
        let expected = [
            ("line 1: theme:", "did you mean dark?"),
            ("line 2: keys.tabel:", "did you mean table?"),
            ("line 5: keys.table.srot:", "did you mean sort?"),
            ("line 6: keys.table.sort:", "\"Hyper-s\" is not a key"),
            ("line 8: columns.remote_pi:", "did you mean remote_ip?"),
            ("line 11: columns.key.show:", "did you mean requests?"),
            ("line 12: columns.key.sort:", "asc or desc"),
            ("line 13: themes.auto:", "another name"),
            ("line 16: themes.x.base:", "did you mean dark?"),
            ("line 17: themes.x.acent:", "there is no such role"),
            ("line 18: themes.x.error:", "\"reddish\""),
            ("line 20: investigations.bad.table:", "did you mean key?"),
            ("line 21: investigations.bad.filter:", "column 1: unknown field"),
            ("line 22: investigations.bad.since:", "expected"),
        ];
        for (start, text) in expected {
            let found = problems.iter().find(|problem| problem.starts_with(start));
            assert!(found.is_some_and(|found| found.contains(text)), "{start} {text}\n{problems:#?}");
        }
        // The conflict is found when the names are right.
        let (_, problems) = read("[keys.table]\npause = \"c\"\n");
        assert_eq!(problems, ["line 2: keys.table.pause: c has the command columns in table already"]);
    }
}
