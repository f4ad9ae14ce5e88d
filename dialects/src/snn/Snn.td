// The snn dialect: a spiking network in floating point. See README.md for the constraints.
include "Neuron.td"

def Snn_Dialect : Dialect {
  let name = "snn";
  let cppNamespace = "::s2c::snn";
}
def Snn_Reset : ResetOf<"::s2c::snn">;
class Snn_Op<string mnemonic, list<Trait> traits = []> : Op<Snn_Dialect, mnemonic, traits>;

def CurrentTensor : StaticShapeTensorOf<[F32]>;
def SignalTensor : AnyTypeOf<[SpikeTensor, CurrentTensor]>;

def Snn_Integrator : I32EnumAttr<"Integrator", "how a time constant becomes a factor per tick", [
    I32EnumAttrCase<"Euler", 0, "euler">, I32EnumAttrCase<"Exponential", 1, "exponential">]> {
  let cppNamespace = "::s2c::snn";
}
def Snn_Compare : I32EnumAttr<"Compare", "which membranes fire: above, or at and above the threshold", [
    I32EnumAttrCase<"Greater", 0, "greater">, I32EnumAttrCase<"GreaterEqual", 1, "greater_equal">]> {
  let cppNamespace = "::s2c::snn";
}

def Snn_NetworkOp : Snn_Op<"network", [Symbol, IsolatedFromAbove, SingleBlock, NoTerminator, RegionKindInterface,
                                       HasOnlyGraphRegion]> {
  let summary = "a spiking network: a graph of operations on streams of ticks";
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<F64Attr>:$dt, DictionaryAttr:$options);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name (`dt` $dt^)? `options` $options attr-dict-with-keyword $body";
}

def Snn_InputOp : Snn_Op<"input"> {
  let summary = "spikes or analog values from outside; `limit` is the largest count, or absolute value, per neuron and tick";
  let arguments = (ins StrAttr:$node, I64Attr:$limit);
  let results = (outs SignalTensor:$output);
  let assemblyFormat = "$node `limit` $limit attr-dict `:` type($output)";
}

def Snn_OutputOp : Snn_Op<"output"> {
  let summary = "what the network hands back";
  let arguments = (ins StrAttr:$node, SignalTensor:$value);
  let assemblyFormat = "$node `(` $value `)` attr-dict `:` type($value)";
}

def Snn_LinearOp : Snn_Op<"linear", [Pure, MatrixShape<"C1">]> {
  let summary = "y = W x (+ b): NIR's Linear and Affine";
  let arguments = (ins SignalTensor:$input, F32Elements:$weight, OptionalAttr<F64Elements>:$bias);
  let results = (outs CurrentTensor:$output);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($output)";
}

def Snn_Conv2dOp : Snn_Op<"conv2d", [Pure]> {
  let summary = "convolution over rows and columns, of sums over `pool` windows: NIR's Conv2d";
  let arguments = (ins SignalTensor:$input, F32Elements:$weight, OptionalAttr<F64Elements>:$bias,
      DenseI64ArrayAttr:$pool, DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilation,
      I64Attr:$groups);
  let results = (outs CurrentTensor:$output);
  let assemblyFormat = [{
    $input `pool` $pool `stride` $stride `padding` $padding `dilation` $dilation `groups` $groups attr-dict
    `:` type($input) `->` type($output)
  }];
}

def Snn_ScaleOp : Snn_Op<"scale", [Pure, SameCount<"C10", "input", "output">, PerNeuron<"C10", "scale">]> {
  let summary = "y = s x, element by element: NIR's Scale, and one-to-one connections";
  let arguments = (ins SignalTensor:$input, F32Elements:$scale);
  let results = (outs CurrentTensor:$output);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($output)";
}

def Snn_PoolOp : Snn_Op<"pool", [Pure]> {
  let summary = "sum (or mean) over windows that do not overlap: NIR's SumPool2d and AvgPool2d";
  let arguments = (ins SignalTensor:$input, DenseI64ArrayAttr:$window, UnitAttr:$mean);
  let results = (outs CurrentTensor:$output);
  let assemblyFormat = "$input `window` $window (`mean` $mean^)? attr-dict `:` type($input) `->` type($output)";
}

def Snn_AddOp : Snn_Op<"add", [Pure, SameTypes]> {
  let summary = "sum of all that arrives at one node";
  let arguments = (ins Variadic<CurrentTensor>:$inputs);
  let results = (outs CurrentTensor:$output);
  let assemblyFormat = "$inputs attr-dict `:` type($inputs) `->` type($output)";
}

def Snn_DelayOp : Snn_Op<"delay", [Pure, AllTypesMatch<["input", "output"]>]> {
  let summary = "the value of `ticks` ticks before; zero in the first ticks. `seconds` stand for ticks that are not known yet";
  let arguments = (ins SignalTensor:$input, ConfinedAttr<I64Attr, [IntMinValue<0>]>:$ticks,
      OptionalAttr<F64Elements>:$seconds);
  let results = (outs SignalTensor:$output);
  let assemblyFormat = "$input `by` $ticks attr-dict `:` type($output)";
}

// A population as NIR has it; `discretization` makes an snn.neuron of it.
class Snn_NirOp<string mnemonic, list<Trait> traits> : Snn_Op<mnemonic, !listconcat([Pure,
    SameCount<"C2", "input", "output">], traits)> {
  let assemblyFormat = "$node `(` $input `)` attr-dict `:` type($input) `->` type($output)";
}
class Snn_SpikingOp<string mnemonic, list<Trait> traits> : Snn_NirOp<mnemonic, traits> {
  let results = (outs SpikeTensor:$output);
}
class Snn_GradedOp<string mnemonic, list<Trait> traits> : Snn_NirOp<mnemonic, traits> {
  let results = (outs CurrentTensor:$output);
}

def Snn_IfOp : Snn_SpikingOp<"if", [PerNeuron<"C3", "r">, PerNeuron<"C3", "v_threshold">, PerNeuron<"C3", "v_reset">]> {
  let summary = "integrate and fire: v <- v + r x";
  let arguments = (ins StrAttr:$node, CurrentTensor:$input, F64Elements:$r, F64Elements:$v_threshold,
      F64Elements:$v_reset);
}

def Snn_LifOp : Snn_SpikingOp<"lif", [PerNeuron<"C3", "tau">, PerNeuron<"C3", "r">, PerNeuron<"C3", "v_leak">,
                                      PerNeuron<"C3", "v_threshold">, PerNeuron<"C3", "v_reset">]> {
  let summary = "leaky integrate and fire: v <- v + f (v_leak - v + r x)";
  let arguments = (ins StrAttr:$node, CurrentTensor:$input, F64Elements:$tau, F64Elements:$r, F64Elements:$v_leak,
      F64Elements:$v_threshold, F64Elements:$v_reset);
}

def Snn_CubaLifOp : Snn_SpikingOp<"cuba_lif", [PerNeuron<"C3", "tau_syn">, PerNeuron<"C3", "tau_mem">,
                                               PerNeuron<"C3", "r">, PerNeuron<"C3", "w_in">, PerNeuron<"C3", "v_leak">,
                                               PerNeuron<"C3", "v_threshold">, PerNeuron<"C3", "v_reset">]> {
  let summary = "current-based leaky integrate and fire: i <- i + f_syn (w_in x - i), then v <- v + f_mem (v_leak - v + r i)";
  let arguments = (ins StrAttr:$node, CurrentTensor:$input, F64Elements:$tau_syn, F64Elements:$tau_mem,
      F64Elements:$r, F64Elements:$w_in, F64Elements:$v_leak, F64Elements:$v_threshold, F64Elements:$v_reset);
}

def Snn_ThresholdOp : Snn_SpikingOp<"threshold", [PerNeuron<"C3", "threshold">]> {
  let summary = "a spike where x > threshold: NIR's Threshold";
  let arguments = (ins StrAttr:$node, CurrentTensor:$input, F64Elements:$threshold);
}

def Snn_IOp : Snn_GradedOp<"i", [PerNeuron<"C3", "r">]> {
  let summary = "integrator, hands on v: v <- v + r x";
  let arguments = (ins StrAttr:$node, CurrentTensor:$input, F64Elements:$r);
}

def Snn_LiOp : Snn_GradedOp<"li", [PerNeuron<"C3", "tau">, PerNeuron<"C3", "r">, PerNeuron<"C3", "v_leak">]> {
  let summary = "leaky integrator, hands on v: v <- v + f (v_leak - v + r x)";
  let arguments = (ins StrAttr:$node, CurrentTensor:$input, F64Elements:$tau, F64Elements:$r, F64Elements:$v_leak);
}

def Snn_CubaLiOp : Snn_GradedOp<"cuba_li", [PerNeuron<"C3", "tau_syn">, PerNeuron<"C3", "tau_mem">,
                                           PerNeuron<"C3", "r">, PerNeuron<"C3", "w_in">, PerNeuron<"C3", "v_leak">]> {
  let summary = "leaky integrator with a synapse, hands on v: i <- i + f_syn (w_in x - i), then v <- v + f_mem (v_leak - v + r i)";
  let arguments = (ins StrAttr:$node, CurrentTensor:$input, F64Elements:$tau_syn, F64Elements:$tau_mem,
      F64Elements:$r, F64Elements:$w_in, F64Elements:$v_leak);
}

def Snn_RelayOp : Snn_GradedOp<"relay", []> {
  let summary = "hands on x itself: a sum of currents that an output asks for";
  let arguments = (ins StrAttr:$node, CurrentTensor:$input);
}

def Snn_NeuronOp : FloatNeuron<Snn_Dialect, CurrentTensor, SignalTensor, Snn_Integrator, Snn_Compare, Snn_Reset>;
