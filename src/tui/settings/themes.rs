//! The key `theme` and the tables `[themes.NAME]`.

use crate::config::{Config, Problem, did_you_mean};
use crate::tui::theme::themes::{AUTO, DARK, NamedTheme, built_in, of_program, with_styles};

/// The key of a theme that names another one.
pub(crate) const BASE: &str = "base";

/// The themes of the program and of the user, and the name of the chosen one.
pub(super) fn read(config: &Config, problems: &mut Vec<Problem>) -> (Vec<NamedTheme>, String) {
    let mut themes = built_in().to_vec();
    let of_the_program: Vec<&str> = built_in().iter().map(|named| named.name.as_str()).collect();
    for (name, styles) in &config.themes {
        if name == AUTO || name.is_empty() || name.contains(char::is_whitespace) {
            let reason =
                "choose another name: auto is the theme that fits the terminal, and names have no spaces";
            problems.push(Problem::new(["themes", name], reason));
            continue;
        }
        let own = of_program(name).map(|_| name.as_str());
        let base_name = styles.get(BASE).map(String::as_str).or(own).unwrap_or(DARK);
        let Some(base) = of_program(base_name) else {
            let hint = did_you_mean(base_name, of_the_program.iter().copied());
            let known = of_the_program.join(", ");
            let reason = format!("the program has no theme \"{base_name}\"{hint}; its themes are {known}");
            problems.push(Problem::new(["themes", name, BASE], reason));
            // The roles may have problems of their own.
            report(name, styles, None, problems);
            continue;
        };
        if let Some(theme) = report(name, styles, Some(base), problems) {
            themes.retain(|named| named.name != *name);
            let about = format!("Of the configuration file, based on {base_name}.");
            themes.push(NamedTheme { name: name.clone(), about, theme });
        }
    }
    let theme = match &config.theme {
        None => AUTO.to_owned(),
        Some(name) if name == AUTO || themes.iter().any(|named| named.name == *name) => name.clone(),
        // A theme with a problem has been reported already.
        Some(name) if config.themes.contains_key(name) => AUTO.to_owned(),
        Some(name) => {
            let names = || themes.iter().map(|named| named.name.as_str()).chain([AUTO]);
            let hint = did_you_mean(name, names());
            let known: Vec<&str> = names().collect();
            let reason = format!("there is no theme \"{name}\"{hint}; the themes are {}", known.join(", "));
            problems.push(Problem::new(["theme"], reason));
            AUTO.to_owned()
        }
    };
    (themes, theme)
}

/// The theme with the styles of a table, or the problems of the table.
fn report(
    name: &str,
    styles: &std::collections::BTreeMap<String, String>,
    base: Option<crate::tui::Theme>,
    problems: &mut Vec<Problem>,
) -> Option<crate::tui::Theme> {
    let roles = styles.iter().filter(|(role, _)| *role != BASE);
    let roles = roles.map(|(role, text)| (role.as_str(), text.as_str()));
    match with_styles(base.unwrap_or_default(), roles) {
        Ok(theme) => Some(theme),
        Err(errors) => {
            problems.extend(
                errors.into_iter().map(|error| {
                    Problem::new(["themes", name, &error.role].map(str::to_owned), error.reason)
                }),
            );
            None
        }
    }
}
