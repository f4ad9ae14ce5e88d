//! Files that end in .mlir.
#![no_main]

#[path = "../../readers.rs"]
mod readers;
#[path = "../run.rs"]
mod run;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run::run("mlir", bytes));
