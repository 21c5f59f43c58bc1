//! The entries of the lists.

use crate::insight::findings::mute::Mute;
use crate::query::{BucketWidth, Dimension};
use crate::tui::format;
use crate::tui::model::keymap::Group;
use crate::tui::model::keys::Bound;
use crate::tui::model::lists::{Choice, Entry, ListKind, dimensions, second_dimensions};
use crate::tui::model::{
    COMMANDS, Command, CommandSpec, Context, State, Tab, TableKind, axis, crumbs, found, investigations,
    keymap,
};
use crate::tui::theme::themes::AUTO;

/// Examples of filters in the help.
const FILTER_EXAMPLES: [(&str, &str); 8] = [
    ("ip:203.0.113.7", "or ip:203.0.113.0/24"),
    ("key:media/*.mp4", "a pattern; key~\"^a/.*\" is a regular expression"),
    ("status:4xx", "or status>=500"),
    ("bytes>10MB", "compares a measure"),
    ("time:-6h", "or time:2026-04-01..2026-04-03"),
    ("-ua~bot", "a minus negates the term"),
    ("(status:403 or status:404) op:GET", "all terms must match; or and parentheses give alternatives"),
    ("word", "searches key, remote_ip, requester and user_agent"),
];

/// The title and the entries of a list.
pub(crate) fn of(state: &State, kind: &ListKind) -> (String, Vec<Entry>) {
    match kind {
        ListKind::Help => ("Keys".to_owned(), help(state)),
        ListKind::Filters => ("Filters".to_owned(), filters(state)),
        ListKind::Columns => ("Columns".to_owned(), columns(state)),
        ListKind::Dimensions => ("Group by".to_owned(), first_dimensions(state)),
        ListKind::SecondDimensions(first) => {
            (format!("Group by {}, and then by", first.name()), then_by(first))
        }
        ListKind::BucketWidths => ("Rows per".to_owned(), widths()),
        ListKind::Investigations => ("Investigations".to_owned(), of_investigations(state)),
        ListKind::Themes => ("Themes".to_owned(), themes(state)),
        ListKind::Layers => ("Back to".to_owned(), layers(state)),
        ListKind::Mutes => ("Muted findings".to_owned(), mutes(state)),
    }
}

/// Where the cursor is when a list opens: on the present choice.
pub(crate) fn present(state: &State, kind: &ListKind) -> usize {
    let table = state.layer().table();
    let chosen = match (kind, &table.kind) {
        (ListKind::Dimensions, TableKind::Groups(by)) => Choice::GroupBy(by.clone()),
        (ListKind::SecondDimensions(first), TableKind::Pairs([of, second])) if of == first => {
            Choice::GroupByTwo([first.clone(), second.clone()])
        }
        (ListKind::BucketWidths, TableKind::Times(width)) => Choice::RowsPer(*width),
        (ListKind::Layers, _) => Choice::Layer(state.depth().saturating_sub(2)),
        (ListKind::Themes, _) => Choice::Theme(state.theme_name.clone()),
        _ => return 0,
    };
    let (_, entries) = of(state, kind);
    entries.iter().position(|entry| entry.choice.as_ref() == Some(&chosen)).unwrap_or(0)
}

fn check(is_on: bool) -> String {
    if is_on { "[x] " } else { "[ ] " }.to_owned()
}

fn filters(state: &State) -> Vec<Entry> {
    let layer = state.layer();
    let on = layer.filter.terms().iter().map(|term| (true, term));
    let off = layer.disabled.iter().map(|term| (false, term));
    let entry = |(index, (is_on, term)): (usize, (bool, &crate::query::Filter))| {
        let text = format::filter(term);
        Entry { lead: check(is_on), is_on, ..Entry::new(text, "", Choice::Term(index)) }
    };
    on.chain(off).enumerate().map(entry).collect()
}

fn columns(state: &State) -> Vec<Entry> {
    let table = state.layer().table();
    let entry = |(index, choice): (usize, &crate::tui::model::columns::Choice)| {
        let fits = table.placed.iter().any(|placed| placed.column == choice.column);
        let is_constant = table.is_hidden_as_constant(choice.column);
        let is_on = choice.is_shown && !is_constant;
        let hint = match is_on {
            _ if choice.is_shown && is_constant => "(the same in every row)  ",
            true if !fits => "(no room)  ",
            _ => "",
        };
        // In front: the end of a long text is cut.
        let about = format!("{hint}{}", choice.column.about());
        let entry = Entry::new(table.heading(choice.column), about, Choice::Column(index, choice.column));
        Entry { lead: check(is_on), is_on, ..entry }
    };
    table.columns.iter().enumerate().map(entry).collect()
}

fn first_dimensions(state: &State) -> Vec<Entry> {
    let entry = |by: Dimension| Entry::new(by.name(), about_dimension(&by), Choice::GroupBy(by));
    let mut entries: Vec<Entry> = dimensions().into_iter().map(entry).collect();
    entries.extend(times(state));
    if let Some(first) = state.layer().table().dimension() {
        let about = "A second dimension: a row per pair of values.";
        entries.push(Entry::new("and then by …", about, Choice::ThenBy(first.clone())));
    }
    entries
}

/// The tables of times, for lists of other tables: `time per week`.
pub(crate) fn times(state: &State) -> impl Iterator<Item = Entry> + use<> {
    let key = state.table_key(Command::Tab(Tab::Time as u8));
    let seconds = [3_600, 86_400, 604_800].map(BucketWidth::Seconds);
    seconds.into_iter().chain([BucketWidth::Month]).map(move |width| {
        let text = format!("time {}", format::per_bucket(width));
        let about = format!("Table of times ({key}): compares {}.", compared(width));
        Entry::new(text, about, Choice::RowsPer(Some(width)))
    })
}

fn compared(width: BucketWidth) -> &'static str {
    match width {
        BucketWidth::Month => "months",
        BucketWidth::Seconds(604_800..) => "weeks",
        BucketWidth::Seconds(86_400..) => "days",
        BucketWidth::Seconds(_) => "hours",
    }
}

fn then_by(first: &Dimension) -> Vec<Entry> {
    let entry = |by: Dimension| {
        Entry::new(by.name(), about_dimension(&by), Choice::GroupByTwo([first.clone(), by.clone()]))
    };
    second_dimensions(first).into_iter().map(entry).collect()
}

/// The widths of buckets in the table of times; `None`: chosen to fit.
fn widths() -> Vec<Entry> {
    let seconds = axis::ROUND_WIDTHS.into_iter().map(BucketWidth::Seconds);
    let all = std::iter::once(None).chain(seconds.chain([BucketWidth::Month]).map(Some));
    let entry = |width: Option<BucketWidth>| {
        let text = width.map_or("automatic".to_owned(), format::bucket_width);
        Entry::new(text, about_bucket(width), Choice::RowsPer(width))
    };
    all.map(entry).collect()
}

pub(crate) fn of_investigations(state: &State) -> Vec<Entry> {
    let entry = |named: &crate::config::NamedInvestigation| {
        let about = format::visible(&named.investigation.about);
        Entry::new(format::visible(&named.name), about, Choice::Investigation(named.name.clone()))
    };
    investigations::list(state).iter().map(entry).collect()
}

pub(crate) fn themes(state: &State) -> Vec<Entry> {
    let entry = |theme: &crate::tui::theme::themes::NamedTheme| {
        let about = format::visible(&theme.about);
        Entry::new(format::visible(&theme.name), about, Choice::Theme(theme.name.clone()))
    };
    let auto = Entry::new(AUTO, "The theme that fits the terminal.", Choice::Theme(AUTO.to_owned()));
    state.settings.themes.iter().map(entry).chain([auto]).collect()
}

/// The layers of the drill-down, with what each narrows the one below to.
fn layers(state: &State) -> Vec<Entry> {
    let mut below = None;
    let mut entries = Vec::new();
    for (index, layer) in state.layers().iter().enumerate() {
        let title = layer.title().map(str::to_owned);
        let terms: Vec<String> = title.into_iter().chain(crumbs::terms(state, layer, below)).collect();
        let about = if terms.is_empty() && index == 0 { "all requests".to_owned() } else { terms.join("  ") };
        let number = (index + 1).to_string();
        let entry = Entry::new(crumbs::name(layer), about, Choice::Layer(index));
        entries.push(Entry { lead: format!("{number}  "), is_on: index + 1 < state.depth(), ..entry });
        below = Some(layer);
    }
    entries
}

/// The mutes of findings: what each hides, until when and why.
fn mutes(state: &State) -> Vec<Entry> {
    let entry = |mute: &Mute| {
        let is_on = mute.is_active(state.now.unix_seconds);
        let day = |at| format::instant(at, state.zone(), "%Y-%m-%d %H:%M");
        let hidden = found::hidden_by(state, mute.id);
        let hides = match hidden {
            _ if !is_on => None,
            Some(0) => Some("hides nothing here".to_owned()),
            Some(count) => Some(format!("hides {}", format::counted(count as u64, "finding"))),
            None => Some("hides …".to_owned()),
        };
        let until = mute.until.map(|until| match is_on {
            true => format!("until {}", day(until)),
            false => format!("ended {}", day(until)),
        });
        let reason = mute.reason.as_ref().map(|reason| format::visible(reason));
        let about = [hides, until, reason].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        Entry { is_on, ..Entry::new(crate::export::mute_text(mute), about, Choice::Mute(mute.id)) }
    };
    state.mutes.iter().map(entry).collect()
}

/// All keys by section, then the commands that are typed, then examples of filters.
fn help(state: &State) -> Vec<Entry> {
    /// Width of the keys, in terminal columns.
    const KEYS_WIDTH: usize = 18;
    let lead = |text: &str| format!("{} ", crate::tui::widgets::fit::left(text, KEYS_WIDTH));
    let below = state.context_below();
    let mut entries = Vec::new();
    for group in Group::ALL {
        entries.push(Entry::heading(group.title()));
        let bindings = state.settings.keys.bindings().iter();
        for bound in bindings.filter(|bound| bound.group == group && !bound.about.is_empty()) {
            let keys = state.settings.keys.labels(bound).join(" ");
            let is_on = state.settings.keys.works_in(bound, below);
            let choice = match is_on {
                true => Choice::Perform(bound.command),
                false => Choice::Elsewhere { keys: keys.clone(), places: places(bound) },
            };
            entries.push(Entry { lead: lead(&keys), is_on, ..Entry::new(bound.about, "", choice) });
        }
    }
    entries.push(Entry::heading("Commands, after :"));
    entries.extend(COMMANDS.iter().map(|spec| {
        let text = format!("{} {}", spec.name, spec.argument);
        Entry::new(text.trim_end(), spec.about, line_choice(spec))
    }));
    entries.push(Entry::heading("Filter examples"));
    entries.extend(
        FILTER_EXAMPLES
            .map(|(example, about)| Entry::new(example, about, Choice::EditFilter(example.to_owned()))),
    );
    entries
}

/// Runs a command without an argument, or asks for its argument.
pub(crate) fn line_choice(spec: &CommandSpec) -> Choice {
    match spec.argument {
        "" | "[ADDRESS]" | "[utc|local]" => Choice::RunLine(spec.name.to_owned()),
        _ => Choice::BeginLine(format!("{} ", spec.name)),
    }
}

/// Where the keys of a binding work.
fn places(bound: &Bound) -> String {
    let mut places: Vec<&str> = Vec::new();
    for context in keymap::ALL.iter().filter(|context| bound.contexts.contains(context)) {
        let place = place(*context);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.join(", ")
}

fn place(context: Context) -> &'static str {
    match context {
        Context::Table => "in tables",
        Context::Findings => "in the table of findings",
        Context::Detail => "in an open request",
        Context::HeatMap => "in the heat map",
        Context::Brush => "while a time range is selected",
        Context::CopyMenu => "after copying",
        Context::Contrast => "in a contrast",
        Context::Concentration => "in a concentration",
        Context::Block => "in a block list",
        Context::Filters | Context::Columns | Context::Pick => "in lists",
        Context::Reading => "in texts",
        Context::Palette => "in the list of commands",
        Context::Prompt => "while typing",
        Context::Confirm => "in questions",
    }
}

fn about_bucket(width: Option<BucketWidth>) -> &'static str {
    match width {
        None => "The narrowest that gives at most 200 rows.",
        Some(BucketWidth::Seconds(604_800)) => "From Monday to Sunday, UTC.",
        Some(BucketWidth::Seconds(86_400)) => "From 00:00 to 24:00, UTC.",
        Some(BucketWidth::Month) => "Months of the calendar, UTC.",
        Some(BucketWidth::Seconds(_)) => "",
    }
}

pub(crate) fn about_dimension(by: &Dimension) -> &'static str {
    match by {
        Dimension::Field(field) => field.spec().about,
        Dimension::Network { .. } => "Networks of the addresses: /24 and /48.",
        Dimension::Role => "Requesters, with all sessions of a role as one.",
        Dimension::Prefix { depth: 1 } => "First folder of the key.",
        Dimension::Prefix { .. } => "First folders of the key.",
        Dimension::Path { .. } => "Folders and files: the first parts of the key.",
        Dimension::Extension => "File extension of the key.",
        Dimension::Country => "Country of the address; needs a database.",
        Dimension::Asn => "Autonomous system of the address; needs a database.",
        Dimension::Aws => "AWS service and region of the address; needs ip-ranges.json.",
        Dimension::HostName => "Name of the address by reverse DNS; needs --resolve.",
        Dimension::RefererHost => "Site of the referer: its host.",
        Dimension::AgentFamily => "Program, browser or crawler of the user agent.",
        Dimension::Method => "HTTP method: GET, PUT, …",
        Dimension::StatusClass => "2xx, 3xx, 4xx, 5xx.",
        Dimension::HourOfDay => "Hour of the day, UTC.",
        Dimension::Weekday => "Day of the week, UTC.",
        Dimension::Bucket(_) => "Time.",
        Dimension::QueryParam { .. } => "Values of a parameter of the request URI.",
    }
}
