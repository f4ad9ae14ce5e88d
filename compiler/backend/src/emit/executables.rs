//! An ELF executable per PE, for `objdump`, `gdb` and loaders.

use super::image::{address_of, constants, data};
use crate::codegen::{KernelCache, Segment, Symbol, write_executable};
use s2c_dialects::{diagnostic::Result, s2k::Program};
use s2c_passes::{
    analysis::{form::kernels_of, shared::Analyses, tables::AllTables},
    target::Target,
};

/// Name and file of each PE.
pub fn executables(program: &Program, target: &Target, analyses: &mut Analyses) -> Result<Vec<(String, Vec<u8>)>> {
    let mut cache = KernelCache::new(&constants(program, target))?;
    let all_tables = analyses.get::<AllTables>(program, target)?;
    let mut files = Vec::with_capacity(program.pes.len());
    for (pe, tables) in program.pes.iter().zip(&all_tables.0) {
        let code = cache.image(&kernels_of(pe)?, target.memory.code_bytes)?;
        let bytes = data(pe, tables, target, &code)?;
        let symbol = |name: &str, size: u32| -> Result<(String, Symbol)> {
            Ok((name.to_owned(), Symbol { address: address_of(pe, name)?, size, function: false }))
        };
        // Buffers behind the last byte that is not zero are not part of the file; their symbols are.
        let symbols = pe.buffers.iter().map(|buffer| symbol(&buffer.sym_name, buffer.bytes as u32));
        let symbols = symbols.collect::<Result<_>>()?;
        let segment = Segment { name: ".data".to_owned(), address: target.memory.code_bytes, bytes, symbols };
        files.push((pe.name.clone(), write_executable(&code, &[segment])));
    }
    Ok(files)
}
