//! Corrects probabilities by the tail that a series really has.
//!
//! If the model holds, the surprise of a bucket (−ln p) beyond a threshold is exponentially distributed with mean 1. In
//! series with heavier tails it is larger on average, and small probabilities come true too often. So the mean excess
//! over the threshold is measured, and surprises are divided by it (peaks over threshold with an exponential tail, as
//! A. Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", KDD 2017). Neighbouring exceedances count
//! once (declustering), and the largest fifth is left out, so that incidents do not make themselves probable.

/// The surprise of a probability of 10 %.
const THRESHOLD: f64 = std::f64::consts::LN_10;
/// Exceedances with fewer buckets in between are one.
const CLUSTER_GAP: usize = 12;
/// Share of the largest exceedances that are left out.
const LEFT_OUT: f64 = 0.2;
/// The mean of exponential values without their largest fifth, as a multiple of their mean: 1 + f ln f / (1 − f).
const MEAN_OF_REST: f64 = 0.5976;
/// With fewer exceedances, the tail is not measured.
const MIN_CLUSTERS: usize = 10;
/// The scale of a tail that is not measured.
const UNKNOWN_SCALE: f64 = 1.25;

/// How much larger surprises are than the model says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tail {
    scale: f64,
}

impl Default for Tail {
    fn default() -> Tail {
        Tail { scale: 1.0 }
    }
}

impl Tail {
    /// Measures the tail of the surprises of consecutive buckets; `None`: unknown.
    pub(super) fn fit(surprises: &[Option<f64>]) -> Tail {
        let mut excesses: Vec<f64> = Vec::new();
        let mut last = None;
        for (index, surprise) in surprises.iter().enumerate() {
            let Some(excess) = surprise.map(|surprise| surprise - THRESHOLD).filter(|excess| *excess > 0.0)
            else {
                continue;
            };
            match (last, excesses.last_mut()) {
                (Some(last), Some(largest)) if index - last <= CLUSTER_GAP => *largest = largest.max(excess),
                _ => excesses.push(excess),
            }
            last = Some(index);
        }
        if excesses.len() < MIN_CLUSTERS {
            return Tail { scale: UNKNOWN_SCALE };
        }
        excesses.sort_unstable_by(f64::total_cmp);
        let rest = excesses.len() - (excesses.len() as f64 * LEFT_OUT).ceil() as usize;
        let mean = excesses[..rest].iter().sum::<f64>() / rest as f64;
        Tail { scale: (mean / MEAN_OF_REST).max(1.0) }
    }

    /// The surprise that a surprise of the model really is.
    pub(super) fn corrected(self, surprise: f64) -> f64 {
        if surprise <= THRESHOLD { surprise } else { THRESHOLD + (surprise - THRESHOLD) / self.scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Surprises whose probabilities are evenly spread, in an order that looks random, with a tail of this scale.
    fn surprises(scale: f64) -> Vec<Option<f64>> {
        (0..5000_u64)
            .map(|index| {
                let p = ((index * 2_654_435_761) % 5000) as f64 / 5000.0 + 1e-4;
                let surprise = -p.ln();
                Some(if surprise > THRESHOLD { THRESHOLD + (surprise - THRESHOLD) * scale } else { surprise })
            })
            .collect()
    }

    #[test]
    fn a_heavy_tail_is_measured_and_taken_out() {
        let heavy = Tail::fit(&surprises(3.0));
        let light = Tail::fit(&surprises(1.0));
        let ratio = heavy.scale / light.scale;
        assert!((2.5..3.5).contains(&ratio), "{heavy:?} {light:?}");
        assert_eq!(heavy.corrected(1.0), 1.0);
        assert!(heavy.corrected(30.0) < 12.0);
    }

    #[test]
    fn an_incident_does_not_make_itself_probable() {
        let mut with_incident = surprises(1.0);
        with_incident[1000..1300].fill(Some(80.0));
        let (with, without) = (Tail::fit(&with_incident), Tail::fit(&surprises(1.0)));
        assert!((with.scale - without.scale).abs() < 0.15, "{with:?} {without:?}");
    }
}
