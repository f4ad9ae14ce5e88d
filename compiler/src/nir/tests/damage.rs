//! Damaged files give an error, and no panic.

use super::*;

#[test]
fn damaged_files_give_an_error_and_no_panic() {
    let (small, path) = (scratch("small.nir"), scratch("damaged.nir"));
    write(&every_node(), &small).unwrap();
    let (bytes, mut random) = (fs::read(&small).unwrap(), Random(7));
    for _ in 0..1000 {
        fs::write(&path, random.damage(&bytes)).unwrap();
        if let Ok(model) = read(&path) {
            let _ = infer_shapes(&model.graph);
        }
    }
}
