// Registers the qsnn dialect; everything else about it is generated from Qsnn.td.
#include "mlir/CAPI/Registration.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "plugin.h"
#include "QsnnDialect.h.inc"
#include "QsnnEnums.h.inc"
#define GET_OP_CLASSES
#include "QsnnOps.h.inc"

#include "QsnnDialect.cpp.inc"
#include "QsnnEnums.cpp.inc"
#define GET_OP_CLASSES
#include "QsnnOps.cpp.inc"

void s2c::qsnn::QsnnDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "QsnnOps.cpp.inc"
      >();
}

void s2c::qsnn::insert(mlir::DialectRegistry &registry) { registry.insert<QsnnDialect>(); }

extern "C" {
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Qsnn, qsnn);
}
MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Qsnn, qsnn, ::s2c::qsnn::QsnnDialect)
