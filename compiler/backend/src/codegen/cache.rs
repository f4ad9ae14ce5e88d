//! Objects of kernels, each variant compiled once per compile run.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use s2c_dialects::diagnostic::Result;
use s2c_kernels::{Kernel, Registers};

use super::{
    link::{CodeImage, link},
    llvm::CodeGenerator,
    runtime::{RuntimeConstants, runtime_source},
};

/// Compiled kernels and the assembled runtime of one target.
pub struct KernelCache {
    generator: CodeGenerator,
    registers: Registers,
    runtime: Rc<[u8]>,
    objects: BTreeMap<Kernel, Rc<[u8]>>,
}

impl KernelCache {
    /// Sets up code generation and assembles the runtime.
    pub fn new(constants: &RuntimeConstants) -> Result<Self> {
        let generator = CodeGenerator::new()?;
        let runtime = generator.assemble(&runtime_source(constants))?.into();
        Ok(Self { generator, registers: constants.registers, runtime, objects: BTreeMap::new() })
    }

    /// The ELF object of a kernel, compiled at its first use.
    pub fn object(&mut self, kernel: &Kernel) -> Result<Rc<[u8]>> {
        if let Some(object) = self.objects.get(kernel) {
            return Ok(Rc::clone(object));
        }
        let object: Rc<[u8]> = self.generator.object(&kernel.emit(&self.registers))?.into();
        self.objects.insert(kernel.clone(), Rc::clone(&object));
        Ok(object)
    }

    /// The assembly text of a kernel, for people.
    pub fn assembly(&self, kernel: &Kernel) -> Result<String> {
        self.generator.assembly(&kernel.emit(&self.registers))
    }

    /// Links the runtime with kernels, each once however often it is named; `code_bytes` is the room on the PE.
    pub fn image<'k>(&mut self, kernels: impl IntoIterator<Item = &'k Kernel>, code_bytes: u32) -> Result<CodeImage> {
        let mut objects = vec![Rc::clone(&self.runtime)];
        for kernel in kernels.into_iter().collect::<BTreeSet<_>>() {
            objects.push(self.object(kernel)?);
        }
        link(&objects, code_bytes)
    }
}
