//! Damaged files give an error, and no panic.

use super::*;

#[test]
fn damaged_files_give_an_error_and_no_panic() {
    let (bytes, mut random) = (write(&every_node()).unwrap(), Random(7));
    for _ in 0..1000 {
        if let Ok(model) = read(random.damage(&bytes), "damaged.nir") {
            let _ = infer_shapes(&model.graph);
        }
    }
}
