// Constraints that the snn, qsnn and s2k dialects share.
#ifndef S2C_COMMON_TD
#define S2C_COMMON_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// Spikes of one tick: 0 or 1 (i1), or small counts (ui8).
def SpikeTensor : StaticShapeTensorOf<[I1, UI8]>;

// Two shaped values or attributes with the same number of elements.
class SameCount<string number, string left, string right> : PredOpTrait<
    number # ": " # left # " and " # right # " have the same number of elements",
    CPred<"::llvm::cast<::mlir::ShapedType>($" # left # ".getType()).getNumElements() == "
          "::llvm::cast<::mlir::ShapedType>($" # right # ".getType()).getNumElements()">>;

// All operands have the type of the result.
def SameTypes : PredOpTrait<"all inputs have the type of the output",
    CPred<"::llvm::all_of($_op.getOperandTypes(), [&](::mlir::Type type) { return type == $_op.getResult(0).getType(); })">>;

// A weight matrix (outputs x inputs) between an input and an output of any shape.
class MatrixShape<string number> : PredOpTrait<
    number # ": weight is a matrix with one row per output and one column per input",
    CPred<"::llvm::cast<::mlir::ShapedType>($weight.getType()).getRank() == 2 && "
          "::llvm::cast<::mlir::ShapedType>($weight.getType()).getDimSize(0) == "
          "::llvm::cast<::mlir::ShapedType>($output.getType()).getNumElements() && "
          "::llvm::cast<::mlir::ShapedType>($weight.getType()).getDimSize(1) == "
          "::llvm::cast<::mlir::ShapedType>($input.getType()).getNumElements()">>;

// A per-neuron parameter: one value per neuron of the result (a splat prints as one value).
class PerNeuron<string number, string parameter> : SameCount<number, parameter, "output">;

// The same for a parameter of a stage that may be missing.
class PerNeuronIfAny<string number, string parameter> : PredOpTrait<
    number # ": " # parameter # " and output have the same number of elements",
    CPred<"!$" # parameter # " || ::llvm::cast<::mlir::ShapedType>((*$" # parameter # ").getType()).getNumElements() == "
          "::llvm::cast<::mlir::ShapedType>($output.getType()).getNumElements()">>;

// Attributes of one stage: both are there, or none.
class Together<string number, string one, string other> : PredOpTrait<
    number # ": " # one # " and " # other # " belong to one stage", CPred<"!$" # one # " == !$" # other>>;

// Dense elements of one element type.
class DenseOf<string predicate, string name> : ElementsAttrBase<
    CPred<"::llvm::isa<::mlir::DenseElementsAttr>($_self) && "
          "::llvm::cast<::mlir::DenseElementsAttr>($_self).getElementType()." # predicate>,
    "dense " # name # " elements">;
def F32Elements : DenseOf<"isF32()", "f32">;
def F64Elements : DenseOf<"isF64()", "f64">;
def I32Elements : DenseOf<"isSignlessInteger(32)", "i32">;
def I64Elements : DenseOf<"isSignlessInteger(64)", "i64">;

// What happens to the membrane in the tick of a spike.
class ResetOf<string namespace> : I32EnumAttr<"Reset", "what happens to the membrane after a spike", [
    I32EnumAttrCase<"Subtract", 0, "subtract">, I32EnumAttrCase<"Value", 1, "value">,
    I32EnumAttrCase<"SubtractPending", 2, "subtract_pending">, I32EnumAttrCase<"SubtractLate", 3, "subtract_late">]> {
  let cppNamespace = namespace;
}

#endif
