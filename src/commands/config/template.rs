//! A configuration file to begin with: every key as a comment. `assets/config.toml` is this text.

use super::reference::example;
use crate::config::schema::{SECTIONS, SectionSpec};

/// Columns of a line.
const WIDTH: usize = 100;

const INTRODUCTION: &str = "\
# The configuration file of Tamarin: $XDG_CONFIG_HOME/tamarin/config.toml. Every key is optional.
# docs/configuration.md describes keys, styles and names. `tamarin config check` finds errors.
";

/// The whole file.
pub(super) fn text() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in &SECTIONS {
        text.push('\n');
        section_text(section, &mut text);
    }
    text
}

fn section_text(section: &SectionSpec, text: &mut String) {
    let has_names = section.path.contains(&"*");
    comment(&format!("{}. {}", section.title, section.about.replace('`', "")), text);
    for key in section.keys().filter(|key| !has_names || key.name() != "*") {
        comment(
            &format!("{}: {} Without it: {}.", key.name(), key.about.replace('`', ""), key.default),
            text,
        );
    }
    for line in example(section).lines() {
        // A single # before what can be switched on by removing it.
        text.push_str(&format!("#{line}\n"));
    }
}

/// Adds lines that begin with `# `.
fn comment(words: &str, text: &mut String) {
    let mut line = "#".to_owned();
    for word in words.split_whitespace() {
        if line.len() + word.len() >= WIDTH {
            text.push_str(&format!("{line}\n"));
            line = "#".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&format!("{line}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;
    use crate::tui::Settings;

    #[test]
    fn the_file_has_no_values_and_is_valid_when_everything_is_switched_on() {
        let text = text();
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')));
        let on: String = text
            .lines()
            .map(|line| if line.starts_with("# ") { line } else { line.trim_start_matches('#') })
            .map(|line| format!("{line}\n"))
            .collect();
        let file = ConfigFile::parse(on, "config.toml".into()).unwrap();
        let (_, problems) = Settings::of(&file.config, 1_800_000_000);
        assert_eq!(problems, []);
        assert!(file.config.theme.is_some() && file.config.prices.file.is_some());
    }
}
