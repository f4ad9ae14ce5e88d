//! Spikes as text: one line `tick,neuron` per spike; a repeated line is a second spike.

use super::spikes::{Event, SpikeTrain};
use crate::files;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{fmt::Write, path::Path};

/// Ticks and neurons beyond this are taken for a mistake; a dense view would need that much memory.
const LARGEST: usize = 1 << 24;

/// Reads a file. The first line may be a heading; blank lines and lines that begin with `#` are skipped.
/// The last spike ends the recording, and the highest neuron the population.
pub fn read_csv(path: &Path) -> Result<SpikeTrain> {
    parse(&files::read(path)?, &path.display().to_string())
}

fn parse(bytes: &[u8], file: &str) -> Result<SpikeTrain> {
    let text = String::from_utf8_lossy(bytes);
    let mut spikes: Vec<(usize, u32)> = Vec::new();
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    for (place, (number, line)) in lines.enumerate() {
        match spike(line) {
            Some(spike) => spikes.push(spike),
            None if place == 0 && line.chars().any(char::is_alphabetic) => {}
            None => {
                return Err(Diagnostic::error("not-spike-counts", "a line is no spike")
                    .at_text(file, number + 1, 1)
                    .text(format!("It is {line:?}; expected are two whole numbers below {LARGEST}, `tick,neuron`."))
                    .hint("analog data belongs into a .npy file")
                    .into());
            }
        }
    }
    spikes.sort_unstable();
    let neurons = spikes.iter().map(|&(_, neuron)| neuron as usize + 1).max().unwrap_or(0);
    let ticks = spikes.last().map_or(0, |&(tick, _)| tick + 1);
    let mut builder = SpikeTrain::builder(&[neurons])?;
    let mut rest = spikes.as_slice();
    for tick in 0..ticks {
        let (now, later) = rest.split_at(rest.partition_point(|&(at, _)| at == tick));
        let events: Vec<Event> = now.iter().map(|&(_, neuron)| (neuron, 1)).collect();
        builder.push_events(&events);
        rest = later;
    }
    Ok(builder.finish())
}

fn spike(line: &str) -> Option<(usize, u32)> {
    let (tick, neuron) = line.split_once([',', ';', '\t'])?;
    let tick = tick.trim().parse().ok().filter(|&tick| tick < LARGEST)?;
    let neuron = neuron.trim().parse().ok().filter(|&neuron| (neuron as usize) < LARGEST)?;
    Some((tick, neuron))
}

/// Writes spikes with a heading; a count of n gives n lines.
pub fn write_csv(path: &Path, spikes: &SpikeTrain) -> Result<()> {
    let mut text = String::from("tick,neuron\n");
    for (tick, events) in spikes.iter().enumerate() {
        for &(neuron, count) in events {
            for _ in 0..count {
                writeln!(text, "{tick},{neuron}")
                    .map_err(|error| Diagnostic::bug(format!("text in memory: {error}")))?;
            }
        }
    }
    files::write(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_comments_and_repeats_are_understood() {
        let train = parse(b"tick,neuron\n# comment\n2, 1\n\n0,3\n2,1\n", "x").unwrap();
        assert_eq!((train.ticks(), train.shape()), (3, &[4][..]));
        assert_eq!(train.events_at(0), [(3, 1)]);
        assert_eq!(train.events_at(2), [(1, 2)]);
    }

    #[test]
    fn other_lines_are_refused_with_their_number() {
        for text in ["1,2\n1.5,2\n", "0,0\n-1,2\n", "0,0\n99999999999,1\n", "0,0\nx\n"] {
            let error = parse(text.as_bytes(), "x.csv").unwrap_err();
            assert_eq!(error.code, "not-spike-counts");
            assert!(error.to_string().contains("x.csv:2:1"), "{error}");
        }
    }
}
