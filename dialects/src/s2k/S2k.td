// The s2k dialect: what each PE of a SpiNNaker2 machine holds and runs. See README.md for the constraints.
include "Common.td"

def S2k_Dialect : Dialect {
  let name = "s2k";
  let cppNamespace = "::s2c::s2k";
}
def S2k_Reset : ResetOf<"::s2c::s2k">;
class S2k_Op<string mnemonic, list<Trait> traits = []> : Op<S2k_Dialect, mnemonic, traits>;

def S2k_ProgramOp : S2k_Op<"program", [Symbol, SymbolTable, IsolatedFromAbove, SingleBlock, NoTerminator,
                                       RegionKindInterface, HasOnlyGraphRegion]> {
  let summary = "a program for a whole machine";
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$target, F64Attr:$dt, DictionaryAttr:$options);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `target` $target `dt` $dt `options` $options attr-dict-with-keyword $body";
}

def S2k_DecayForm : I32EnumAttr<"DecayForm", "how a decay is computed from its multiplier M; D is the factor in 33 bits", [
    I32EnumAttrCase<"Whole", 0, "whole">,        // v + v M / 2^32, M = D - 2^32
    I32EnumAttrCase<"Fraction", 1, "fraction">,  // v M / 2^32, M = D
    I32EnumAttrCase<"Mixed", 2, "mixed">,        // per neuron: whole where M is negative, else fraction
    I32EnumAttrCase<"Float", 3, "float">]> {     // v M in float32
  let cppNamespace = "::s2c::s2k";
}

def S2k_HostInputOp : S2k_Op<"host_input", [HasParent<"ProgramOp">]> {
  let summary = "spikes that the host sends: the packet of neuron i has key `key` + i";
  let arguments = (ins StrAttr:$node, DenseI64ArrayAttr:$shape, I64Attr:$limit, OptionalAttr<I64Attr>:$fraction,
      OptionalAttr<DenseI64ArrayAttr>:$layout, OptionalAttr<I64Attr>:$key, OptionalAttr<I64Attr>:$mask);
  let assemblyFormat = "$node `shape` $shape `limit` $limit (`fraction` $fraction^)? (`layout` $layout^)? (`key` $key^ `mask` $mask)? attr-dict";
}

def S2k_HostOutputOp : S2k_Op<"host_output", [HasParent<"ProgramOp">]> {
  let summary = "spikes that the host receives: those of `population`, whose packets of chip tick `start` are its tick 0";
  let description = [{
    Behind a delay of k ticks the `start` is k less than that of the population; the output is 0 in the ticks for which
    there is no chip tick.
  }];
  let arguments = (ins StrAttr:$node, StrAttr:$population, DenseI64ArrayAttr:$shape, I64Attr:$start,
      OptionalAttr<I64Attr>:$fraction);
  let assemblyFormat = "$node `from` $population `shape` $shape `start` $start (`fraction` $fraction^)? attr-dict";
}

def S2k_PeOp : S2k_Op<"pe", [Symbol, SymbolTable, SingleBlock, NoTerminator, HasParent<"ProgramOp">,
                             RegionKindInterface, HasOnlyGraphRegion]> {
  let summary = "one processing element, at [chip, QPE column, QPE row, core]";
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<DenseI64ArrayAttr>:$place);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name (`at` $place^)? attr-dict-with-keyword $body";
}

def S2k_Purpose : I32EnumAttr<"Purpose", "what a buffer holds", [
    I32EnumAttrCase<"Weights", 0, "weights">,        // of synapses, with what finds them
    I32EnumAttrCase<"Parameters", 1, "parameters">,  // of neurons, which never change
    I32EnumAttrCase<"State", 2, "state">,            // of neurons, and sums
    I32EnumAttrCase<"Packets", 3, "packets">]> {     // that were received
  let cppNamespace = "::s2c::s2k";
}

def S2k_BufferOp : S2k_Op<"buffer", [Symbol, HasParent<"PeOp">]> {
  let summary = "a piece of the PE's SRAM of `bytes` bytes; zero at the start where it has no values";
  let arguments = (ins SymbolNameAttr:$sym_name, S2k_Purpose:$purpose, I64Attr:$bytes, OptionalAttr<I64Attr>:$address,
      OptionalAttr<ElementsAttr>:$values);
  let assemblyFormat = "$sym_name $purpose `bytes` $bytes (`at` $address^)? (`=` $values^)? attr-dict";
}

// A block of synapses from one source: what all storage forms have, then what one adds, with its text.
class S2k_BlockOp<string mnemonic, dag own, string text> : S2k_Op<mnemonic, [HasParent<"PeOp">]> {
  let arguments = !con((ins StrAttr:$source, I64Attr:$count, FlatSymbolRefAttr:$weights, FlatSymbolRefAttr:$accumulators,
      I64Attr:$width, I64Attr:$slot, OptionalAttr<I64Attr>:$shift, UnitAttr:$graded), own);
  let assemblyFormat = "$weights " # text # " `from` $source `count` $count `into` $accumulators `width` $width `slot` $slot "
      "(`shift` $shift^)? (`graded` $graded^)? attr-dict";
}

def S2k_RowsOp : S2k_BlockOp<"rows", (ins I64Attr:$first, I64Attr:$length, I64Attr:$bits),
    "`row` $first `length` $length `bits` $bits"> {
  let summary = "packet key + i of `source` adds row `first` + i of `weights` to `length` accumulators";
}

def S2k_SparseRowsOp : S2k_BlockOp<"sparse_rows", (ins I64Attr:$first, I64Attr:$length),
    "`row` $first `length` $length"> {
  let summary = "as `rows` of 8-bit weights of which only those that are not 0 are stored";
}

def S2k_ConvolutionOp : S2k_BlockOp<"convolution", (ins I64Attr:$bits, I64Attr:$source_width, I64Attr:$source_channels,
      I64Attr:$source_channel, I64Attr:$source_row, DenseI64ArrayAttr:$pool, DenseI64ArrayAttr:$pooled,
      DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilation,
      I64Attr:$target_width, I64Attr:$target_channels, I64Attr:$target_row, I64Attr:$target_rows), "`bits` $bits"> {
  let summary = "a packet of `source` adds the taps of a kernel to the accumulators around its place";
  let description = [{
    Pairs are [rows, columns]. The source is a map of `source_width` columns with `source_channels` per place, of which
    this source holds the rows from `source_row` on; the target is a map of `target_width` columns with
    `target_channels` accumulators per place, of which this PE holds `target_rows` rows from `target_row` on. Weights
    are source channels x kernel rows x kernel columns x target channels.
  }];
}

def S2k_OneToOneOp : S2k_BlockOp<"one_to_one", (ins I64Attr:$first, I64Attr:$length), "`first` $first `length` $length"> {
  let summary = "packet key + i of `source` adds one weight to one accumulator: entry i - `first` of `weights`";
  let description = [{
    An entry is a 32-bit word: the weight in its upper half, the number of the accumulator in its lower half. Packets
    outside `first` to `first` + `length` - 1 have no synapse here.
  }];
}

def S2k_UpdateOp : S2k_Op<"update", [HasParent<"PeOp">]> {
  let summary = "the update of a slice of neurons, once per tick from chip tick `start` on";
  let description = [{
    The exact arithmetic is that of the qsnn dialect, on float32 states where it says `float`. `parameters` holds the
    coefficients of the stages, by their names there: a number for all neurons, or a buffer. A stage without a coefficient
    is not there; an offset that is not there is zero, a decay none. An op without a threshold never fires; one with a
    readout sends its membranes as payloads with `fraction` fractional bits per volt.
  }];
  let arguments = (ins StrAttr:$slice, StrAttr:$population, OptionalAttr<DenseI64ArrayAttr>:$shape,
      I64Attr:$first, I64Attr:$count, OptionalAttr<DenseI64ArrayAttr>:$layout,
      I64Attr:$start,
      OptionalAttr<I64Attr>:$key, OptionalAttr<I64Attr>:$mask,
      FlatSymbolRefAttr:$accumulators, I64Attr:$width, I64Attr:$slots, I64Attr:$shift,
      OptionalAttr<FlatSymbolRefAttr>:$currents, OptionalAttr<I64Attr>:$current_shift,
      OptionalAttr<S2k_DecayForm>:$current_form, FlatSymbolRefAttr:$membranes, OptionalAttr<S2k_DecayForm>:$form,
      OptionalAttr<S2k_Reset>:$reset, OptionalAttr<I64Attr>:$fraction, DictionaryAttr:$parameters,
      OptionalAttr<I64Attr>:$period,
      F64Elements:$scale,
      UnitAttr:$saturate, OptionalAttr<I64Attr>:$byte_shift, UnitAttr:$float_state);
  let assemblyFormat = [{
    $slice `of` $population (`shape` $shape^)? `from` $first `count` $count (`layout` $layout^)? (`period` $period^)? `start` $start (`key` $key^ `mask` $mask)?
    (`current` $current_form^)? (`membrane` $form^)? (`reset` $reset^)? (`saturate` $saturate^)? (`bytes` `<` `<` $byte_shift^)? (`float` $float_state^)? (`fraction` $fraction^)? `parameters` $parameters attr-dict
  }];
}

def S2k_RouteOp : S2k_Op<"route", [HasParent<"ProgramOp">]> {
  let summary = "a router entry of one chip: packets whose key matches go to all `destinations`";
  let description = [{
    `destinations` is a flat list of triples: [QPE column, QPE row, PE mask] for a QPE of this chip (bit c of the
    mask is core c); [-1, link, 0] for an inter-chip link; [-2, 0, 0] for the host.
  }];
  let arguments = (ins I64Attr:$chip, I64Attr:$key, I64Attr:$mask, DenseI64ArrayAttr:$destinations);
  let assemblyFormat = "`chip` $chip `key` $key `mask` $mask `to` $destinations attr-dict";
}
