//! Lets the executable find `libs2c_dialects.so`: beside itself, or where the build left it.

fn main() {
    let folder = std::env::var("DEP_S2C_DIALECTS_FOLDER").expect("s2c-dialects names its folder");
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    // For the test that hands the dialects to the stock mlir-opt.
    println!("cargo:rustc-env=S2C_DIALECTS_FOLDER={folder}");
    println!("cargo:rerun-if-changed=build.rs");
}
