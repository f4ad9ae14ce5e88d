//! Lets the executable find `libs2c_dialects.so`: beside itself, or where the build left it.

fn main() {
    let folder = std::env::var("DEP_S2C_DIALECTS_FOLDER").expect("s2c-dialects names its folder");
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    println!("cargo:rerun-if-changed=build.rs");
}
