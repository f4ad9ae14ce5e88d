//! ELF executables of PEs, for `llvm-objdump`, `gdb` and loaders: ELF32, little-endian, ARM.
//!
//! Layouts are those of the "System V Application Binary Interface", chapters 4 and 5, and of "ELF for the Arm
//! Architecture" (IHI 0044): the Thumb bit in function symbols, and the mapping symbols `$t` and `$d`.

use super::link::{CodeImage, Symbol};

const FILE_HEADER: usize = 52;
const PROGRAM_HEADER: usize = 32;
const SECTION_HEADER: u32 = 40;
const SYMBOL: u32 = 16;

const EM_ARM: u16 = 40;
const EF_ARM_EABI5_HARD_FLOAT: u32 = 0x0500_0400;
const PT_LOAD: u32 = 1;
const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHT_STRTAB: u32 = 3;
const SHT_ARM_ATTRIBUTES: u32 = 0x7000_0003;
const WRITE: u32 = 1;
const ALLOC: u32 = 2;
const EXECUTE: u32 = 4;
const GLOBAL: u8 = 1 << 4;
const OBJECT: u8 = 1;
const FUNCTION: u8 = 2;

/// Initialised data of a PE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Name of the section, such as `.data`.
    pub name: String,
    /// First address, a multiple of 4.
    pub address: u32,
    /// Contents.
    pub bytes: Vec<u8>,
    /// Tables within it, by name, with absolute addresses.
    pub symbols: Vec<(String, Symbol)>,
}

/// Writes one PE's executable.
pub fn write_executable(code: &CodeImage, data: &[Segment]) -> Vec<u8> {
    let loads = 1 + data.len();
    let mut file = vec![0; FILE_HEADER + PROGRAM_HEADER * loads];
    let mut names = Strings::default();
    let mut sections = vec![Section::default()];

    let bytes = std::iter::once(&code.bytes).chain(data.iter().map(|segment| &segment.bytes));
    for (place, bytes) in bytes.enumerate() {
        let (name, address, flags) = match place.checked_sub(1) {
            None => (".text", 0, ALLOC | EXECUTE),
            Some(place) => (data[place].name.as_str(), data[place].address, ALLOC | WRITE),
        };
        let section =
            Section { name: names.add(name), kind: SHT_PROGBITS, flags, address, align: 4, ..Section::default() };
        sections.push(section.append(&mut file, bytes));
    }
    let attributes = Section { name: names.add(".ARM.attributes"), kind: SHT_ARM_ATTRIBUTES, ..Section::default() };
    sections.push(attributes.append(&mut file, &code.attributes));

    let mut symbols = Symbols::new();
    for (&address, &instructions) in &code.mapping {
        symbols.add(if instructions { "$t" } else { "$d" }, address, 0, 0, 1);
    }
    let locals = symbols.count();
    for (name, symbol) in &code.symbols {
        let (kind, thumb) = if symbol.function { (FUNCTION, 1) } else { (OBJECT, 0) };
        symbols.add(name, symbol.address | thumb, symbol.size, GLOBAL | kind, 1);
    }
    for (segment, section) in data.iter().zip(2..) {
        for (name, symbol) in &segment.symbols {
            symbols.add(name, symbol.address, symbol.size, GLOBAL | OBJECT, section);
        }
    }
    let table = Section {
        name: names.add(".symtab"),
        kind: SHT_SYMTAB,
        link: sections.len() as u32 + 1,
        info: locals,
        align: 4,
        entry: SYMBOL,
        ..Section::default()
    };
    sections.push(table.append(&mut file, &symbols.table));
    let strings = Section { name: names.add(".strtab"), kind: SHT_STRTAB, ..Section::default() };
    sections.push(strings.append(&mut file, &symbols.names.bytes));
    let section_names = Section { name: names.add(".shstrtab"), kind: SHT_STRTAB, ..Section::default() };
    sections.push(section_names.append(&mut file, &names.bytes));

    file.resize(file.len().next_multiple_of(4), 0);
    let headers = file.len() as u32;
    sections.iter().for_each(|section| section.write(&mut file));
    let entry = code.symbols.get("reset").map_or(0, |reset| reset.address | 1);
    write_file_header(&mut file, entry, headers, loads as u16, sections.len() as u16);
    for (place, section) in sections[1..=loads].iter().enumerate() {
        write_program_header(&mut file[FILE_HEADER + PROGRAM_HEADER * place..][..PROGRAM_HEADER], section);
    }
    file
}

fn write_file_header(file: &mut [u8], entry: u32, section_headers: u32, segments: u16, sections: u16) {
    // Class 32 bit, little-endian, version 1.
    let mut header = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |header: &mut Vec<u8>, value: u16| header.extend(value.to_le_bytes());
    half(&mut header, 2); // an executable
    half(&mut header, EM_ARM);
    for word in [1, entry, FILE_HEADER as u32, section_headers, EF_ARM_EABI5_HARD_FLOAT] {
        header.extend(word.to_le_bytes());
    }
    for value in [FILE_HEADER as u16, PROGRAM_HEADER as u16, segments, SECTION_HEADER as u16, sections, sections - 1] {
        half(&mut header, value);
    }
    file[..FILE_HEADER].copy_from_slice(&header);
}

fn write_program_header(header: &mut [u8], section: &Section) {
    // Readable, and as the section says writable or executable.
    let flags = if section.flags & EXECUTE != 0 { 4 | 1 } else { 4 | 2 };
    let words =
        [PT_LOAD, section.offset, section.address, section.address, section.size, section.size, flags, section.align];
    for (place, word) in header.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

/// A section header.
#[derive(Clone, Copy, Default)]
struct Section {
    name: u32,
    kind: u32,
    flags: u32,
    address: u32,
    offset: u32,
    size: u32,
    link: u32,
    info: u32,
    align: u32,
    entry: u32,
}

impl Section {
    /// Puts the contents at the end of the file.
    fn append(mut self, file: &mut Vec<u8>, bytes: &[u8]) -> Self {
        file.resize(file.len().next_multiple_of(4), 0);
        self.offset = file.len() as u32;
        self.size = bytes.len() as u32;
        file.extend_from_slice(bytes);
        self
    }

    fn write(&self, file: &mut Vec<u8>) {
        let place = [self.name, self.kind, self.flags, self.address, self.offset, self.size];
        for word in place.into_iter().chain([self.link, self.info, self.align, self.entry]) {
            file.extend(word.to_le_bytes());
        }
    }
}

/// A string table.
struct Strings {
    bytes: Vec<u8>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { bytes: vec![0] }
    }
}

impl Strings {
    /// Adds a string and returns its offset.
    fn add(&mut self, text: &str) -> u32 {
        let offset = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        offset
    }
}

/// A symbol table with its strings. Local symbols come first.
struct Symbols {
    table: Vec<u8>,
    names: Strings,
}

impl Symbols {
    fn new() -> Self {
        Self { table: vec![0; SYMBOL as usize], names: Strings::default() }
    }

    fn add(&mut self, name: &str, address: u32, size: u32, info: u8, section: u16) {
        for word in [self.names.add(name), address, size] {
            self.table.extend(word.to_le_bytes());
        }
        self.table.extend([info, 0]);
        self.table.extend(section.to_le_bytes());
    }

    fn count(&self) -> u32 {
        self.table.len() as u32 / SYMBOL
    }
}
