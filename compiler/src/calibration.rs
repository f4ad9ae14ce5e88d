//! Calibration: runs the float network on recordings and watches what its neurons receive.

use crate::data::{Cell, DataSet, Layout, several_inputs};
use rayon::prelude::*;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    graph::Node,
    snn::{Network, Op},
};
use s2c_interp::{Interpreter, snn::Snn};
use s2c_passes::analysis::moments::{Calibration, Observer};
use std::path::Path;

/// Samples that run at the same time; their sums are added in order, so that the result is always the same.
const BATCH: usize = 8;

/// Recordings to calibrate on.
#[derive(Debug)]
pub struct Samples {
    /// Where they are.
    pub data: DataSet,
    /// How many of them are taken, from the first on.
    pub count: usize,
}

impl Samples {
    /// Opens a file of recordings and takes the first `most` of them.
    pub fn open(file: &Path, most: usize) -> Result<Self> {
        let data = DataSet::open(file, None, Layout::Samples)?;
        let count = most.min(data.len());
        if count == 0 {
            return Err(Box::new(
                Diagnostic::error("no-samples", "there is nothing to calibrate on")
                    .hint("give --calibrate-samples at least 1"),
            ));
        }
        Ok(Self { data, count })
    }
}

fn input_of(node: &Node<Op>) -> Option<&str> {
    match &node.op {
        Op::Input(op) => Some(&op.node),
        _ => None,
    }
}

/// The moments of all populations of a network that is discretised and has no pools.
pub fn run(network: &Network, samples: &Samples) -> Result<Calibration> {
    match network.takes_values() {
        true => run_on::<f32>(network, samples),
        false => run_on::<u16>(network, samples),
    }
}

fn run_on<T: Cell>(network: &Network, samples: &Samples) -> Result<Calibration> {
    let inputs: Vec<&str> = network.nodes.iter().filter_map(input_of).collect();
    if inputs.len() != 1 {
        return Err(several_inputs(&inputs));
    }
    let mut calibration = Calibration::default();
    let observer = Observer::new(network)?;
    for first in (0..samples.count).step_by(BATCH) {
        let batch: Vec<usize> = (first..samples.count.min(first + BATCH)).collect();
        let found: Vec<Calibration> = batch
            .into_par_iter()
            .map(|sample| {
                let (mut interpreter, mut observer) = (Snn::new(network)?, observer.clone());
                let input = [samples.data.recording::<T>(sample)?];
                for tick in 0..input[0].ticks() {
                    T::step(&mut interpreter, &input, tick)?;
                    observer.observe(|node| interpreter.values(node));
                }
                Ok(observer.finish())
            })
            .collect::<Result<_>>()?;
        found.into_iter().for_each(|other| calibration.merge(other));
    }
    Ok(calibration)
}
