//! Each `ir/<pass>/<case>.mlir` is run through the pass that its folder is named after; what comes out is compared with
//! the snapshot beside it. A case named `invalid_…` is one that the pass refuses: the snapshot holds the diagnostic.

use s2c_dialects::{Context, Module, diagnostic::Result, ir, snn};
use s2c_passes::{
    analysis::moments::{Calibration, Observer},
    registry,
    session::{Remark, Session},
    target::Target,
};
use std::{fs, path::Path, sync::Arc};

const TARGET: &str = include_str!("../compiler/targets/spinnaker2.toml");

/// What the neurons of an `error-compensation` case receive in three ticks, in each of which but the second all inputs
/// spike.
fn calibrate(pass: &str, module: &Module<'_>) -> Result<Option<Calibration>> {
    if pass != "error-compensation" {
        return Ok(None);
    }
    let network = snn::Network::read(module)?;
    let mut observer = Observer::new(&network)?;
    for count in [1, 0, 1] {
        observer.observe(|node| vec![f64::from(count); network.result(node).map_or(0, |result| result.len())]);
    }
    Ok(Some(observer.finish()))
}

fn lower(context: &Context, pass: &str, text: &str) -> Result<String> {
    let target = Target::parse(TARGET, "spinnaker2.toml")?;
    let module = ir::parse(context, text, "case.mlir")?;
    let pass = s2c_passes::find(pass).expect("folders are named after passes");
    let calibration = calibrate(pass.name, &module)?.map(Arc::new);
    let options = registry::options_of(&module)?;
    let mut session = Session { calibration, ..Session::new(context, target, options.clone()) };
    let module = s2c_passes::session::run(pass, &mut session, module)?;
    if pass.takes == pass.gives {
        // A dump can be compiled on from any point only if a pass that has run changes nothing when it runs again.
        let once = ir::to_text(&module);
        let again = s2c_passes::session::run(
            pass,
            &mut Session::new(context, session.target.clone(), options),
            ir::parse(context, &once, "again.mlir")?,
        )?;
        assert_eq!(once, ir::to_text(&again), "`{}` is not idempotent", pass.name);
    }
    let mut text = ir::to_short_text(&module, 64);
    for Remark { pass, steps, saved } in session.remarks {
        text.push_str(&format!("// {pass}: {}: {saved}\n", steps.join(", ")));
    }
    for warning in session.warnings {
        text.push_str(&format!("// {}\n", warning.to_string().replace('\n', "\n// ")));
    }
    Ok(text)
}

#[test]
fn passes() {
    let context = ir::context();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("ir");
    let mut folders: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut cases = 0;
    for folder in folders.iter().filter(|path| path.is_dir()) {
        let pass = folder.file_name().unwrap().to_str().unwrap().replace('_', "-");
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "mlir")) {
            let case = file.file_stem().unwrap().to_str().unwrap();
            let result = lower(&context, &pass, &fs::read_to_string(file).unwrap());
            assert_eq!(result.is_err(), case.starts_with("invalid_"), "{pass}/{case}: {result:?}");
            let text = result.unwrap_or_else(|diagnostic| diagnostic.to_string());
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(folder);
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(case, text));
            cases += 1;
        }
    }
    assert!(cases > 0);
}

#[test]
fn every_pass_has_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("ir");
    for pass in s2c_passes::PIPELINE {
        let folder = root.join(pass.name.replace('-', "_"));
        assert!(folder.is_dir(), "no cases for `{}`: add {}", pass.name, folder.display());
    }
}
