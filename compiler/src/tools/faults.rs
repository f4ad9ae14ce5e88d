//! Fault injection: what a network's accuracy is worth when the hardware errs.
//!
//! A campaign runs a data set again and again on the chip model, each time with other random faults of one kind at one
//! rate. A sample whose machine code stops (an access outside the memory, a loop without end) counts as wrong.
//!
//! | kind | rate is the probability per | what happens |
//! |---|---|---|
//! | `weights`, `tables`, `code` | bit | flipped in the image before the run |
//! | `state` | bit and tick | flipped in membranes and other state before the tick |
//! | `drop`, `duplicate`, `late` | packet | lost, routed twice, routed a tick late |
//! | `dead` | PE | executes nothing |
//!
//! Flips are independent of each other, so that a rate is a bit error rate.

use crate::{
    data::{Cell, DataSet},
    tools::{
        evaluation::{Answer, Readout, winner},
        machine::{Machine, Time, Wish},
        recording::{Quantity, Recording},
    },
};
use rayon::prelude::*;
use s2c_backend::emit::{
    Binary,
    manifest::{Pe, Purpose},
};
use s2c_chip::{Chip, PacketFaults};
use s2c_dialects::diagnostic::{Diagnostic, Result};
use serde::Serialize;

/// Instructions of a PE per tick after which its code counts as stuck.
const BUDGET: u64 = 1 << 22;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Bits of weights.
    Weights,
    /// Bits of membranes and other state, in every tick.
    State,
    /// Bits of tables and neuron parameters.
    Tables,
    /// Bits of code.
    Code,
    /// Packets that are lost.
    Drop,
    /// Packets that arrive twice.
    Duplicate,
    /// Packets that come a tick late.
    Late,
    /// PEs that are dead.
    Dead,
}

impl Kind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::State => "state",
            Self::Tables => "tables",
            Self::Code => "code",
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Dead => "dead",
        }
    }

    /// Whether a part of memory belongs to the kind.
    fn holds(self, purpose: Purpose) -> bool {
        match self {
            Self::Weights => purpose == Purpose::Synapses,
            Self::State => purpose == Purpose::State,
            Self::Tables => matches!(purpose, Purpose::Tables | Purpose::Parameters),
            Self::Code => purpose == Purpose::Code,
            Self::Drop | Self::Duplicate | Self::Late | Self::Dead => false,
        }
    }
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Kinds of faults.
    pub kinds: Vec<Kind>,
    /// Rates of each.
    pub rates: Vec<f64>,
    /// Runs with different seeds per kind and rate.
    pub runs: u64,
    /// The first seed.
    pub seed: u64,
    /// Samples of the data set, from the first on.
    pub samples: usize,
}

/// What one run gave.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The kind of faults.
    pub kind: Kind,
    /// Their rate.
    pub rate: f64,
    /// The seed.
    pub seed: u64,
    /// Bits flipped in the image, or PEs killed; 0 for what happens during the run.
    pub faults: u64,
    /// Samples whose label has the most output spikes.
    pub correct: usize,
    /// Samples.
    pub total: usize,
    /// Samples in which the machine code stopped.
    pub stopped: usize,
}

impl Outcome {
    /// The share of right samples.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.total.max(1) as f64
    }
}

/// Runs a campaign in parallel; `done` is called after each run. Outcomes are in the order of kinds, rates and seeds.
pub fn run(binary: &Binary, data: &DataSet, campaign: &Campaign, done: &(dyn Fn() + Sync)) -> Result<Vec<Outcome>> {
    let labels = data.labels().ok_or_else(|| {
        Diagnostic::error("not-labels", "the data set has no labels")
            .text("Accuracy needs one label per sample.")
            .hint("store them as the array `labels` of an .npz file")
    })?;
    let mut jobs = Vec::new();
    for &kind in &campaign.kinds {
        for &rate in &campaign.rates {
            jobs.extend((0..campaign.runs).map(|run| (kind, rate, campaign.seed + run)));
        }
    }
    jobs.into_par_iter()
        .map(|(kind, rate, seed)| {
            let one_run = if binary.manifest.takes_values() { one_run::<f32> } else { one_run::<u16> };
            let outcome = one_run(binary, data, labels, campaign.samples, (kind, rate, seed));
            done();
            outcome
        })
        .collect()
}

fn one_run<T: Cell>(
    binary: &Binary,
    data: &DataSet,
    labels: &[u32],
    samples: usize,
    (kind, rate, seed): (Kind, f64, u64),
) -> Result<Outcome> {
    let mut random = Random(seed);
    let mut damaged = binary.clone();
    let mut faults = match kind {
        Kind::Weights | Kind::Tables | Kind::Code => damage(&mut damaged, kind, rate, &mut random),
        _ => 0,
    };
    let output =
        &binary.manifest.outputs.first().ok_or_else(|| Diagnostic::error("bad-binary", "there is no output"))?;
    let outputs: usize = output.shape.iter().product();
    let wish = [Wish { node: output.node.clone(), quantity: Quantity::Spikes }];
    let total = samples.min(data.len());
    let mut outcome = Outcome { kind, rate, seed, faults: 0, correct: 0, total, stopped: 0 };
    // Code that does not even start is stopped in all samples.
    let Ok(mut machine) = Machine::load_within(damaged, BUDGET) else {
        return Ok(Outcome { faults, stopped: total, ..outcome });
    };
    let chip = machine.chip_mut();
    let share = |wanted| if kind == wanted { rate } else { 0.0 };
    chip.disturb(PacketFaults {
        dropped: share(Kind::Drop),
        duplicated: share(Kind::Duplicate),
        late: share(Kind::Late),
        seed,
    });
    if kind == Kind::Dead {
        for pe in (0..binary.manifest.pes.len()).filter(|_| random.unit() < rate).collect::<Vec<_>>() {
            faults += u64::from(chip.kill(pe));
        }
    }
    let state: Vec<(usize, u32, u64)> = match kind {
        Kind::State => regions(&binary.manifest.pes, kind).collect(),
        _ => Vec::new(),
    };
    for (sample, &label) in labels.iter().enumerate().take(total) {
        let input = data.recording::<T>(sample)?;
        let recordings = machine.run_with(std::slice::from_ref(&input), &wish, Time::Network, &mut |chip| {
            flip_state(chip, &state, rate, &mut random);
        });
        match recordings.as_deref() {
            Ok([output, ..]) => {
                let readout = matches!(output, Recording::Values(_)).then_some(Readout::default());
                let mut answer = Answer::new(readout, outputs);
                output.numbers().chunks_exact(outputs.max(1)).for_each(|tick| answer.tick(tick));
                outcome.correct += usize::from(winner(&answer.finish()) == label as usize);
            }
            _ => outcome.stopped += 1,
        }
    }
    outcome.faults = faults;
    Ok(outcome)
}

/// Flips bits of memory: PE, address and bytes of its parts.
fn flip_state(chip: &mut Chip, parts: &[(usize, u32, u64)], rate: f64, random: &mut Random) {
    for &(pe, address, bytes) in parts {
        random.flips(8 * bytes, rate, |bit| {
            let at = address + (bit / 8) as u32;
            if let Some(&[byte]) = chip.read(pe, at, 1) {
                chip.write(pe, at, &[byte ^ 1 << (bit % 8)]);
            }
        });
    }
}

/// PE, address and bytes of each part of memory that a kind of fault meets.
fn regions(pes: &[Pe], kind: Kind) -> impl Iterator<Item = (usize, u32, u64)> + '_ {
    pes.iter().enumerate().flat_map(move |(index, pe)| {
        let mine = pe.memory.values().filter(move |region| kind.holds(region.purpose));
        mine.map(move |region| (index, region.address, u64::from(region.bytes)))
    })
}

/// Flips bits of the image; gives their number.
fn damage(binary: &mut Binary, kind: Kind, rate: f64, random: &mut Random) -> u64 {
    let regions: Vec<(usize, u32, u64)> = regions(&binary.manifest.pes, kind).collect();
    let mut flipped = 0;
    let shared = binary.blobs.len();
    for (pe, address, bytes) in regions {
        let mut bits = Vec::new();
        random.flips(8 * bytes, rate, |bit| bits.push(bit));
        for bit in bits {
            flipped += u64::from(flip(binary, shared, pe, address + (bit / 8) as u32, bit % 8));
        }
    }
    flipped
}

/// Flips a bit of a PE's image, which first gets a blob of its own if it is one of the first `shared`. Memory behind the image's end, which is zero at the
/// start, is made part of it.
fn flip(binary: &mut Binary, shared: usize, pe: usize, address: u32, bit: u64) -> bool {
    let Binary { manifest, blobs } = binary;
    let segment = manifest.pes[pe].segments.iter_mut().rev().find(|segment| segment.address <= address);
    let Some(segment) = segment else { return false };
    if segment.blob < shared {
        let copy = blobs[segment.blob].clone();
        blobs.push(copy);
        segment.blob = blobs.len() - 1;
    }
    let (blob, at) = (&mut blobs[segment.blob], (address - segment.address) as usize);
    if blob.len() <= at {
        blob.resize(at + 1, 0);
    }
    blob[at] ^= 1 << bit;
    true
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number above 0, up to 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Picks each of `count` bits with a probability, by jumps of geometric length.
    fn flips(&mut self, count: u64, rate: f64, mut each: impl FnMut(u64)) {
        if rate <= 0.0 {
            return;
        }
        let mut at = 0_u64;
        loop {
            let jump = if rate >= 1.0 { 0.0 } else { (self.unit().ln() / (-rate).ln_1p()).floor() };
            at = at.saturating_add(jump.min(u64::MAX as f64) as u64);
            if at >= count {
                return;
            }
            each(at);
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_come_at_their_rate() {
        let mut random = Random(3);
        for (rate, least, most) in
            [(0.0, 0, 0), (1e-3, 900, 1100), (0.5, 498_000, 502_000), (1.0, 1_000_000, 1_000_000)]
        {
            let mut count = 0;
            random.flips(1_000_000, rate, |bit| {
                assert!(bit < 1_000_000);
                count += 1;
            });
            assert!((least..=most).contains(&count), "{count} at {rate}");
        }
    }
}
