//! `s2c compile --emit spinnaker2`: the folder for the vendor's software.

use super::ports::{self, Port};
use crate::{
    data::{SpikeTrain, npz_bytes},
    files,
    tools::spinnaker2::{self, Plan, script},
};
use s2c_dialects::{
    diagnostic::Result,
    qsnn::{Network, Op},
};
use s2c_passes::target::Target;
use std::path::Path;

/// Ticks of the random sample.
const TICKS: usize = 64;

/// Writes the folder. `sample` are arguments `[NODE=]FILE`; without any, a random sample at `rate` is taken.
pub fn write(network: &Network, target: &Target, sample: &[String], rate: f64, folder: &Path) -> Result<()> {
    let plan = spinnaker2::lower(network)?;
    let sample = match sample {
        [] => spinnaker2::random(&plan, TICKS, rate),
        files => read(network, &plan, files)?,
    };
    let package = script::package(plan, &sample, target)?;
    files::create_folder(folder)?;
    files::write(&folder.join("network.npz"), &npz_bytes(&package.network)?)?;
    files::write(&folder.join("expected.npz"), &npz_bytes(&package.expected)?)?;
    files::write(&folder.join("network.py"), package.script.as_bytes())
}

/// The sample's cells of 0 and 1, by input.
fn read(network: &Network, plan: &Plan, files: &[String]) -> Result<Vec<Vec<u8>>> {
    let mut inputs: Vec<Port> = Vec::new();
    for (index, node) in network.nodes.iter().enumerate() {
        if let Op::Input(input) = &node.op {
            inputs.push((input.node.clone(), network.result(index)?.shape.clone()));
        }
    }
    let trains: Vec<SpikeTrain> = ports::read_files(files, None, &inputs)?;
    trains.iter().zip(plan.inputs()).map(|(train, (_, cell))| spinnaker2::cells(train, &cell.name)).collect()
}
