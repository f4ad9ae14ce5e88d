// The qsnn dialect: the network in integers, exact to the bit. See README.md for the semantics and the constraints.
include "Neuron.td"

def Qsnn_Dialect : Dialect {
  let name = "qsnn";
  let cppNamespace = "::s2c::qsnn";
}
def Qsnn_Reset : ResetOf<"::s2c::qsnn">;
class Qsnn_Op<string mnemonic, list<Trait> traits = []> : Op<Qsnn_Dialect, mnemonic, traits>;

// Sums of weights: as wide as range analysis proved them to be.
def AccumulatorTensor : StaticShapeTensorOf<[I16, I32]>;
def QsnnSignal : AnyTypeOf<[SpikeTensor, AccumulatorTensor]>;
// What packets carry: spikes, or graded values as fixed-point numbers.
def GradedTensor : StaticShapeTensorOf<[I32]>;
def SourceTensor : AnyTypeOf<[SpikeTensor, GradedTensor]>;
def WeightElements : AnyAttrOf<[DenseOf<"isSignlessInteger(8)", "i8">, DenseOf<"isSignlessInteger(16)", "i16">]> {
  let storageType = "::mlir::DenseElementsAttr";
  let returnType = "::mlir::DenseElementsAttr";
}

def Qsnn_NetworkOp : Qsnn_Op<"network", [Symbol, IsolatedFromAbove, SingleBlock, NoTerminator, RegionKindInterface,
                                         HasOnlyGraphRegion]> {
  let summary = "a spiking network in integers";
  let arguments = (ins SymbolNameAttr:$sym_name, F64Attr:$dt, DictionaryAttr:$options);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `dt` $dt `options` $options attr-dict-with-keyword $body";
}

def Qsnn_InputOp : Qsnn_Op<"input"> {
  let summary = "spikes, or graded values with `fraction` fractional bits, from outside; `limit` is the largest count or absolute value per neuron and tick";
  let arguments = (ins StrAttr:$node, I64Attr:$limit, OptionalAttr<I64Attr>:$fraction, OptionalAttr<I64Attr>:$start);
  let results = (outs SourceTensor:$output);
  let assemblyFormat = "$node `limit` $limit (`fraction` $fraction^)? (`start` $start^)? attr-dict `:` type($output)";
}

def Qsnn_OutputOp : Qsnn_Op<"output"> {
  let summary = "what the network hands back";
  let arguments = (ins StrAttr:$node, SourceTensor:$value);
  let assemblyFormat = "$node `(` $value `)` attr-dict `:` type($value)";
}

def Qsnn_DenseOp : Qsnn_Op<"dense", [Pure, MatrixShape<"C1">]> {
  let summary = "y = W (x << shift) in integers";
  let arguments = (ins SourceTensor:$input, WeightElements:$weight, I64Attr:$bits, OptionalAttr<I64Attr>:$shift);
  let results = (outs AccumulatorTensor:$output);
  let assemblyFormat = "$input `bits` $bits (`shift` $shift^)? attr-dict `:` type($input) `->` type($output)";
}

def Qsnn_ScaleOp : Qsnn_Op<"scale", [Pure, SameCount<"C8", "input", "output">, PerNeuron<"C8", "weight">]> {
  let summary = "y = w (x << shift), element by element, in integers";
  let arguments = (ins SourceTensor:$input, WeightElements:$weight, I64Attr:$bits, OptionalAttr<I64Attr>:$shift);
  let results = (outs AccumulatorTensor:$output);
  let assemblyFormat = "$input `bits` $bits (`shift` $shift^)? attr-dict `:` type($input) `->` type($output)";
}

def Qsnn_Conv2dOp : Qsnn_Op<"conv2d", [Pure]> {
  let summary = "convolution over rows and columns, of sums over `pool` windows, in integers";
  let arguments = (ins SourceTensor:$input, WeightElements:$weight, I64Attr:$bits, OptionalAttr<I64Attr>:$shift,
      DenseI64ArrayAttr:$pool, DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilation,
      I64Attr:$groups);
  let results = (outs AccumulatorTensor:$output);
  let assemblyFormat = [{
    $input `bits` $bits (`shift` $shift^)? `pool` $pool `stride` $stride `padding` $padding `dilation` $dilation `groups` $groups attr-dict
    `:` type($input) `->` type($output)
  }];
}

def Qsnn_AddOp : Qsnn_Op<"add", [Pure, SameTypes]> {
  let summary = "sum of the projections into one population";
  let arguments = (ins Variadic<AccumulatorTensor>:$inputs);
  let results = (outs AccumulatorTensor:$output);
  let assemblyFormat = "$inputs attr-dict `:` type($inputs) `->` type($output)";
}

def Qsnn_DelayOp : Qsnn_Op<"delay", [Pure, AllTypesMatch<["input", "output"]>]> {
  let summary = "the value of `ticks` ticks before; zero in the first ticks";
  let arguments = (ins QsnnSignal:$input, ConfinedAttr<I64Attr, [IntMinValue<0>]>:$ticks);
  let results = (outs QsnnSignal:$output);
  let assemblyFormat = "$input `by` $ticks attr-dict `:` type($output)";
}

def Qsnn_NeuronOp : IntegerNeuron<Qsnn_Dialect, AccumulatorTensor, SourceTensor, Qsnn_Reset>;
