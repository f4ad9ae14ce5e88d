// Registers the snn dialect; everything else about it is generated from Snn.td.
#include "mlir/CAPI/Registration.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "plugin.h"
#include "SnnDialect.h.inc"
#include "SnnEnums.h.inc"
#define GET_OP_CLASSES
#include "SnnOps.h.inc"

#include "SnnDialect.cpp.inc"
#include "SnnEnums.cpp.inc"
#define GET_OP_CLASSES
#include "SnnOps.cpp.inc"

void s2c::snn::SnnDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "SnnOps.cpp.inc"
      >();
}

void s2c::snn::insert(mlir::DialectRegistry &registry) { registry.insert<SnnDialect>(); }

extern "C" {
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Snn, snn);
}
MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Snn, snn, ::s2c::snn::SnnDialect)
