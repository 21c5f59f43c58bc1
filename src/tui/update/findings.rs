//! The findings: starts their analysis, lists them, opens them, goes from one to the next on the timeline.

use std::time::Duration;

use crate::insight::Scope;
use crate::insight::findings::mute::Mute;
use crate::insight::findings::{Finding, Findings};
use crate::query::{Ask, Dimension, Filter, Query};
use crate::tui::model::{
    AllFindings, AnalysisAnswer, AnalysisAsk, AnalysisJob, AnalysisResult, AnalysisSlot, Areas, Brush,
    Command, Context, Effect, FindingId, FindingRow, FindingRows, Layer, ListKind, Overlay, Prompt, Purpose,
    RowId, Rows, State, Tab, TableKind, answer_state::AnswerState, cell_filter, found, time_axes,
};
use crate::tui::update::{drill, queries};
use crate::tui::widgets::fit;

/// Time between the starts of two analyses of growing data.
const GROWING_INTERVAL: Duration = Duration::from_secs(30);
/// Time between the starts of two analyses of data that has changed otherwise.
const CHANGED_INTERVAL: Duration = Duration::from_secs(5);

/// Terminal columns of a mute in a message: with the words around it, it fits a terminal of 80.
const MUTED_WIDTH: usize = 50;

/// Starts the analysis of the filter in front if it is due, and stops an outdated one.
pub(super) fn reconcile(state: &mut State, effects: &mut Vec<Effect>) {
    let (filter, _) = found::scope_of(state.layer());
    if let Some(running) = state.found.running().filter(|running| **running != filter).cloned() {
        state.found.entry(&running).progress = None;
        state.found.latest = 0;
        effects.push(Effect::StopAnalysis(AnalysisSlot::Findings));
    }
    let has_requests = state.totals.data.as_ref().is_some_and(|totals| totals.stats.requests > 0);
    if state.names.running.is_some() && filter.tests(&Dimension::HostName) {
        return;
    }
    // The queries of the screen run first. A filter that is being typed is analysed when it is complete.
    if state.is_too_small() || state.prompt.is_some() || !has_requests || !state.is_screen_complete() {
        return;
    }
    let query = queries::layer_query(state, Ask::Totals);
    let query = Query { time: state.session_time, filter: filter.clone(), ..query };
    let (generation, latest, now) = (state.generation, state.found.latest, state.now.session_millis);
    let (is_growing, is_paused) = (state.is_growing(), state.paused);
    let analysed = state.found.entry(&filter);
    // When a pull ends, what was found in a part of its requests is out of date at once; so is what was found before the
    // snapshot of a pause, which will not change.
    let was_early = (is_paused || analysed.was_growing && !is_growing) && analysed.generation < generation;
    let is_needed = analysed.answer.needs_query(&query, generation, latest);
    let is_outdated = was_early && analysed.answer.is_running();
    if !is_needed && !is_outdated {
        return;
    }
    let interval = if is_growing { GROWING_INTERVAL } else { CHANGED_INTERVAL };
    if analysed.answer.is_complete() && !was_early {
        let passed = Duration::from_millis(now.saturating_sub(analysed.started));
        if passed < interval {
            if state.found.timer.is_none() {
                let number = state.next_number();
                state.found.timer = Some(number);
                effects.push(Effect::StartTimer { after: interval - passed, number });
            }
            return;
        }
    }
    let number = state.next_number();
    let analysed = state.found.entry(&filter);
    if was_early && analysed.answer.data.as_ref().is_some_and(|found| *found == AllFindings::default()) {
        // Nothing was found in the first requests, which says nothing about all of them.
        analysed.answer = AnswerState::default();
    }
    analysed.progress = Some(0.0);
    analysed.started = now;
    analysed.was_growing = is_growing;
    analysed.generation = generation;
    analysed.answer.query_sent(number, query.clone());
    state.found.latest = number;
    let ask = AnalysisAsk::Findings(Scope::of(&query));
    effects.push(Effect::Analyse(Box::new(AnalysisJob { number, ask })));
}

/// Notes that a timer ended: an analysis may be due again.
pub(super) fn timer_fired(state: &mut State, number: u64) {
    if state.found.timer == Some(number) {
        state.found.timer = None;
    }
}

/// Stores a result of an analysis.
pub(super) fn store(state: &mut State, result: AnalysisResult) {
    let version = state.found.next_version();
    let ordinary = state.found.ordinary_in_whole_log();
    let Some(analysed) = state.found.awaiting(result.number) else { return };
    let findings = result.answer.and_then(|answer| match answer {
        AnalysisAnswer::Findings(mut findings) => {
            findings.found.set_aside(&ordinary);
            Ok(findings)
        }
        _ => Err("internal error: another analysis answered; please report this".to_owned()),
    });
    analysed.progress = result.share;
    analysed.answer.store(result.share, result.generation, findings);
    analysed.version = version;
}

/// Puts the findings of the layer in front into its table.
pub(super) fn list(state: &mut State) {
    let layer = state.layer();
    if layer.tab != Tab::Findings {
        return;
    }
    let Some(analysed) = found::analysed(state) else {
        // Another filter, which is not analysed yet.
        if layer.listed_findings.is_some() {
            let layer = state.layer_mut();
            layer.listed_findings = None;
            layer.table_mut().rows.data = None;
        }
        return;
    };
    let listed = (analysed.version, found::scope_of(layer).1, layer.shows_set_aside);
    if layer.listed_findings == Some(listed) {
        return;
    }
    let share = analysed.answer.share;
    let rows = analysed.answer.data.is_some().then(|| {
        let found = Findings {
            findings: found::visible(state).cloned().collect(),
            benign: found::visible_benign(state).cloned().collect(),
        };
        let all = AllFindings { found, muted: found::visible_muted(state).cloned().collect() };
        Rows::Findings(FindingRows::new(all, layer.shows_set_aside, layer.table().sort))
    });
    let page = Areas::of(state).page();
    let layer = state.layer_mut();
    layer.listed_findings = Some(listed);
    let table = layer.table_mut();
    table.rows.share = share;
    if !table.was_moved {
        // The worst finding stays under the cursor until the user moves it.
        table.anchor = None;
        table.cursor = 0;
    }
    match rows {
        Some(rows) => table.replace_rows(rows, page),
        None => table.rows.data = None,
    }
}

/// The finding under the cursor of the table of findings.
pub(super) fn under_cursor(state: &State) -> Option<&Finding> {
    let table = state.layer().table();
    table.rows.data.as_ref()?.finding(table.cursor)
}

/// The marked findings, or the one under the cursor. Marked findings that are no longer there are left out.
pub(super) fn chosen(state: &State) -> Vec<&Finding> {
    let table = state.layer().table();
    let marked = table.marks.iter().filter_map(|mark| match mark {
        RowId::Finding(id) => found::by_id(state, id),
        _ => None,
    });
    let marked: Vec<&Finding> = marked.collect();
    if marked.is_empty() { under_cursor(state).into_iter().collect() } else { marked }
}

/// Opens the requests of the finding under the cursor, or lists the findings that are set aside.
pub(super) fn open(state: &mut State) {
    let table = state.layer().table();
    let Some(Rows::Findings(rows)) = &table.rows.data else { return };
    match rows.get(table.cursor) {
        Some(FindingRow::Finding(finding) | FindingRow::Muted(finding, _)) => {
            let finding = finding.clone();
            open_finding(state, &finding);
        }
        Some(FindingRow::Heading { .. }) => toggle_set_aside(state),
        None => {}
    }
}

/// Opens a layer with the requests of a finding.
pub(super) fn open_finding(state: &mut State, finding: &Finding) {
    let (filter, time) = found::split_time(&finding.filter);
    let title = format!("{} {}", finding.kind.name(), found::subject_text(finding));
    let mut next = Layer::new(filter, time.within(state.session_time)).titled(title, false);
    next.tab = Tab::Requests;
    drill::push(state, next);
}

/// Keeps only the requests of the marked findings, or of the one under the cursor, in this layer; if `negated`, only the
/// others.
pub(super) fn only(state: &mut State, negated: bool) {
    let known = state.layer().filter.clone();
    // The filter of a finding has the terms of the filter that was analysed.
    let own = |finding: &Finding| -> Vec<Filter> {
        finding.filter.terms().iter().filter(|term| !known.terms().contains(term)).cloned().collect()
    };
    let findings: Vec<Vec<Filter>> = chosen(state).into_iter().map(own).collect();
    let layer_filter = match (findings.as_slice(), negated) {
        ([], _) => return,
        ([own], false) => {
            own.iter().cloned().fold(known.clone(), |all, term| cell_filter::with_term(&all, term))
        }
        (several, false) => known.clone().and(Filter::any(several.iter().cloned().map(Filter::all))),
        (several, true) => {
            several.iter().cloned().fold(known.clone(), |all, own| all.and(Filter::all(own).negated()))
        }
    };
    let layer = state.layer_mut();
    layer.filter = layer_filter;
    layer.table_mut().marks.clear();
}

/// Ends the mute of the muted finding under the cursor, or asks why the marked findings, or those like the one under the
/// cursor, are to be muted.
pub(super) fn mute_or_unmute(state: &mut State, effects: &mut Vec<Effect>) {
    let table = state.layer().table();
    if let (true, Some(Rows::Findings(rows))) = (table.marks.is_empty(), &table.rows.data)
        && let Some(FindingRow::Muted(_, by)) = rows.get(table.cursor)
    {
        effects.push(Effect::Unmute(Box::new(by.clone())));
        return;
    }
    let muted: Vec<FindingId> =
        found::visible_muted(state).map(|muted| FindingId::of(&muted.finding)).collect();
    let is_new = |finding: &&Finding| finding.label.is_none() && !muted.contains(&FindingId::of(finding));
    let mut mutes: Vec<Mute> = Vec::new();
    for finding in chosen(state).into_iter().filter(is_new) {
        // Findings about all requests have only their requests in common.
        let mute = if finding.subject.is_some() { Mute::like(finding) } else { Mute::only(finding) };
        if !mutes.contains(&mute) {
            mutes.push(mute);
        }
    }
    if mutes.is_empty() {
        return state.notify("nothing to mute: choose a finding that is not set aside");
    }
    state.prompt = Some(Prompt::new(Purpose::Mute(mutes), String::new()));
}

/// Stores mutes with their reason.
pub(super) fn mute(state: &State, mutes: &[Mute], reason: &str, effects: &mut Vec<Effect>) {
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    let added = state.now.unix_seconds;
    let with_reason = |mute: &Mute| Mute { reason: reason.clone(), added, ..mute.clone() };
    effects.push(Effect::Mute(mutes.iter().map(with_reason).collect()));
}

/// Sets the findings aside that meet the mutes that were stored.
pub(super) fn muted(state: &mut State, mutes: &[Mute], error: Option<String>) {
    mutes.iter().for_each(|mute| state.found.set_aside(mute));
    state.layer_mut().table_mut().marks.clear();
    let key = state.settings.keys.key_of(Context::Findings, Command::SetAside);
    match (error, mutes) {
        (Some(error), _) => state.warn(crate::tui::format::visible(&error)),
        (None, [mute]) => {
            let what = fit::middle(&crate::export::mute_text(mute), MUTED_WIDTH);
            state.notify(format!("muted {what}; {key} lists it"));
        }
        (None, several) => {
            let count = crate::tui::format::counted(several.len() as u64, "finding");
            state.notify(format!("muted {count}; {key} lists them"));
        }
    }
}

/// Lists the stored mutes.
pub(super) fn list_mutes(state: &mut State, mutes: Result<Vec<Mute>, String>) {
    match mutes {
        Ok(mutes) if mutes.is_empty() => {
            let key = state.settings.keys.key_of(Context::Findings, Command::Mute);
            state.notify(format!("nothing is muted; {key} on a finding mutes it"));
        }
        Ok(mutes) => {
            state.mutes = mutes;
            state.open_list(ListKind::Mutes);
        }
        Err(error) => state.warn(crate::tui::format::visible(&error)),
    }
}

/// Ends a mute of the list.
pub(super) fn end_mute(state: &State, id: i64, effects: &mut Vec<Effect>) {
    let mute = state.mutes.iter().find(|mute| mute.id == id);
    effects.extend(mute.map(|mute| Effect::Unmute(Box::new(mute.clone()))));
}

/// Puts the findings back that a removed mute set aside.
pub(super) fn unmuted(state: &mut State, mute: &Mute, result: Result<(), String>) {
    match result {
        Ok(()) => {
            state.found.put_back(mute);
            state.mutes.retain(|other| other.id != mute.id);
            let is_listed =
                matches!(&state.overlay, Some(Overlay::List(list)) if list.kind == ListKind::Mutes);
            if is_listed && state.mutes.is_empty() {
                state.overlay = None;
            }
            let what = fit::middle(&crate::export::mute_text(mute), MUTED_WIDTH);
            state.notify(format!("no longer muted: {what}"));
        }
        Err(error) => state.warn(crate::tui::format::visible(&error)),
    }
}

/// Lists the findings that are set aside, or hides them.
pub(super) fn toggle_set_aside(state: &mut State) {
    if !found::has_set_aside(state) {
        return state.notify("no finding is set aside");
    }
    let layer = state.layer_mut();
    layer.shows_set_aside = !layer.shows_set_aside;
}

/// Puts the brush on the next or previous finding. Returns `false` if there are no findings.
pub(super) fn step(state: &mut State, command: Command) -> bool {
    let ordered = found::in_order_of_time(state);
    let Some(last) = ordered.len().checked_sub(1) else { return false };
    let selected = state.brush.as_ref().and_then(|brush| brush.finding.as_ref());
    let at = selected.and_then(|id| ordered.iter().position(|finding| id.is(finding)));
    let seconds = match (&state.brush, time_axes::timeline(state)) {
        (Some(brush), Some(axis)) => Some(brush.seconds(&axis)),
        _ => None,
    };
    let backwards = command == Command::PreviousFinding;
    let next = match (at, seconds, backwards) {
        (Some(at), _, false) => {
            if at == last {
                0
            } else {
                at + 1
            }
        }
        (Some(at), _, true) => at.checked_sub(1).unwrap_or(last),
        (None, Some((_, end)), false) => ordered.iter().position(|of| of.start >= end).unwrap_or(0),
        (None, Some((start, _)), true) => ordered.iter().rposition(|of| of.start < start).unwrap_or(last),
        (None, None, backwards) => {
            if backwards {
                last
            } else {
                0
            }
        }
    };
    let Some(finding) = ordered.get(next) else { return false };
    let (start, end) = match state.visible_range() {
        Some((first, past)) => (finding.start.max(first), finding.end.min(past)),
        None => (finding.start, finding.end),
    };
    let id = FindingId::of(finding);
    let brush = Brush {
        fixed: start,
        moving: (end - 1).max(start),
        burst: Some((start, end.max(start + 1))),
        finding: Some(id.clone()),
    };
    state.brush = Some(brush);
    let page = Areas::of(state).page();
    let table = state.layer_mut().table_mut();
    if table.kind == TableKind::Findings
        && let Some(rows) = &table.rows.data
        && let Some(row) = rows.position(&RowId::Finding(id))
    {
        table.move_to(row, page);
    }
    true
}

/// Opens the finding under the brush. Returns `false` if there is none.
pub(super) fn open_brushed(state: &mut State) -> bool {
    let id = state.brush.as_ref().and_then(|brush| brush.finding.as_ref());
    let Some(finding) = id.and_then(|id| found::by_id(state, id)).cloned() else { return false };
    open_finding(state, &finding);
    true
}

/// The explanations of the marked findings, or of the one under the cursor, with control characters made visible.
pub(super) fn copied_text(state: &State) -> Option<String> {
    let texts: Vec<String> =
        chosen(state).into_iter().map(|finding| crate::tui::format::visible(&finding.explanation)).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}
