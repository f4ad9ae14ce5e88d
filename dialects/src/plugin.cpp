// Makes this library a plugin for the stock mlir-opt: --load-dialect-plugin=libs2c_dialects.so
#include "plugin.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "s2c", "1", [](mlir::DialectRegistry *registry) {
            s2c::snn::insert(*registry);
            s2c::qsnn::insert(*registry);
            s2c::s2k::insert(*registry);
          }};
}
