//! The keys in effect: those of the table of keys with the changes of the configuration file. The keyboard, the footer and
//! the help read them. Also the names that the configuration file uses for contexts, commands and keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::model::keymap::{ALL, Command, Context, Group, KEYMAP, Key, TYPING};

/// Keys that have the same command in some contexts.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) contexts: Vec<Context>,
    /// The keys; the footer shows the first. Not empty.
    pub(crate) keys: Vec<Key>,
    pub(crate) command: Command,
    /// A word or two for the footer; empty: not shown there.
    pub(crate) footer: &'static str,
    /// The section of the help.
    pub(crate) group: Group,
    /// A description for the help; empty: not shown there.
    pub(crate) about: &'static str,
    /// Whether the keys cannot be changed.
    pub(crate) is_fixed: bool,
}

/// A change of the configuration file: a command has other keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rebinding {
    /// `None`: every context in which the command has keys.
    pub(crate) context: Option<Context>,
    pub(crate) command: Command,
    /// Empty: no key.
    pub(crate) keys: Vec<Key>,
}

/// The keys in effect.
#[derive(Clone, Debug)]
pub(crate) struct Keymap {
    bindings: Vec<Bound>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        let bindings = KEYMAP.iter().map(|binding| Bound {
            contexts: binding.contexts.to_vec(),
            keys: binding.keys.to_vec(),
            command: binding.command,
            footer: binding.footer,
            group: binding.group,
            about: binding.about,
            // Whatever the user binds, one key quits everywhere.
            is_fixed: binding.command == Command::Quit && binding.contexts == ALL,
        });
        Keymap { bindings: bindings.collect() }
    }
}

impl Keymap {
    /// The default keys with these changes. Changes of all contexts are applied before those of one context.
    ///
    /// # Errors
    /// Every change that is not possible: its index, and why.
    pub(crate) fn with(changes: &[Rebinding]) -> Result<Keymap, Vec<(usize, String)>> {
        let mut keymap = Keymap::default();
        let mut errors = Vec::new();
        let mut order: Vec<usize> = (0..changes.len()).collect();
        order.sort_by_key(|index| changes.get(*index).is_some_and(|change| change.context.is_some()));
        for index in order {
            let Some(change) = changes.get(index) else { continue };
            if let Err(reason) = keymap.rebind(change) {
                errors.push((index, reason));
            }
        }
        if errors.is_empty() {
            errors = keymap.conflicts(changes);
        }
        if errors.is_empty() { Ok(keymap) } else { Err(errors) }
    }

    fn rebind(&mut self, change: &Rebinding) -> Result<(), String> {
        let name = command_name(change.command);
        let contexts: Vec<Context> = self
            .bindings
            .iter()
            .filter(|bound| bound.command == change.command && !bound.is_fixed)
            .flat_map(|bound| bound.contexts.iter().copied())
            .filter(|context| change.context.is_none_or(|only| only == *context))
            .collect();
        if contexts.is_empty() {
            let known: Vec<String> = contexts_of(change.command).into_iter().map(context_name).collect();
            return Err(format!("{name} does nothing here; it works in {}", known.join(", ")));
        }
        let typed: Vec<Key> = change.keys.iter().copied().filter(|key| is_typed(*key)).collect();
        let is_typing = |context: &Context| {
            // In lists whose entries are switched on and off, no blanks are typed.
            let toggles = matches!(context, Context::Filters | Context::Columns);
            TYPING.contains(context) && !(toggles && typed.iter().all(|key| key.0 == KeyCode::Char(' ')))
        };
        let (typing, others): (Vec<Context>, Vec<Context>) =
            contexts.iter().partition(|context| is_typing(context));
        let contexts = match typed.first() {
            // A change for all contexts leaves those alone in which the key is typed.
            Some(_) if change.context.is_none() && !others.is_empty() => others,
            Some(key) if !typing.is_empty() => {
                let label = key.label();
                return Err(format!(
                    "{label} could not be typed any more; use a key such as Ctrl-{label} or F2"
                ));
            }
            _ => contexts,
        };
        let is_changed = |bound: &Bound| bound.command == change.command && !bound.is_fixed;
        let mut bindings = Vec::with_capacity(self.bindings.len() + 1);
        let mut rest = contexts;
        for bound in std::mem::take(&mut self.bindings) {
            if !is_changed(&bound) {
                bindings.push(bound);
                continue;
            }
            let (changed, others): (Vec<Context>, Vec<Context>) =
                bound.contexts.iter().partition(|context| rest.contains(context));
            rest.retain(|context| !changed.contains(context));
            if !others.is_empty() {
                bindings.push(Bound { contexts: others, ..bound.clone() });
            }
            if !changed.is_empty() && !change.keys.is_empty() {
                bindings.push(Bound { contexts: changed, keys: change.keys.clone(), ..bound });
            }
        }
        self.bindings = bindings;
        Ok(())
    }

    /// The keys with two commands in a context, as errors of the changes that caused them.
    fn conflicts(&self, changes: &[Rebinding]) -> Vec<(usize, String)> {
        let mut errors: Vec<(usize, String)> = Vec::new();
        for context in ALL.iter().copied() {
            let mut seen: Vec<(Key, Command)> = Vec::new();
            for bound in self.bindings.iter().filter(|bound| bound.contexts.contains(&context)) {
                for key in &bound.keys {
                    let Some((_, other)) = seen.iter().find(|(seen, _)| seen == key) else {
                        seen.push((*key, bound.command));
                        continue;
                    };
                    let caused = |command: Command| {
                        changes.iter().rposition(|change| {
                            change.command == command
                                && change.keys.contains(key)
                                && change.context.is_none_or(|only| only == context)
                        })
                    };
                    let causes = [(caused(bound.command), *other), (caused(*other), bound.command)];
                    let latest = causes.into_iter().filter_map(|(index, other)| Some((index?, other)));
                    let Some((index, other)) = latest.max_by_key(|(index, _)| *index) else { continue };
                    let label = key.label();
                    let is_own = changes.get(index).is_some_and(|change| change.command == other);
                    let other = match is_own {
                        true => "this command twice".to_owned(),
                        false => command_name(other),
                    };
                    let reason =
                        format!("{label} has the command {other} in {} already", context_name(context));
                    if !errors.iter().any(|(at, _)| *at == index) {
                        errors.push((index, reason));
                    }
                }
            }
        }
        errors
    }

    pub(crate) fn bindings(&self) -> &[Bound] {
        &self.bindings
    }

    /// The command of a key, and the context that it belongs to: while a time range is selected, keys without a command
    /// of their own have the one that they have in a table.
    pub(crate) fn lookup(&self, context: Context, event: KeyEvent) -> (Option<Command>, Context) {
        match self.lookup_in(context, event) {
            None if context == Context::Brush => (self.lookup_in(Context::Table, event), Context::Table),
            command => (command, context),
        }
    }

    fn lookup_in(&self, context: Context, event: KeyEvent) -> Option<Command> {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        // Only some terminals report Shift for characters; the character itself shows it.
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        let pressed = Key(event.code, modifiers);
        let command_in = |context| {
            self.bindings
                .iter()
                .find(|bound| bound.contexts.contains(&context) && bound.keys.contains(&pressed))
                .map(|bound| bound.command)
        };
        command_in(context)
            .or_else(|| if has_keys_of_tables(context) { command_in(Context::Table) } else { None })
    }

    /// The command, key and word of each key in the footer, the most useful first.
    pub(crate) fn footer(
        &self,
        context: Context,
    ) -> impl Iterator<Item = (Command, String, &'static str)> + '_ {
        let own = move |bound: &&Bound| bound.contexts.contains(&context);
        let is_free = move |bound: &Bound| {
            self.bindings.iter().filter(own).all(|of| of.keys.first() != bound.keys.first())
        };
        let of_tables = self.bindings.iter().filter(move |bound| {
            has_keys_of_tables(context) && bound.contexts.contains(&Context::Table) && is_free(bound)
        });
        let all = self.bindings.iter().filter(own).chain(of_tables);
        all.filter(|bound| !bound.footer.is_empty()).map(|bound| {
            (bound.command, bound.keys.first().map_or(String::new(), |key| key.label()), bound.footer)
        })
    }

    /// The names of the keys of a binding, the first one first. Those of the copy menu include the key before it: `y c`.
    pub(crate) fn labels(&self, bound: &Bound) -> Vec<String> {
        let before = match bound.contexts.as_slice() {
            [Context::CopyMenu] => self.key_of(Context::Table, Command::Copy) + " ",
            _ => String::new(),
        };
        bound.keys.iter().map(|key| format!("{before}{}", key.label())).collect()
    }

    /// Whether a binding works in a context, by its own keys or because the context has those of tables.
    pub(crate) fn works_in(&self, bound: &Bound, context: Context) -> bool {
        let has_keys_of_tables = has_keys_of_tables(context) || context == Context::Brush;
        bound.contexts.contains(&context)
            || has_keys_of_tables && bound.contexts.contains(&Context::Table)
            || has_copy_menu(context) && bound.contexts.contains(&Context::CopyMenu)
    }

    /// The context that a command belongs to if it is performed without its key in `context`; `None`: it does nothing
    /// there.
    pub(crate) fn context_of(&self, context: Context, command: Command) -> Option<Context> {
        let is_bound = |context: Context| {
            self.bindings.iter().any(|bound| bound.command == command && bound.contexts.contains(&context))
        };
        match context {
            _ if is_bound(context) => Some(context),
            _ if has_keys_of_tables(context) && is_bound(Context::Table) => Some(context),
            Context::Brush if is_bound(Context::Table) => Some(Context::Table),
            _ if has_copy_menu(context) && is_bound(Context::CopyMenu) => Some(Context::CopyMenu),
            _ => None,
        }
    }

    /// The first key of a command, for hints in texts.
    pub(crate) fn key_of(&self, context: Context, command: Command) -> String {
        self.bindings
            .iter()
            .find(|bound| bound.contexts.contains(&context) && bound.command == command)
            .and_then(|bound| bound.keys.first())
            .map_or(String::new(), |key| key.label())
    }
}

/// Whether a value can be copied in a context, and then something else with a second key.
fn has_copy_menu(context: Context) -> bool {
    has_keys_of_tables(context) || matches!(context, Context::Table | Context::Detail | Context::Brush)
}

/// Whether a key types a character.
fn is_typed(key: Key) -> bool {
    matches!(key.0, KeyCode::Char(_)) && !key.1.contains(KeyModifiers::CONTROL)
}

/// Whether keys without a command of their own have that of tables.
fn has_keys_of_tables(context: Context) -> bool {
    matches!(context, Context::Findings | Context::HeatMap)
}

/// The contexts in which a command has keys by default that can be changed.
pub(crate) fn contexts_of(command: Command) -> Vec<Context> {
    let has = |context: &Context| {
        Keymap::default()
            .bindings
            .iter()
            .any(|bound| bound.command == command && !bound.is_fixed && bound.contexts.contains(context))
    };
    ALL.iter().copied().filter(has).collect()
}

/// The commands that have keys in `context` by default that can be changed, in the order of the table, with these keys.
pub(crate) fn commands_of(context: Context) -> Vec<Bound> {
    let bindings = Keymap::default().bindings.into_iter();
    bindings.filter(|bound| !bound.is_fixed && bound.contexts.contains(&context)).collect()
}

/// `PageUp` → `page_up`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// The name of a command in the configuration file: its name in the code, in small letters.
pub(crate) fn command_name(command: Command) -> String {
    match command {
        Command::Tab(index) => format!("table_{}", index + 1),
        other => snake_case(&format!("{other:?}")),
    }
}

/// The name of a context in the configuration file: its name in the code, in small letters.
pub(crate) fn context_name(context: Context) -> String {
    snake_case(&format!("{context:?}"))
}

/// Keys with names, as the configuration file may write them, in small letters. The first of several names is that of the
/// documentation.
const NAMED_KEYS: [(&[&str], KeyCode); 16] = [
    (&["enter", "return"], KeyCode::Enter),
    (&["esc", "escape"], KeyCode::Esc),
    (&["tab"], KeyCode::Tab),
    (&["space"], KeyCode::Char(' ')),
    (&["backspace"], KeyCode::Backspace),
    (&["delete", "del"], KeyCode::Delete),
    (&["insert", "ins"], KeyCode::Insert),
    (&["up", "↑"], KeyCode::Up),
    (&["down", "↓"], KeyCode::Down),
    (&["left", "←"], KeyCode::Left),
    (&["right", "→"], KeyCode::Right),
    (&["pgup", "pageup"], KeyCode::PageUp),
    (&["pgdn", "pagedown", "pgdown"], KeyCode::PageDown),
    (&["home"], KeyCode::Home),
    (&["end"], KeyCode::End),
    (&["minus"], KeyCode::Char('-')),
];

/// How keys are written.
pub(crate) const EXPECTED_KEY: &str = "a key is a character, F1 to F12, or Enter, Esc, Tab, Space, Backspace, Delete, Insert, Up, Down, Left, Right, PgUp, \
     PgDn, Home or End, with Ctrl- or Shift- in front of it";

/// Parses the name of a key: `s`, `Ctrl-d`, `Shift-Left`, `F2`, `PgUp`.
///
/// # Errors
/// A message that says what is expected.
pub(crate) fn parse_key(text: &str) -> Result<Key, String> {
    let wrong = || Err(format!("\"{text}\" is not a key: {EXPECTED_KEY}"));
    let (mut modifiers, mut rest) = (KeyModifiers::NONE, text);
    while let Some((modifier, after)) = rest.split_once(['-', '+'])
        && !after.is_empty()
    {
        modifiers |= match modifier.to_ascii_lowercase().as_str() {
            "ctrl" | "control" | "c" => KeyModifiers::CONTROL,
            "shift" | "s" => KeyModifiers::SHIFT,
            "alt" | "meta" | "a" | "m" => {
                return Err(format!(
                    "\"{text}\": keys with Alt cannot be told apart from Esc and another key; {EXPECTED_KEY}"
                ));
            }
            _ => return wrong(),
        };
        rest = after;
    }
    let lower = rest.to_ascii_lowercase();
    let named = NAMED_KEYS.iter().find(|(names, _)| names.contains(&lower.as_str())).map(|(_, code)| *code);
    let function = lower.strip_prefix('f').and_then(|number| number.parse::<u8>().ok());
    let mut chars = rest.chars();
    let code = match (named, function, chars.next(), chars.next()) {
        (Some(code), ..) => code,
        (None, Some(number @ 1..=12), ..) => KeyCode::F(number),
        (None, None, Some(c), None) if !c.is_control() => KeyCode::Char(c),
        _ => return wrong(),
    };
    let code = match (code, modifiers.contains(KeyModifiers::SHIFT)) {
        (KeyCode::Tab, true) => KeyCode::BackTab,
        // A terminal sends the capital letter.
        (KeyCode::Char(c), true) if c.is_alphabetic() => c.to_uppercase().next().map_or(code, KeyCode::Char),
        (KeyCode::Char(_), true) => return wrong(),
        _ => code,
    };
    if matches!(code, KeyCode::Char(_) | KeyCode::BackTab) {
        modifiers -= KeyModifiers::SHIFT;
    }
    // Terminals send Ctrl with a letter in either case as the same byte.
    match code {
        KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) => {
            Ok(Key(KeyCode::Char(c.to_ascii_lowercase()), modifiers))
        }
        code => Ok(Key(code, modifiers)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(context: Option<Context>, command: Command, keys: &[&str]) -> Rebinding {
        let keys = keys.iter().map(|key| parse_key(key).unwrap()).collect();
        Rebinding { context, command, keys }
    }

    fn pressed(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
    }

    #[test]
    fn shift_with_a_letter_is_the_capital_letter() {
        let keys = Keymap::default();
        let event = KeyEvent::new(KeyCode::Char('Z'), KeyModifiers::SHIFT);
        assert_eq!(keys.lookup_in(Context::Table, event), Some(Command::ZoomOut));
        let event = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(keys.lookup_in(Context::Prompt, event), Some(Command::Quit));
        assert_eq!(keys.key_of(Context::Table, Command::ClearFilter), "x");
    }

    #[test]
    fn names_of_keys() {
        for (text, label) in [
            ("s", "s"),
            ("S", "S"),
            ("Shift-s", "S"),
            ("ctrl-D", "Ctrl-d"),
            ("Ctrl+d", "Ctrl-d"),
            ("-", "-"),
            ("Ctrl--", "Ctrl--"),
            ("F2", "F2"),
            ("PgUp", "PgUp"),
            ("Shift-Left", "Shift-←"),
            ("shift-tab", "Shift-Tab"),
            ("space", "Space"),
            (":", ":"),
        ] {
            assert_eq!(parse_key(text).map(Key::label), Ok(label.to_owned()), "{text}");
        }
        for wrong in ["", "F13", "ctrl", "Hyper-x", "ab", "Shift-1"] {
            assert!(parse_key(wrong).unwrap_err().contains("is not a key"), "{wrong}");
        }
        assert!(parse_key("Alt-x").unwrap_err().contains("Alt"));
    }

    #[test]
    fn every_default_key_has_a_name_that_is_read_back() {
        for bound in Keymap::default().bindings() {
            for key in &bound.keys {
                assert_eq!(parse_key(&key.label()), Ok(*key), "{}", key.label());
            }
        }
    }

    #[test]
    fn names_of_commands_are_unique_and_contexts_have_names() {
        let mut names: Vec<(Command, String)> = Vec::new();
        for binding in KEYMAP {
            let name = command_name(binding.command);
            assert!(!names.iter().any(|(command, other)| *command != binding.command && *other == name));
            names.push((binding.command, name));
        }
        assert_eq!(command_name(Command::PageUp), "page_up");
        assert_eq!(command_name(Command::Tab(0)), "table_1");
        assert_eq!(context_name(Context::Concentration), "concentration");
    }

    #[test]
    fn a_command_gets_other_keys_in_one_context() {
        let changes = [change(Some(Context::Table), Command::Copy, &["Y"])];
        let keys = Keymap::with(&changes).unwrap();
        assert_eq!(keys.lookup(Context::Table, pressed('Y')).0, Some(Command::Copy));
        assert_eq!(keys.lookup(Context::Table, pressed('y')).0, None);
        assert_eq!(keys.lookup(Context::Detail, pressed('y')).0, Some(Command::Copy));
        assert_eq!(keys.key_of(Context::Table, Command::Copy), "Y");
    }

    #[test]
    fn a_command_gets_other_keys_everywhere_and_none() {
        let changes = [
            change(None, Command::Copy, &["F2"]),
            change(Some(Context::Table), Command::Mark, &[]),
            change(Some(Context::Table), Command::Sort, &["m"]),
        ];
        let keys = Keymap::with(&changes).unwrap();
        for context in [Context::Table, Context::Detail, Context::Block] {
            assert_eq!(keys.key_of(context, Command::Copy), "F2", "{context:?}");
        }
        assert_eq!(keys.lookup(Context::Table, pressed('m')).0, Some(Command::Sort));
        assert_eq!(keys.lookup(Context::Table, pressed(' ')).0, None);
    }

    #[test]
    fn two_commands_of_a_key_are_an_error_of_the_change() {
        let changes = [
            change(Some(Context::Table), Command::Pause, &["P"]),
            change(Some(Context::Table), Command::Sort, &["c", "s"]),
        ];
        let errors = Keymap::with(&changes).unwrap_err();
        assert_eq!(errors, [(1, "c has the command columns in table already".to_owned())]);
        // Exchanged keys are no conflict.
        let changes = [
            change(Some(Context::Table), Command::Columns, &["s"]),
            change(Some(Context::Table), Command::Sort, &["c"]),
        ];
        assert!(Keymap::with(&changes).is_ok());
    }

    #[test]
    fn impossible_changes_are_errors() {
        let errors = Keymap::with(&[
            change(Some(Context::Prompt), Command::Sort, &["s"]),
            change(Some(Context::Prompt), Command::Complete, &["x"]),
        ])
        .unwrap_err();
        assert!(errors[0].1.contains("it works in table"), "{errors:?}");
        assert!(errors[1].1.starts_with("x could not be typed any more"), "{errors:?}");
    }

    #[test]
    fn letters_stay_letters_where_they_are_typed() {
        let keys = Keymap::with(&[change(None, Command::Up, &["W"])]).unwrap();
        assert_eq!(keys.key_of(Context::Table, Command::Up), "W");
        for context in [Context::Pick, Context::Columns, Context::Palette] {
            assert_eq!(keys.key_of(context, Command::Up), "↑", "{context:?}");
            let errors = Keymap::with(&[change(Some(context), Command::Up, &["W"])]).unwrap_err();
            assert!(errors[0].1.contains("could not be typed any more"), "{errors:?}");
        }
        // Blanks are not typed where they switch entries on and off.
        assert!(Keymap::with(&[change(Some(Context::Columns), Command::Toggle, &["Space", "F2"])]).is_ok());
        assert!(Keymap::with(&[change(Some(Context::Columns), Command::Toggle, &["Space", "x"])]).is_err());
    }

    #[test]
    fn ctrl_c_always_quits() {
        let changes = [change(None, Command::Quit, &["Q"])];
        let keys = Keymap::with(&changes).unwrap();
        let event = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(keys.lookup(Context::Table, event).0, Some(Command::Quit));
        assert_eq!(keys.lookup(Context::Table, pressed('q')).0, None);
        assert_eq!(keys.lookup(Context::Table, pressed('Q')).0, Some(Command::Quit));
        let errors = Keymap::with(&[change(Some(Context::Table), Command::Sort, &["Ctrl-c"])]).unwrap_err();
        assert!(errors[0].1.contains("the command quit"), "{errors:?}");
    }
}
