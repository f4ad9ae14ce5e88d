// Registers the s2k dialect; everything else about it is generated from S2k.td.
#include "mlir/CAPI/Registration.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "plugin.h"
#include "S2kDialect.h.inc"
#include "S2kEnums.h.inc"
#define GET_OP_CLASSES
#include "S2kOps.h.inc"

#include "S2kDialect.cpp.inc"
#include "S2kEnums.cpp.inc"
#define GET_OP_CLASSES
#include "S2kOps.cpp.inc"

void s2c::s2k::S2kDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "S2kOps.cpp.inc"
      >();
}

void s2c::s2k::insert(mlir::DialectRegistry &registry) { registry.insert<S2kDialect>(); }

extern "C" {
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(S2k, s2k);
}
MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(S2k, s2k, ::s2c::s2k::S2kDialect)
