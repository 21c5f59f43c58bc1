//! The slow part of a series, from one number per day: growth, and steps from one level to another.
//!
//! A step is the day at which the median of the days after it differs most from the median of the days before it, in
//! units of the usual scatter of days, after the growth within both sides is taken out (binary segmentation; the growth
//! is the median of the slopes of all pairs of days, P. K. Sen, "Estimates of the regression coefficient based on
//! Kendall's tau", JASA 63, 1968). Medians ignore single odd days such as holidays.

/// Days on each side that a step is judged by: a week, so that weekdays are equally frequent.
const WINDOW_DAYS: usize = 7;
/// A step needs this many days before it.
const MIN_DAYS_BEFORE: usize = 7;
/// … and after it, if the log ends there. With fewer, it may be a busy weekend.
const MIN_DAYS_UNTIL_END: usize = 3;
/// … and otherwise.
const MIN_DAYS_AFTER: usize = 5;
/// With fewer known days, growth is not estimated.
const MIN_DAYS_FOR_GROWTH: usize = 10;
/// A step exceeds this many standard errors. Days depend on each other, so this is more than chance alone requires.
const MIN_STANDARD_ERRORS: f64 = 6.0;
/// A step is at least this factor, up or down.
const MIN_FACTOR: f64 = 1.3;
/// Share of the pairs of a day before and a day after that must differ clearly in the direction of the step.
const MIN_SEPARATION: f64 = 0.95;
/// Days scatter at least by this factor − 1.
const MIN_SCATTER: f64 = 0.06;
/// Steeper growth per day (as a logarithm) is not growth but steps.
const MAX_SLOPE: f64 = 0.06;
/// Standard error of a median, as a multiple of that of a mean.
const MEDIAN_INEFFICIENCY: f64 = 1.2533;
/// The standard deviation of normal values, as a multiple of their median absolute deviation.
const DEVIATION_PER_MAD: f64 = 1.4826;

/// A change from one level to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    /// The first day on the new level.
    pub day: usize,
    /// The level before it and the new level, in the unit of the input.
    pub before: f64,
    pub after: f64,
    /// The new level as a multiple of the highest level before it: above 1 if there was never as much.
    pub factor: f64,
    /// Days until the next step or the end of the log.
    pub days: usize,
    /// Whether the new level lasts until the end of the log.
    pub lasts: bool,
}

/// The level of each day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Levels {
    /// The level per day, in the unit of the input.
    pub smooth: Vec<f64>,
    /// Steps, ascending by day.
    pub steps: Vec<Step>,
}

/// Finds the level of each day from noisy numbers; `None`: unknown. Without `may_step`, there is one level with growth.
pub(crate) fn levels(daily: &[Option<f64>], may_step: bool) -> Levels {
    let mut known: Vec<f64> = daily.iter().flatten().copied().collect();
    known.sort_unstable_by(f64::total_cmp);
    if known.get(known.len() / 2).is_none_or(|usual| *usual <= 0.0) {
        // Most days are empty: the mean is the only level that is not 0.
        let mean = known.iter().sum::<f64>() / (known.len().max(1)) as f64;
        return Levels { smooth: vec![mean; daily.len()], steps: Vec::new() };
    }
    // Empty days have a logarithm, too.
    let quiet = known.iter().copied().skip(known.len() / 5).find(|level| *level > 0.0).unwrap_or(1.0);
    let floor = 0.02 * quiet;
    let days: Vec<Option<f64>> = daily.iter().map(|level| level.map(|level| (level + floor).ln())).collect();
    let mut bounds = vec![0, days.len()];
    if may_step {
        let scatter = scatter(&days);
        let mut open = vec![(0, days.len())];
        while let Some((from, to)) = open.pop() {
            if let Some(day) = best_step(&days, from, to, scatter) {
                bounds.push(day);
                open.extend([(from, day), (day, to)]);
            }
        }
        bounds.sort_unstable();
    }
    let mut smooth = vec![0.0; days.len()];
    for bound in bounds.windows(2) {
        for (day, level) in smooth.iter_mut().enumerate().take(bound[1]).skip(bound[0]) {
            *level = smooth_level(&days, bound[0], bound[1], day);
        }
    }
    let mut steps = Vec::new();
    for (index, bound) in bounds.windows(2).enumerate().skip(1) {
        let level = |from: usize, to: usize| {
            median(&mut days[from..to].iter().flatten().copied().collect::<Vec<_>>())
        };
        let after = level(bound[0], bound[1].min(bound[0] + WINDOW_DAYS));
        let earlier: Vec<f64> = bounds[..=index]
            .windows(2)
            .map(|earlier| level(earlier[1].saturating_sub(WINDOW_DAYS).max(earlier[0]), earlier[1]))
            .collect();
        let highest = earlier.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let before = earlier.last().copied().unwrap_or(after);
        steps.push(Step {
            day: bound[0],
            before: (before.exp() - floor).max(0.0),
            after: (after.exp() - floor).max(0.0),
            factor: (after - highest).exp(),
            days: bound[1] - bound[0],
            lasts: bound[1] == days.len(),
        });
    }
    let smooth = smooth.into_iter().map(|level: f64| (level.exp() - floor).max(0.0)).collect();
    Levels { smooth, steps }
}

/// How much days differ from those around them.
fn scatter(days: &[Option<f64>]) -> f64 {
    const AROUND: usize = 3;
    let mut deviations = Vec::new();
    for (day, level) in days.iter().enumerate() {
        let Some(level) = level else { continue };
        let around = day.saturating_sub(AROUND)..(day + AROUND + 1).min(days.len());
        let usual = median(&mut days[around].iter().flatten().copied().collect::<Vec<_>>());
        deviations.push((level - usual).abs());
    }
    (DEVIATION_PER_MAD * median(&mut deviations)).max(MIN_SCATTER)
}

/// The day in `from..to` with the clearest step, if any is clear enough.
fn best_step(days: &[Option<f64>], from: usize, to: usize, scatter: f64) -> Option<usize> {
    let min_after = if to == days.len() { MIN_DAYS_UNTIL_END } else { MIN_DAYS_AFTER };
    let first = if from == 0 { MIN_DAYS_BEFORE } else { MIN_DAYS_AFTER };
    let mut best: Option<(usize, f64)> = None;
    for day in from + first..(to + 1).saturating_sub(min_after) {
        let before = known(days, day.saturating_sub(WINDOW_DAYS).max(from)..day);
        let after = known(days, day..(day + WINDOW_DAYS).min(to));
        if before.len() < MIN_DAYS_AFTER || after.len() < min_after {
            continue;
        }
        let slope = growth(&[&before, &after]);
        // Levels as they would be with less growth.
        let without = |levels: &[(f64, f64)], slope: f64| -> Vec<f64> {
            levels.iter().map(|(at, level)| level - slope * (at - day as f64)).collect()
        };
        let mut sides = (without(&before, slope), without(&after, slope));
        let jump = median(&mut sides.1) - median(&mut sides.0);
        let is_separate = |slope: f64| {
            separation(&without(&before, slope), &without(&after, slope), jump) >= MIN_SEPARATION
        };
        let counts = (before.len() as f64).recip() + (after.len() as f64).recip();
        let errors = jump.abs() / (scatter * MEDIAN_INEFFICIENCY * counts.sqrt());
        let is_step = errors >= MIN_STANDARD_ERRORS
            && jump.abs() >= MIN_FACTOR.ln()
            && is_separate(0.0)
            && is_separate(slope);
        // Among equally clear days, the one with the larger jump is where it happens.
        let clearness = errors * jump.abs();
        if is_step && best.is_none_or(|(_, clearest)| clearness > clearest) {
            best = Some((day, clearness));
        }
    }
    best.map(|(day, _)| refined(days, from, to, day))
}

/// The day near `day` at which two levels fit best: with the smallest sum of deviations from the median of their side.
fn refined(days: &[Option<f64>], from: usize, to: usize, day: usize) -> usize {
    const REACH: usize = 3;
    let (start, end) = (day.saturating_sub(WINDOW_DAYS).max(from), (day + WINDOW_DAYS).min(to));
    let deviations = |range: std::ops::Range<usize>| {
        let mut side: Vec<f64> = days[range].iter().flatten().copied().collect();
        let middle = median(&mut side);
        side.iter().map(|level| (level - middle).abs()).sum::<f64>()
    };
    let near = day.saturating_sub(REACH).max(start + 1)..(day + REACH + 1).min(end);
    let sum = |at: usize| deviations(start..at) + deviations(at..end);
    near.min_by(|a, b| sum(*a).total_cmp(&sum(*b))).unwrap_or(day)
}

/// Share of the pairs that differ in the direction of `jump`, by at least a quarter of it.
fn separation(before: &[f64], after: &[f64], jump: f64) -> f64 {
    let pairs =
        before.iter().flat_map(|a| after.iter().map(move |b| (b - a) * jump.signum() > jump.abs() / 4.0));
    let (count, apart) =
        pairs.fold((0, 0), |(count, apart), is_apart| (count + 1, apart + u32::from(is_apart)));
    f64::from(apart) / f64::from(count.max(1))
}

/// Known levels with their days.
fn known(days: &[Option<f64>], range: std::ops::Range<usize>) -> Vec<(f64, f64)> {
    range.filter_map(|day| days[day].map(|level| (day as f64, level))).collect()
}

/// The median slope of all pairs of days within each part.
fn growth(parts: &[&[(f64, f64)]]) -> f64 {
    let mut slopes = Vec::new();
    for part in parts {
        for (index, (at, level)) in part.iter().enumerate() {
            slopes.extend(part[index + 1..].iter().map(|(later, other)| (other - level) / (later - at)));
        }
    }
    median(&mut slopes).clamp(-MAX_SLOPE, MAX_SLOPE)
}

/// The level of a day from the days around it on the same side of all steps.
fn smooth_level(days: &[Option<f64>], from: usize, to: usize, day: usize) -> f64 {
    let mut around = Vec::new();
    let mut reach = WINDOW_DAYS;
    // A long run of unknown days needs a wider window.
    while around.is_empty() && reach < 2 * days.len() + WINDOW_DAYS {
        around = known(days, day.saturating_sub(reach).max(from)..(day + reach + 1).min(to));
        reach *= 2;
    }
    if around.is_empty() {
        around = known(days, 0..days.len());
    }
    let wide =
        known(days, day.saturating_sub(2 * WINDOW_DAYS).max(from)..(day + 2 * WINDOW_DAYS + 1).min(to));
    let slope = if wide.len() < MIN_DAYS_FOR_GROWTH { 0.0 } else { growth(&[&wide]) };
    median(&mut around.iter().map(|(at, level)| level - slope * (at - day as f64)).collect::<Vec<_>>())
}

/// The median; 0 without numbers.
pub(crate) fn median(numbers: &mut [f64]) -> f64 {
    if numbers.is_empty() {
        return 0.0;
    }
    let (middle, is_even) = (numbers.len() / 2, numbers.len().is_multiple_of(2));
    let (below, upper, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| is_even);
    lower.map_or(*upper, |lower| f64::midpoint(lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between −1 and 1 that look random.
    fn noise(index: usize) -> f64 {
        ((index as f64 * 12.9898).sin() * 43758.5453).fract()
    }

    fn days(count: usize, level: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
        (0..count).map(|day| Some(level(day) * (1.0 + 0.05 * noise(day)))).collect()
    }

    #[test]
    fn growth_is_no_step() {
        for growth in [1.0, 1.01, 1.03, 1.05, 0.97] {
            let found = levels(&days(60, |day| 1000.0 * f64::powi(growth, day as i32)), true);
            assert_eq!(found.steps, [], "{growth}");
            let end = found.smooth[59] / (1000.0 * growth.powi(59));
            assert!((0.9..1.1).contains(&end), "{growth}: {end}");
        }
    }

    #[test]
    fn a_step_that_lasts_is_found_on_its_day() {
        for (factor, day) in [(1.5, 20), (2.0, 26), (10.0, 12), (3.0, 27)] {
            let found = levels(&days(30, |at| if at >= day { factor } else { 1.0 }), true);
            assert_eq!(found.steps.len(), 1, "{factor} {:?}", found.steps);
            let step = found.steps[0];
            assert_eq!((step.day, step.days, step.lasts), (day, 30 - day, true));
            assert!((step.factor / factor - 1.0).abs() < 0.1, "{step:?}");
            assert!((found.smooth[29] / factor - 1.0).abs() < 0.1);
            assert!((found.smooth[day - 1] - 1.0).abs() < 0.1);
        }
    }

    #[test]
    fn a_step_is_found_in_growth() {
        let found =
            levels(&days(40, |day| 1.02_f64.powi(day as i32) * if day >= 25 { 2.0 } else { 1.0 }), true);
        assert_eq!(found.steps.iter().map(|step| step.day).collect::<Vec<_>>(), [25]);
    }

    #[test]
    fn a_few_odd_days_are_no_step_and_do_not_change_the_level() {
        for odd in [10..11, 10..12, 10..14, 0..2, 28..30] {
            let found = levels(&days(30, |day| if odd.contains(&day) { 0.2 } else { 1.0 }), true);
            assert_eq!(found.steps, [], "{odd:?}");
            assert!(
                found.smooth.iter().all(|level| (0.9..1.1).contains(level)),
                "{odd:?} {:?}",
                found.smooth
            );
        }
    }

    #[test]
    fn the_return_from_a_quiet_week_is_no_new_level() {
        let found = levels(&days(60, |day| if (20..30).contains(&day) { 0.3 } else { 1.0 }), true);
        assert!(found.steps.iter().all(|step| step.factor < 1.1), "{:?}", found.steps);
    }

    #[test]
    fn unknown_days_are_bridged() {
        let mut daily = days(30, |_| 5.0);
        daily[10..18].fill(None);
        let found = levels(&daily, true);
        assert!(found.steps.is_empty() && found.smooth.iter().all(|level| (4.5..5.5).contains(level)));
    }
}
