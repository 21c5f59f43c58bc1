//! Bars with a resolution of an eighth of a cell: vertical ones for time, horizontal ones for shares.

const VERTICAL: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const HORIZONTAL: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The character of a vertical bar in row `row` (0: the lowest) of a chart of `rows` rows, in which `highest` fills all
/// rows. A number above 0 is never empty.
pub(crate) fn cell(number: u64, highest: u64, row: u16, rows: u16) -> char {
    VERTICAL[eighths(number, highest, rows).saturating_sub(u64::from(row) * 8).min(8) as usize]
}

/// The eighths of a cell that a bar of `number` fills in a chart of `rows` rows. A number above 0 is never empty.
fn eighths(number: u64, highest: u64, rows: u16) -> u64 {
    let full = u64::from(rows) * 8;
    match (number, highest) {
        (0, _) | (_, 0) => 0,
        (number, highest) => {
            let exact = u128::from(number) * u128::from(full) / u128::from(highest);
            u64::try_from(exact).unwrap_or(full).clamp(1, full)
        }
    }
}

/// A cell of a stacked bar: its character, the part that it shows, and the part behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackedCell {
    pub(crate) symbol: char,
    /// Index of the part in the colour of the character.
    pub(crate) part: usize,
    /// Index of the part in the colour behind the character.
    pub(crate) behind: Option<usize>,
}

/// A part of a stacked bar is visible if it is at least this share of the bar, in percent.
const MIN_VISIBLE_PART: u64 = 2;

/// The cell in row `row` (0: the lowest) of a stacked bar of `parts`, from the bottom up. See [`cell`].
pub(crate) fn stacked(parts: &[u64], highest: u64, row: u16, rows: u16) -> StackedCell {
    let whole: u64 = parts.iter().fold(0, |sum, part| sum.saturating_add(*part));
    let top = eighths(whole, highest, rows);
    // The end of each part, in eighths from the bottom.
    let mut ends = Vec::with_capacity(parts.len());
    let (mut sum, mut end) = (0u64, 0);
    for (index, &part) in parts.iter().enumerate() {
        sum = sum.saturating_add(part);
        let exact = (u128::from(sum) * u128::from(top) + u128::from(whole) / 2) / u128::from(whole.max(1));
        let rounded = u64::try_from(exact).unwrap_or(top);
        let is_visible =
            u128::from(part) * 100 >= u128::from(whole) * u128::from(MIN_VISIBLE_PART) && part > 0;
        end = rounded.max(end + u64::from(is_visible && top > 1)).min(top);
        if index + 1 == parts.len() {
            end = top;
        }
        ends.push(end);
    }
    let base = u64::from(row) * 8;
    // Eighths of this cell that each part fills.
    let inside = |at: u64| at.saturating_sub(base).min(8);
    let mut from = 0;
    let filled: Vec<(usize, u64)> = ends
        .iter()
        .enumerate()
        .map(|(index, &end)| {
            let eighths = inside(end) - from;
            from = inside(end);
            (index, eighths)
        })
        .filter(|(_, eighths)| *eighths > 0)
        .collect();
    let all = inside(top);
    let largest = filled.iter().copied().max_by_key(|(index, eighths)| (*eighths, *index));
    match filled.as_slice() {
        [] => StackedCell { symbol: ' ', part: parts.len().saturating_sub(1), behind: None },
        // The lowest part in front of the one above it. A third part does not fit into a cell.
        [(lower, eighths), .., (upper, _)] if all == 8 => {
            StackedCell { symbol: VERTICAL[*eighths as usize], part: *lower, behind: Some(*upper) }
        }
        _ => {
            let part = largest.map_or(0, |(index, _)| index);
            StackedCell { symbol: VERTICAL[all as usize], part, behind: None }
        }
    }
}

/// The mark of an incomplete bucket.
pub(crate) const HATCHED: char = '▒';

/// The cell of the bar of an incomplete bucket: hatched, so that it is not taken for a low one.
pub(crate) fn hatched(number: u64, highest: u64, row: u16, rows: u16) -> char {
    match eighths(number, highest, rows).saturating_sub(u64::from(row) * 8).min(8) {
        0 => ' ',
        1..=4 => '░',
        _ => HATCHED,
    }
}

/// Row `row` of `rows` (0: the lowest) of a chart of vertical bars, one per number, all equally wide and at most `width` cells
/// together. Bars for which `is_partial` is true are hatched.
pub(crate) fn chart(
    numbers: &[u64],
    width: usize,
    (row, rows): (u16, u16),
    is_partial: impl Fn(usize) -> bool,
) -> String {
    let highest = numbers.iter().copied().max().unwrap_or(0);
    let cells = (width / numbers.len().max(1)).max(1);
    let bar = |(index, &number): (usize, &u64)| {
        let symbol = if is_partial(index) { hatched } else { cell };
        std::iter::repeat_n(symbol(number, highest, row, rows), cells)
    };
    numbers.iter().enumerate().flat_map(bar).take(width).collect()
}

/// A chart of one row: see [`chart`].
pub(crate) fn sparkline(numbers: &[u64], width: usize, is_partial: impl Fn(usize) -> bool) -> String {
    chart(numbers, width, (0, 1), is_partial)
}

/// A horizontal bar; a `share` of 1 fills `width` cells.
pub(crate) fn horizontal(share: f64, width: usize) -> String {
    let full = width * 8;
    let mut eighths = (share.clamp(0.0, 1.0) * full as f64).round() as usize;
    if share > 0.0 {
        eighths = eighths.max(1);
    }
    let mut bar: String = std::iter::repeat_n('█', eighths / 8).collect();
    if !eighths.is_multiple_of(8) {
        bar.push(HORIZONTAL[eighths % 8]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vertical_bars_grow_from_the_bottom() {
        let column = |number| (0..2).rev().map(|row| cell(number, 16, row, 2)).collect::<String>();
        assert_eq!(column(16), "██");
        assert_eq!(column(8), " █");
        assert_eq!(column(12), "▄█");
        assert_eq!(column(1), " ▁");
        assert_eq!(column(0), "  ");
        assert_eq!(cell(1, u64::MAX, 0, 2), '▁');
        assert_eq!(cell(u64::MAX, u64::MAX, 1, 2), '█');
    }

    #[test]
    fn bars_of_a_sparkline_have_the_same_width() {
        let sparkline = |numbers: &[u64], width| sparkline(numbers, width, |_| false);
        assert_eq!(sparkline(&[0, 4, 8], 3), " ▄█");
        assert_eq!(sparkline(&[0, 8], 6), "   ███");
        assert_eq!(sparkline(&[1, 8, 8, 8, 8, 8, 8], 8), "▁██████");
        assert_eq!(sparkline(&[8, 0, 8, 0, 8], 14), "██  ██  ██");
        assert_eq!(sparkline(&[8, 8, 8], 2), "██");
        assert_eq!(sparkline(&[], 6), "");
    }

    #[test]
    fn the_last_incomplete_bar_of_a_sparkline_looked_like_a_fall() {
        assert_eq!(sparkline(&[8, 8, 2], 6, |index| index == 2), "████░░");
        assert_eq!(sparkline(&[7, 8, 8], 3, |index| index == 0), "▒██");
    }

    #[test]
    fn parts_of_a_stacked_bar() {
        let column = |parts: &[u64]| -> Vec<(char, usize, Option<usize>)> {
            let cell = |row| stacked(parts, 16, row, 2);
            [cell(1), cell(0)].map(|cell| (cell.symbol, cell.part, cell.behind)).to_vec()
        };
        assert_eq!(column(&[0, 0, 16]), [('█', 2, None), ('█', 2, None)]);
        assert_eq!(column(&[8, 0, 8]), [('█', 2, None), ('█', 0, None)]);
        assert_eq!(column(&[4, 0, 12]), [('█', 2, None), ('▄', 0, Some(2))]);
        assert_eq!(column(&[0, 4, 4]), [(' ', 2, None), ('▄', 1, Some(2))]);
        assert_eq!(column(&[0, 4, 0]), [(' ', 2, None), ('▄', 1, None)]);
        assert_eq!(column(&[0, 0, 0]), [(' ', 2, None), (' ', 2, None)]);
        // A small part is visible, a tiny one is not.
        assert_eq!(
            stacked(&[0, 30, 970], 1_000, 0, 1),
            StackedCell { symbol: '▁', part: 1, behind: Some(2) }
        );
        assert_eq!(stacked(&[0, 3, 997], 1_000, 0, 1), StackedCell { symbol: '█', part: 2, behind: None });
        assert_eq!(stacked(&[u64::MAX, u64::MAX, 1], u64::MAX, 0, 1).symbol, '█');
    }

    #[test]
    fn incomplete_bars_are_hatched() {
        let column = |number| (0..2).rev().map(|row| hatched(number, 16, row, 2)).collect::<String>();
        assert_eq!(column(16), "▒▒");
        assert_eq!(column(10), "░▒");
        assert_eq!(column(1), " ░");
        assert_eq!(column(0), "  ");
    }

    #[test]
    fn horizontal_bars() {
        assert_eq!(horizontal(1.0, 3), "███");
        assert_eq!(horizontal(0.5, 3), "█▌");
        assert_eq!(horizontal(0.0001, 3), "▏");
        assert_eq!(horizontal(0.0, 3), "");
    }
}
