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

// Coefficients of neurons: integers, or floats where states are.
class NumberElements<list<Attr> kinds> : AnyAttrOf<kinds> {
  let storageType = "::mlir::DenseElementsAttr";
  let returnType = "::mlir::DenseElementsAttr";
}
def FactorElements : NumberElements<[I64Elements, F32Elements]>;
def WordElements : NumberElements<[I32Elements, F32Elements]>;

def Qsnn_NeuronOp : Qsnn_Op<"neuron", [Pure, SameCount<"C2", "input", "output">,
    PerNeuronIfAny<"C3", "current_decay">, PerNeuronIfAny<"C3", "current_offset">, PerNeuron<"C3", "decay">,
    PerNeuron<"C3", "offset">, PerNeuronIfAny<"C3", "threshold">, PerNeuronIfAny<"C3", "reset_by">,
    PerNeuronIfAny<"C3", "readout">, PerNeuron<"C3", "scale">,
    Together<"C14", "current_decay", "current_offset">, Together<"C14", "threshold", "reset">,
    Together<"C14", "threshold", "reset_by">, Together<"C14", "readout", "fraction">]> {
  let summary = "a population: the stages of a difference equation in integers, or in float32 behind integer sums";
  let description = [{
    current   i <- decay(i) + (x << shift) + offset; drives the membrane with i >> current_shift
    membrane  v <- decay(v) + (x << shift, or the current) + offset
    fire      a spike where v is above the threshold, and what it does to v
    hand on   v times `readout`, with `fraction` fractional bits
  }];
  let arguments = (ins StrAttr:$node, AccumulatorTensor:$input, OptionalAttr<I64Attr>:$shift,
      OptionalAttr<FactorElements>:$current_decay, OptionalAttr<WordElements>:$current_offset,
      OptionalAttr<I64Attr>:$current_shift, FactorElements:$decay, WordElements:$offset,
      OptionalAttr<WordElements>:$threshold, OptionalAttr<Qsnn_Reset>:$reset, OptionalAttr<WordElements>:$reset_by,
      OptionalAttr<FactorElements>:$readout, OptionalAttr<I64Attr>:$fraction,
      UnitAttr:$saturate, OptionalAttr<I64Attr>:$byte_shift, F64Elements:$scale, OptionalAttr<I64Attr>:$start);
  let results = (outs SourceTensor:$output);
  let assemblyFormat = [{
    $node `(` $input (`<` `<` $shift^)? `)` (`saturate` $saturate^)? (`start` $start^)?
    attr-dict `:` type($input) `->` type($output)
    (`\n` ` ` ` ` `current` `decay` $current_decay^ `offset` $current_offset)? (`>` `>` $current_shift^)?
    `\n` ` ` ` ` `membrane` `decay` $decay `offset` $offset (`bytes` `<` `<` $byte_shift^)?
    (`\n` ` ` ` ` `fire` $threshold^ `reset` $reset $reset_by)?
    (`\n` ` ` ` ` `readout` $readout^ `fraction` $fraction)?
    `\n` ` ` ` ` `scale` $scale
  }];
}
