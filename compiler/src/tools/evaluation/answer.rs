//! What an output answers: one number per neuron for a whole sample.

/// How the values of an output without spikes become one number per neuron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Readout {
    /// The largest value over time, as networks with leaky readouts are mostly trained (Cramer et al., IEEE TNNLS 2022;
    /// Norse's and SpyTorch's examples).
    #[default]
    Max,
    /// The mean over time.
    Mean,
    /// The value in the last tick.
    Last,
}

impl Readout {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Last => "last",
        }
    }
}

/// The answer in the making: the readout of values, or the number of spikes.
#[derive(Clone, Debug)]
pub struct Answer {
    readout: Option<Readout>,
    ticks: usize,
    numbers: Vec<f64>,
}

impl Answer {
    /// Before the first tick, of so many neurons; no readout for spikes, which are counted.
    pub fn new(readout: Option<Readout>, neurons: usize) -> Self {
        Self { readout, ticks: 0, numbers: vec![0.0; neurons] }
    }

    /// Adds a tick.
    pub fn tick(&mut self, values: &[f64]) {
        let is_first = self.ticks == 0;
        for (number, &value) in self.numbers.iter_mut().zip(values) {
            *number = match self.readout {
                Some(Readout::Max) if !is_first => number.max(value),
                Some(Readout::Max | Readout::Last) => value,
                Some(Readout::Mean) | None => *number + value,
            };
        }
        self.ticks += 1;
    }

    /// One number per neuron.
    pub fn finish(self) -> Vec<f64> {
        let ticks = if self.readout == Some(Readout::Mean) { self.ticks.max(1) as f64 } else { 1.0 };
        self.numbers.into_iter().map(|number| number / ticks).collect()
    }
}

/// The first of the largest numbers.
pub fn winner(numbers: &[f64]) -> usize {
    (0..numbers.len()).rev().max_by(|&a, &b| numbers[a].total_cmp(&numbers[b])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_readout_is_what_its_name_says() {
        let answer = |readout| {
            let mut answer = Answer::new(readout, 2);
            [[-3.0, 1.0], [-1.0, 0.0], [-2.0, 5.0]].iter().for_each(|tick| answer.tick(tick));
            answer.finish()
        };
        assert_eq!(answer(None), [-6.0, 6.0]);
        assert_eq!(answer(Some(Readout::Max)), [-1.0, 5.0]);
        assert_eq!(answer(Some(Readout::Mean)), [-2.0, 2.0]);
        assert_eq!(answer(Some(Readout::Last)), [-2.0, 5.0]);
        assert_eq!(winner(&[1.0, 3.0, 3.0]), 1);
    }
}
