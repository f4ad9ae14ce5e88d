// The qsnn dialect: the network in integers, exact to the bit. See README.md for the semantics and the constraints.
include "Common.td"

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

class Qsnn_NeuronOp<string mnemonic, list<Trait> traits> : Qsnn_Op<mnemonic, !listconcat([Pure,
    SameCount<"C2", "input", "output">, PerNeuron<"C3", "decay">, PerNeuron<"C3", "offset">,
    PerNeuron<"C3", "threshold">, PerNeuron<"C3", "reset_by">, PerNeuron<"C3", "scale">], traits)> {
  let results = (outs SpikeTensor:$output);
}

def Qsnn_LifOp : Qsnn_NeuronOp<"lif", []> {
  let summary = "v <- decay(v) + (x << shift) + offset; fires above the threshold";
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, I64Attr:$shift, I64Elements:$decay,
      I32Elements:$offset, I32Elements:$threshold, Qsnn_Reset:$reset, I32Elements:$reset_by, F64Elements:$scale,
      UnitAttr:$saturate, OptionalAttr<I64Attr>:$byte_shift, OptionalAttr<I64Attr>:$start);
  let assemblyFormat = [{
    $node `(` $input `<` `<` $shift `)` `reset` $reset (`saturate` $saturate^)? (`bytes` `<` `<` $byte_shift^)?
    (`start` $start^)? attr-dict `:` type($input) `->` type($output)
  }];
}

def Qsnn_CubaLifOp : Qsnn_NeuronOp<"cuba_lif", [PerNeuron<"C3", "current_decay">, PerNeuron<"C3", "current_offset">]> {
  let summary = "i <- decay(i) + (x << shift) + offset; v <- decay(v) + (i >> current_shift) + offset; fires above the threshold";
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, I64Attr:$shift, I64Elements:$current_decay,
      I32Elements:$current_offset, I64Attr:$current_shift, I64Elements:$decay, I32Elements:$offset,
      I32Elements:$threshold, Qsnn_Reset:$reset, I32Elements:$reset_by, F64Elements:$scale,
      UnitAttr:$saturate, OptionalAttr<I64Attr>:$byte_shift, OptionalAttr<I64Attr>:$start);
  let assemblyFormat = [{
    $node `(` $input `<` `<` $shift `)` `current` `>` `>` $current_shift `reset` $reset (`saturate` $saturate^)?
    (`bytes` `<` `<` $byte_shift^)? (`start` $start^)? attr-dict `:` type($input) `->` type($output)
  }];
}

def Qsnn_FloatLifOp : Qsnn_NeuronOp<"float_lif", []> {
  let summary = "v <- v decay + x + offset in float32; fires above the threshold";
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, F32Elements:$decay, F32Elements:$offset,
      F32Elements:$threshold, Qsnn_Reset:$reset, F32Elements:$reset_by, F64Elements:$scale, OptionalAttr<I64Attr>:$start);
  let assemblyFormat = [{
    $node `(` $input `)` `reset` $reset (`start` $start^)? attr-dict `:` type($input) `->` type($output)
  }];
}

def Qsnn_FloatCubaLifOp : Qsnn_NeuronOp<"float_cuba_lif", [PerNeuron<"C3", "current_decay">,
                                                          PerNeuron<"C3", "current_offset">]> {
  let summary = "i <- i current_decay + x + current_offset; v <- v decay + i + offset in float32; fires above the threshold";
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, F32Elements:$current_decay, F32Elements:$current_offset,
      F32Elements:$decay, F32Elements:$offset, F32Elements:$threshold, Qsnn_Reset:$reset, F32Elements:$reset_by,
      F64Elements:$scale, OptionalAttr<I64Attr>:$start);
  let assemblyFormat = [{
    $node `(` $input `)` `reset` $reset (`start` $start^)? attr-dict `:` type($input) `->` type($output)
  }];
}

class Qsnn_GradedOp<string mnemonic, list<Trait> traits> : Qsnn_Op<mnemonic, !listconcat([Pure,
    SameCount<"C2", "input", "output">, PerNeuron<"C3", "decay">, PerNeuron<"C3", "offset">,
    PerNeuron<"C3", "readout">, PerNeuron<"C3", "scale">], traits)> {
  let results = (outs GradedTensor:$output);
}

def Qsnn_LiOp : Qsnn_GradedOp<"li", []> {
  let summary = "v <- decay(v) + (x << shift) + offset; hands on v times `readout`, with `fraction` fractional bits";
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, I64Attr:$shift, I64Elements:$decay,
      I32Elements:$offset, I64Elements:$readout, I64Attr:$fraction, F64Elements:$scale, UnitAttr:$saturate,
      OptionalAttr<I64Attr>:$start);
  let assemblyFormat = [{
    $node `(` $input `<` `<` $shift `)` `fraction` $fraction (`saturate` $saturate^)? (`start` $start^)?
    attr-dict `:` type($input) `->` type($output)
  }];
}

def Qsnn_FloatLiOp : Qsnn_GradedOp<"float_li", []> {
  let summary = "v <- v decay + x + offset in float32; hands on v times `readout`, as an integer with `fraction` fractional bits";
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, F32Elements:$decay, F32Elements:$offset,
      F32Elements:$readout, I64Attr:$fraction, F64Elements:$scale, OptionalAttr<I64Attr>:$start);
  let assemblyFormat = [{
    $node `(` $input `)` `fraction` $fraction (`start` $start^)? attr-dict `:` type($input) `->` type($output)
  }];
}

def Qsnn_FloatCubaLiOp : Qsnn_GradedOp<"float_cuba_li", [PerNeuron<"C3", "current_decay">,
                                                        PerNeuron<"C3", "current_offset">]> {
  let summary = "i <- i current_decay + x + current_offset; v <- v decay + i + offset in float32; hands on v times `readout`";
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, F32Elements:$current_decay, F32Elements:$current_offset,
      F32Elements:$decay, F32Elements:$offset, F32Elements:$readout, I64Attr:$fraction, F64Elements:$scale,
      OptionalAttr<I64Attr>:$start);
  let assemblyFormat = [{
    $node `(` $input `)` `fraction` $fraction (`start` $start^)? attr-dict `:` type($input) `->` type($output)
  }];
}

def Qsnn_CubaLiOp : Qsnn_GradedOp<"cuba_li", [PerNeuron<"C3", "current_decay">, PerNeuron<"C3", "current_offset">]> {
  let summary = "i <- decay(i) + (x << shift) + offset; v <- decay(v) + (i >> current_shift) + offset; hands on v times `readout`";
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, I64Attr:$shift, I64Elements:$current_decay,
      I32Elements:$current_offset, I64Attr:$current_shift, I64Elements:$decay, I32Elements:$offset,
      I64Elements:$readout, I64Attr:$fraction, F64Elements:$scale, UnitAttr:$saturate, OptionalAttr<I64Attr>:$start);
  let assemblyFormat = [{
    $node `(` $input `<` `<` $shift `)` `current` `>` `>` $current_shift `fraction` $fraction (`saturate` $saturate^)?
    (`start` $start^)? attr-dict `:` type($input) `->` type($output)
  }];
}
