//! Bars of eighths of a cell: upright for time, lying for shares.

const UPRIGHT: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const LYING: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The cell of an upright bar in a row (0 at the bottom) of a chart of `rows` rows. Something is
/// never shown as nothing.
pub(crate) fn cell(number: u64, highest: u64, row: u16, rows: u16) -> char {
    let full = u64::from(rows) * 8;
    let eighths = match (number, highest) {
        (0, _) | (_, 0) => 0,
        (number, highest) => {
            let exact = u128::from(number) * u128::from(full) / u128::from(highest);
            u64::try_from(exact).unwrap_or(full).clamp(1, full)
        }
    };
    let above = eighths.saturating_sub(u64::from(row) * 8).min(8);
    UPRIGHT[above as usize]
}

/// A line of small bars, one for each number, all of the same whole number of cells: as wide as there is room.
pub(crate) fn sparkline(numbers: &[u64], width: usize) -> String {
    let highest = numbers.iter().copied().max().unwrap_or(0);
    let cells = (width / numbers.len().max(1)).max(1);
    let bar = |&number: &u64| std::iter::repeat_n(cell(number, highest, 0, 1), cells);
    numbers.iter().flat_map(bar).take(width).collect()
}

/// A lying bar of a share of the whole.
pub(crate) fn lying(share: f64, width: usize) -> String {
    let full = width * 8;
    let mut eighths = (share.clamp(0.0, 1.0) * full as f64).round() as usize;
    if share > 0.0 {
        eighths = eighths.max(1);
    }
    let mut bar: String = std::iter::repeat_n('█', eighths / 8).collect();
    if !eighths.is_multiple_of(8) {
        bar.push(LYING[eighths % 8]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_from_the_bottom() {
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
    fn sparklines_do_not_stretch_some_of_their_bars() {
        assert_eq!(sparkline(&[0, 4, 8], 3), " ▄█");
        assert_eq!(sparkline(&[0, 8], 6), "   ███");
        assert_eq!(sparkline(&[1, 8, 8, 8, 8, 8, 8], 8), "▁██████");
        assert_eq!(sparkline(&[8, 0, 8, 0, 8], 14), "██  ██  ██");
        assert_eq!(sparkline(&[8, 8, 8], 2), "██");
        assert_eq!(sparkline(&[], 6), "");
    }

    #[test]
    fn shares_lie() {
        assert_eq!(lying(1.0, 3), "███");
        assert_eq!(lying(0.5, 3), "█▌");
        assert_eq!(lying(0.0001, 3), "▏");
        assert_eq!(lying(0.0, 3), "");
    }
}
