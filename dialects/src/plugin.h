// What each dialect's shim gives to the plugin.
#pragma once

namespace mlir {
class DialectRegistry;
}
namespace s2c::snn {
void insert(mlir::DialectRegistry &registry);
}
namespace s2c::qsnn {
void insert(mlir::DialectRegistry &registry);
}
namespace s2c::s2k {
void insert(mlir::DialectRegistry &registry);
}
