//! Builds `libs2c_dialects.so`: the three dialects, generated from their ODS files by `mlir-tblgen` and registered
//! by a few lines of C++ each.
//!
//! They live in a shared object of their own because Debian's `libMLIR.so` is built by clang: traits in a g++-built
//! object *inside* the executable would get type ids of their own and be unknown to MLIR. The same file is the plugin
//! for the stock `mlir-opt --load-dialect-plugin`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const DIALECTS: [(&str, &str); 3] = [("snn", "Snn"), ("qsnn", "Qsnn"), ("s2k", "S2k")];

fn main() {
    let prefix = PathBuf::from(env::var("MLIR_SYS_220_PREFIX").expect("MLIR_SYS_220_PREFIX names LLVM's folder"));
    let (library, include) = (prefix.join("lib"), prefix.join("include"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));

    write_c_api_linker_script(&library, &out);
    for (folder, stem) in DIALECTS {
        generate(&prefix, &include, &out, folder, stem);
    }
    let objects = cc::Build::new()
        .cpp(true)
        .std("c++17")
        .flag("-fno-rtti")
        .flag("-fno-exceptions")
        .flag("-Wno-unused-parameter")
        .flag("-isystem")
        .flag(include.to_str().expect("LLVM's folder has a UTF-8 name"))
        .opt_level(1)
        .debug(false)
        .pic(true)
        .cargo_metadata(false)
        .include(&out)
        .include("src")
        .files(DIALECTS.iter().map(|(folder, _)| format!("src/{folder}/shim.cpp")))
        .file("src/plugin.cpp")
        .compile_intermediates();
    let shared = out.join("libs2c_dialects.so");
    run(Command::new("c++").arg("-shared").arg("-o").arg(&shared).args(&objects).arg("-L").arg(&library).arg("-lMLIR"));

    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=dylib=s2c_dialects");
    // Read by dependents' build scripts as DEP_S2C_DIALECTS_FOLDER.
    println!("cargo:folder={}", out.display());
    println!("cargo:rerun-if-env-changed=MLIR_SYS_220_PREFIX");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/plugin.cpp");
    println!("cargo:rerun-if-changed=src/plugin.h");
}

/// Debian ships MLIR's C interface as static archives only, while mlir-sys in shared mode asks for `-lMLIR-C`:
/// a linker script of that name satisfies it.
fn write_c_api_linker_script(library: &Path, out: &Path) {
    let mut archives: Vec<String> = fs::read_dir(library)
        .expect("LLVM's lib folder can be read")
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            (name.starts_with("libMLIRCAPI") && name.ends_with(".a")).then(|| path.display().to_string())
        })
        .collect();
    archives.sort();
    fs::write(out.join("libMLIR-C.so"), format!("GROUP( {} )\n", archives.join(" "))).expect("OUT_DIR can be written");
}

fn generate(prefix: &Path, include: &Path, out: &Path, folder: &str, stem: &str) {
    let source = format!("src/{folder}/{stem}.td");
    println!("cargo:rerun-if-changed={source}");
    println!("cargo:rerun-if-changed=src/{folder}/shim.cpp");
    println!("cargo:rerun-if-changed=src/Common.td");
    println!("cargo:rerun-if-changed=src/Neuron.td");
    for (action, suffix) in [
        ("dialect-decls", "Dialect.h.inc"),
        ("dialect-defs", "Dialect.cpp.inc"),
        ("enum-decls", "Enums.h.inc"),
        ("enum-defs", "Enums.cpp.inc"),
        ("op-decls", "Ops.h.inc"),
        ("op-defs", "Ops.cpp.inc"),
    ] {
        let mut command = Command::new(prefix.join("bin/mlir-tblgen"));
        command.arg("-I").arg(include).arg("-I").arg("src").arg(&source).arg(format!("-gen-{action}"));
        if action.starts_with("dialect") {
            command.arg(format!("-dialect={folder}"));
        }
        run(command.arg("-o").arg(out.join(format!("{stem}{suffix}"))));
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
