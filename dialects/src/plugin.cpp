// Makes this library a plugin for the stock mlir-opt: --load-dialect-plugin=libs2c_dialects.so
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"

extern "C" {
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Snn, snn);
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Qsnn, qsnn);
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(S2k, s2k);

LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "s2c", "1", [](mlir::DialectRegistry *registry) {
            for (MlirDialectHandle handle :
                 {mlirGetDialectHandle__snn__(), mlirGetDialectHandle__qsnn__(), mlirGetDialectHandle__s2k__()})
              mlirDialectHandleInsertDialect(handle, wrap(registry));
          }};
}
}
