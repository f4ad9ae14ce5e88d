//! A small linker: the runtime and the kernels of one PE become one block of code from address 0.
//!
//! Kernels are independent of their position and refer to nothing; the runtime refers to its own symbols by absolute
//! words (R_ARM_ABS32 of "ELF for the Arm Architecture", IHI 0044). Anything else is a bug.

use std::collections::BTreeMap;

use object::{
    Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionFlags, elf, read::elf::ElfFile32,
};
use s2c_dialects::diagnostic::{Diagnostic, Result};

type File<'data> = ElfFile32<'data, object::Endianness>;

/// Section of the vector table, which comes first.
const VECTORS: &str = ".vectors";
/// Build attributes, which tell disassemblers what processor it is for.
const ATTRIBUTES: &str = ".ARM.attributes";

/// The code of one PE, to be stored from address 0 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeImage {
    /// Vector table, runtime and kernels.
    pub bytes: Vec<u8>,
    /// Functions and tables by name.
    pub symbols: BTreeMap<String, Symbol>,
    /// Where instructions (`true`) and data (`false`) begin, for disassemblers.
    pub mapping: BTreeMap<u32, bool>,
    /// Contents of the build attributes section.
    pub attributes: Vec<u8>,
}

/// A symbol of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Address in bytes, without the Thumb bit.
    pub address: u32,
    /// Size in bytes.
    pub size: u32,
    /// Whether it is code.
    pub function: bool,
}

impl CodeImage {
    /// Address of a function as calls need it, with bit 0 set for Thumb.
    pub fn entry(&self, name: &str) -> Result<u32> {
        match self.symbols.get(name) {
            Some(symbol) if symbol.function => Ok(symbol.address | 1),
            _ => Err(bug(format!("there is no function `{name}` in the linked code"))),
        }
    }
}

/// Links objects in the order given, the runtime first; `code_bytes` is the room on the PE.
pub fn link(objects: &[impl AsRef<[u8]>], code_bytes: u32) -> Result<CodeImage> {
    let files = objects.iter().map(|bytes| File::parse(bytes.as_ref()).map_err(unreadable));
    let files = files.collect::<Result<Vec<File<'_>>>>()?;
    let mut image =
        CodeImage { bytes: Vec::new(), symbols: BTreeMap::new(), mapping: BTreeMap::new(), attributes: Vec::new() };
    let mut bases = vec![BTreeMap::new(); files.len()];
    for vectors in [true, false] {
        for (file, bases) in files.iter().zip(&mut bases) {
            for section in file.sections().filter(is_loaded) {
                if (section.name().map_err(unreadable)? == VECTORS) == vectors {
                    bases.insert(section.index().0, image.append(&section)?);
                }
            }
        }
    }
    if image.bytes.len() > code_bytes as usize {
        return Err(too_large(&files, image.bytes.len(), code_bytes));
    }
    for (file, bases) in files.iter().zip(&bases) {
        image.take_symbols(file, bases)?;
        image.relocate(file, bases)?;
    }
    if let Some(section) = files.first().and_then(|file| file.section_by_name(ATTRIBUTES)) {
        image.attributes = section.data().map_err(unreadable)?.to_vec();
    }
    Ok(image)
}

/// Addresses of an object's sections, by index.
type Bases = BTreeMap<usize, u32>;

impl CodeImage {
    /// Puts a section behind what is there; returns its address.
    fn append<'data>(&mut self, section: &impl ObjectSection<'data>) -> Result<u32> {
        let base = self.bytes.len().next_multiple_of(section.align().max(4) as usize);
        self.bytes.resize(base, 0);
        self.bytes.extend_from_slice(section.data().map_err(unreadable)?);
        Ok(base as u32)
    }

    fn take_symbols(&mut self, file: &File<'_>, bases: &Bases) -> Result<()> {
        for symbol in file.symbols() {
            let Some(base) = symbol.section_index().and_then(|section| bases.get(&section.0)) else {
                continue;
            };
            let name = symbol.name().map_err(unreadable)?;
            let address = base + symbol.address() as u32;
            match name.split('.').next() {
                Some("$t") => _ = self.mapping.insert(address, true),
                Some("$d") => _ = self.mapping.insert(address, false),
                _ if symbol.elf_symbol().st_type() == elf::STT_FUNC || symbol.is_global() => {
                    let function = symbol.elf_symbol().st_type() == elf::STT_FUNC;
                    let size = symbol.size() as u32;
                    let address = if function { address & !1 } else { address };
                    if self.symbols.insert(name.to_owned(), Symbol { address, size, function }).is_some() {
                        return Err(bug(format!("the symbol `{name}` is defined twice")));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn relocate(&mut self, file: &File<'_>, bases: &Bases) -> Result<()> {
        for section in file.sections() {
            let Some(base) = bases.get(&section.index().0) else {
                continue;
            };
            for (offset, relocation) in section.relocations() {
                let RelocationFlags::Elf { r_type: elf::R_ARM_ABS32 } = relocation.flags() else {
                    return Err(bug(format!("unexpected relocation {:?}", relocation.flags())));
                };
                let value = match relocation.target() {
                    RelocationTarget::Symbol(index) => {
                        let symbol = file.symbol_by_index(index).map_err(unreadable)?;
                        let home = symbol.section_index().and_then(|section| bases.get(&section.0));
                        home.map(|home| home + symbol.address() as u32).ok_or_else(|| {
                            bug(format!("the symbol `{}` is not defined", symbol.name().unwrap_or("?")))
                        })?
                    }
                    target => return Err(bug(format!("unexpected relocation target {target:?}"))),
                };
                let place = *base as usize + offset as usize;
                let word = self.bytes.get_mut(place..place + 4).ok_or_else(|| bug("relocation out of range"))?;
                let mut addend = [0; 4];
                addend.copy_from_slice(word);
                word.copy_from_slice(&u32::from_le_bytes(addend).wrapping_add(value).to_le_bytes());
            }
        }
        Ok(())
    }
}

/// Whether a section takes room on the PE. Unwind tables don't: nothing unwinds there.
fn is_loaded<'data>(section: &impl ObjectSection<'data>) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
        return false;
    };
    let unwinding = section.name().is_ok_and(|name| name.starts_with(".ARM.exidx"));
    sh_flags.0 & elf::SHF_ALLOC.0 != 0 && section.size() > 0 && !unwinding
}

fn too_large(files: &[File<'_>], bytes: usize, code_bytes: u32) -> Box<Diagnostic> {
    let size = |file: &File<'_>| file.sections().filter(is_loaded).map(|section| section.size()).sum::<u64>();
    let runtime = files.first().map_or(0, size);
    Box::new(
        Diagnostic::error("code-too-large", "the code of one PE doesn't fit")
            .text(format!(
                "It takes {bytes} of {code_bytes} bytes: the runtime {runtime}, {} kernels the rest.",
                files.len().saturating_sub(1)
            ))
            .hint("Let layers agree in width and neuron model, or place fewer of them on one PE."),
    )
}

fn unreadable(error: object::Error) -> Box<Diagnostic> {
    bug(format!("generated object can't be read: {error}"))
}

fn bug(title: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::bug(title))
}
