//! `out.bin`: a manifest and blobs of bytes, each with a checksum.
//!
//! ```text
//! 0   8  magic "S2CBIN\0" and the format's version
//! 8   4  number of sections n
//! 12  4  CRC-32 of the section table
//! 16  n x 16: length (8 bytes), CRC-32 (4), kind (4)
//! ..     the sections, one after another: the manifest (JSON), then the blobs
//! ```
//! Numbers are little-endian. Equal programs give equal bytes.

use super::manifest::{Manifest, SCHEMA};
use s2c_dialects::diagnostic::{Diagnostic, Result};

const MAGIC: [u8; 8] = *b"S2CBIN\0\x01";
const HEADER: usize = 16;
const ENTRY: usize = 16;
const KIND_MANIFEST: u32 = 0;
const KIND_BLOB: u32 = 1;

/// A program as it is on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// What the bytes mean.
    pub manifest: Manifest,
    /// Code and data; segments name them by index.
    pub blobs: Vec<Vec<u8>>,
}

impl Binary {
    /// Whether a file's bytes begin as those of a binary.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC[..7])
    }

    /// Adds the integer network, for the reference engine.
    pub fn add_network(&mut self, text: String) {
        self.manifest.network = Some(self.blobs.len());
        self.blobs.push(text.into_bytes());
    }

    /// The text of the integer network.
    ///
    /// # Errors
    /// A binary without one.
    pub fn network(&self) -> Result<&str> {
        let blob = self.manifest.network.and_then(|number| self.blobs.get(number));
        blob.and_then(|bytes| str::from_utf8(bytes).ok()).ok_or_else(|| {
            Box::new(
                Diagnostic::error("bad-binary", "the binary holds no integer network")
                    .text("The reference engine needs it; only the chip model can run this binary.")
                    .hint("compile from a NIR file, or from a dump of `snn` or `qsnn`"),
            )
        })
    }

    /// The file's bytes; what they say has been read back and checked.
    ///
    /// # Errors
    /// Numbers that no file can hold, such as an infinite scale.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let manifest = serde_json::to_vec(&self.manifest).map_err(|error| Diagnostic::bug(error.to_string()))?;
        let check = self.manifest.check().and_then(|()| {
            let again: Manifest = serde_json::from_slice(&manifest).map_err(|error| error.to_string())?;
            again.check()
        });
        check.map_err(|why| {
            Diagnostic::error("bad-binary", "the binary could not be read back, so it was not written")
                .text(format!("In its manifest {why}."))
                .hint("are the parameters of the model, and the numbers of the target, of the right size?")
        })?;
        let sections: Vec<(u32, &[u8])> = std::iter::once((KIND_MANIFEST, manifest.as_slice()))
            .chain(self.blobs.iter().map(|blob| (KIND_BLOB, blob.as_slice())))
            .collect();
        let mut table = Vec::with_capacity(sections.len() * ENTRY);
        for (kind, bytes) in &sections {
            table.extend((bytes.len() as u64).to_le_bytes());
            table.extend(crc32fast::hash(bytes).to_le_bytes());
            table.extend(kind.to_le_bytes());
        }
        let mut file = MAGIC.to_vec();
        file.extend((sections.len() as u32).to_le_bytes());
        file.extend(crc32fast::hash(&table).to_le_bytes());
        file.extend(table);
        sections.iter().for_each(|(_, bytes)| file.extend(*bytes));
        Ok(file)
    }

    /// Reads a file's bytes. `name` is named in errors.
    ///
    /// # Errors
    /// Anything that is not a whole and undamaged binary of a version that is known.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        let refuse = |title: String| {
            Box::new(
                Diagnostic::error("bad-binary", title)
                    .text(format!("The file is `{name}`."))
                    .hint("compile the model again"),
            )
        };
        let damaged = |what: &str| refuse(format!("the binary is damaged: {what}"));
        if bytes.len() < HEADER || !Self::is_one(bytes) {
            return Err(refuse("the file is not a binary of s2c".to_owned()));
        }
        if bytes[7] != MAGIC[7] {
            return Err(refuse(format!("the binary has format version {}, this s2c reads {}", bytes[7], MAGIC[7])));
        }
        let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let count = word(8).unwrap_or(0) as usize;
        let body = count
            .checked_mul(ENTRY)
            .and_then(|table| table.checked_add(HEADER))
            .filter(|&body| body <= bytes.len())
            .ok_or_else(|| damaged("the section table is cut off"))?;
        if word(12) != Some(crc32fast::hash(&bytes[HEADER..body])) {
            return Err(damaged("the section table's checksum is wrong"));
        }
        let (mut at, mut manifest, mut blobs) = (body, None, Vec::new());
        for (number, entry) in bytes[HEADER..body].chunks_exact(ENTRY).enumerate() {
            let length = entry[..8].iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
            let end = usize::try_from(length)
                .ok()
                .and_then(|length| at.checked_add(length))
                .filter(|&end| end <= bytes.len())
                .ok_or_else(|| damaged(&format!("section {number} is cut off")))?;
            let section = &bytes[at..end];
            if entry[8..12] != crc32fast::hash(section).to_le_bytes() {
                let name = if number == 0 { " (the manifest)" } else { "" };
                return Err(damaged(&format!("the checksum of section {number}{name} is wrong")));
            }
            if number == 0 {
                manifest = Some(section);
            } else {
                blobs.push(section.to_vec());
            }
            at = end;
        }
        if at != bytes.len() {
            return Err(damaged("bytes are left over"));
        }
        let manifest = manifest.ok_or_else(|| damaged("there is no manifest"))?;
        Ok(Self { manifest: read_manifest(manifest).map_err(refuse)?, blobs })
    }
}

/// The manifest, or why it can't be read.
fn read_manifest(text: &[u8]) -> std::result::Result<Manifest, String> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema: Option<u64>,
    }
    let damaged = |what: &dyn std::fmt::Display| format!("the binary is damaged: manifest: {what}");
    let schema = serde_json::from_slice::<Version>(text).map_err(|error| damaged(&error))?.schema;
    match schema {
        Some(schema) if schema == u64::from(SCHEMA) => {}
        Some(schema) => return Err(format!("the manifest has schema {schema}, this s2c reads {SCHEMA}")),
        None => return Err("the binary is damaged: the manifest has no schema".to_owned()),
    }
    let manifest: Manifest = serde_json::from_slice(text).map_err(|error| damaged(&error))?;
    manifest.check().map_err(|why| damaged(&why))?;
    Ok(manifest)
}
