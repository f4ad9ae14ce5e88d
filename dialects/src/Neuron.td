// The op for a population in ticks, at both levels: the stages of a difference equation, printed one per line. A stage
// without attributes is not there.
#ifndef S2C_NEURON_TD
#define S2C_NEURON_TD

include "Common.td"

// A population of snn in ticks, in volts.
class FloatNeuron<Dialect dialect, TypeConstraint current, TypeConstraint signal, Attr integrator, Attr compare, Attr reset>
    : Op<dialect, "neuron", [Pure, SameCount<"C2", "input", "output">,
    PerNeuronIfAny<"C3", "current_factor">, PerNeuronIfAny<"C3", "current_gain">, PerNeuron<"C3", "gain">,
    PerNeuronIfAny<"C3", "factor">, PerNeuronIfAny<"C3", "rest">, PerNeuronIfAny<"C3", "threshold">,
    PerNeuronIfAny<"C3", "reset_to">, PerNeuronIfAny<"C3", "bound">, PerNeuronIfAny<"C3", "weight_scale">,
    Together<"C11", "current_factor", "current_gain">, Together<"C11", "factor", "rest">,
    Together<"C11", "threshold", "compare">, Together<"C11", "threshold", "reset">]> {
  let summary = "a population in ticks: the stages of a difference equation";
  let description = [{
    current   i <- i + factor (gain x - i)
    membrane  v <- v + factor (rest - v + gain x), x being the current where there is one; without a factor v <- v + gain x
    fire      a spike where v is greater than (or equal to) the threshold, and what it does to v; without it v is handed on
    bound     v <- max(v, bound), once fire and reset are done
  }];
  let arguments = (ins StrAttr:$node, current:$input, OptionalAttr<integrator>:$integrator,
      OptionalAttr<F64Elements>:$current_factor, OptionalAttr<F64Elements>:$current_gain,
      F64Elements:$gain, OptionalAttr<F64Elements>:$factor, OptionalAttr<F64Elements>:$rest,
      OptionalAttr<F64Elements>:$threshold, OptionalAttr<compare>:$compare, OptionalAttr<reset>:$reset,
      OptionalAttr<F64Elements>:$reset_to, OptionalAttr<F64Elements>:$bound, OptionalAttr<F64Elements>:$weight_scale);
  let results = (outs signal:$output);
  let assemblyFormat = [{
    $node `(` $input `)` (`integrator` $integrator^)? attr-dict `:` type($input) `->` type($output)
    (`\n` ` ` ` ` `current` `factor` $current_factor^ `gain` $current_gain)?
    `\n` ` ` ` ` `membrane` (`factor` $factor^ `rest` $rest)? `gain` $gain
    (`\n` ` ` ` ` `fire` $compare^ $threshold `reset` $reset)? (`to` $reset_to^)?
    (`\n` ` ` ` ` `bound` $bound^)?
    (`\n` ` ` ` ` `scaled` $weight_scale^)?
  }];
}

// Coefficients of neurons: integers, or floats where states are.
class NumberElements<list<Attr> kinds> : AnyAttrOf<kinds> {
  let storageType = "::mlir::DenseElementsAttr";
  let returnType = "::mlir::DenseElementsAttr";
}
def FactorElements : NumberElements<[I64Elements, F32Elements]>;
def WordElements : NumberElements<[I32Elements, F32Elements]>;

// A population of qsnn, in integers or with float32 state.
class IntegerNeuron<Dialect dialect, TypeConstraint sum, TypeConstraint source, Attr reset> : Op<dialect, "neuron", [Pure, SameCount<"C2", "input", "output">,
    PerNeuronIfAny<"C3", "current_decay">, PerNeuronIfAny<"C3", "current_offset">, PerNeuron<"C3", "decay">,
    PerNeuron<"C3", "offset">, PerNeuronIfAny<"C3", "threshold">, PerNeuronIfAny<"C3", "reset_by">,
    PerNeuronIfAny<"C3", "bound">, PerNeuronIfAny<"C3", "readout">, PerNeuron<"C3", "scale">,
    Together<"C14", "current_decay", "current_offset">, Together<"C14", "threshold", "reset">,
    Together<"C14", "threshold", "reset_by">, Together<"C14", "readout", "fraction">]> {
  let summary = "a population: the stages of a difference equation in integers, or in float32 behind integer sums";
  let description = [{
    current   i <- decay(i) + (x << shift) + offset; drives the membrane with i >> current_shift
    membrane  v <- decay(v) + (x << shift, or the current) + offset
    fire      a spike where v is above the threshold, and what it does to v
    bound     v <- max(v, bound), once fire and reset are done
    hand on   v times `readout`, with `fraction` fractional bits
  }];
  let arguments = (ins StrAttr:$node, sum:$input, OptionalAttr<I64Attr>:$shift,
      OptionalAttr<FactorElements>:$current_decay, OptionalAttr<WordElements>:$current_offset,
      OptionalAttr<I64Attr>:$current_shift, FactorElements:$decay, WordElements:$offset,
      OptionalAttr<WordElements>:$threshold, OptionalAttr<reset>:$reset, OptionalAttr<WordElements>:$reset_by,
      OptionalAttr<WordElements>:$bound, OptionalAttr<FactorElements>:$readout, OptionalAttr<I64Attr>:$fraction,
      UnitAttr:$saturate, OptionalAttr<I64Attr>:$byte_shift, F64Elements:$scale, OptionalAttr<I64Attr>:$start);
  let results = (outs source:$output);
  let assemblyFormat = [{
    $node `(` $input (`<` `<` $shift^)? `)` (`saturate` $saturate^)? (`start` $start^)?
    attr-dict `:` type($input) `->` type($output)
    (`\n` ` ` ` ` `current` `decay` $current_decay^ `offset` $current_offset)? (`>` `>` $current_shift^)?
    `\n` ` ` ` ` `membrane` `decay` $decay `offset` $offset (`bytes` `<` `<` $byte_shift^)?
    (`\n` ` ` ` ` `fire` $threshold^ `reset` $reset $reset_by)?
    (`\n` ` ` ` ` `bound` $bound^)?
    (`\n` ` ` ` ` `readout` $readout^ `fraction` $fraction)?
    `\n` ` ` ` ` `scale` $scale
  }];
}

#endif
