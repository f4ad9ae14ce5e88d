//! Decoded instructions: what the decoder produces and the interpreter executes.
//!
//! An [`Insn`] is 16 bytes. Operands that depend on the address of the instruction (branch targets, literal
//! addresses) are resolved by the decoder, so that the interpreter never reads the program counter as a register.

/// Number of a core register (0 to 15) or of a single-precision register (0 to 31).
pub(crate) type Reg = u8;

/// A decoded instruction and its length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Insn {
    /// What to do.
    pub op: Op,
    /// Size of the encoding in bytes, 2 or 4.
    pub length: u8,
}

/// Two-operand data processing (ARM DDI 0403E, A5.3.1 and A5.3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataOp {
    And,
    Bic,
    Orr,
    Orn,
    Eor,
    Add,
    Adc,
    Sbc,
    Sub,
    Rsb,
    Mov,
    Mvn,
    Tst,
    Teq,
    Cmn,
    Cmp,
}

/// Shift types (A7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Lsl,
    Lsr,
    Asr,
    Ror,
    Rrx,
}

/// Width and signedness of a load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Word,
    Half,
    Byte,
    SignedHalf,
    SignedByte,
}

/// How a load or store forms its address from base and offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    /// `[rn, #offset]`
    Offset,
    /// `[rn, #offset]!`
    Pre,
    /// `[rn], #offset`
    Post,
}

/// Multiplications with a 64-bit result; `Divide` has its own operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongOp {
    Smull,
    Umull,
    Smlal,
    Umlal,
    Umaal,
}

/// Operations on one register: counting, reversing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BitOp {
    Clz,
    Rbit,
    Rev,
    Rev16,
    Revsh,
}

/// Sign and zero extension, optionally added to a register (A4.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extend {
    Sxth,
    Uxth,
    Uxtb16,
    Sxtb,
    Uxtb,
}

/// What a parallel addition or subtraction does with each lane's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LaneMode {
    /// Wrap and set the GE flags.
    Wrap,
    /// Saturate.
    Saturate,
    /// Halve.
    Halve,
}

/// Which lanes a parallel operation adds or subtracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LaneOp {
    Add8,
    Add16,
    Asx,
    Sub8,
    Sub16,
    Sax,
}

/// Floating-point operations with the operands d, n and m (A6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Float3 {
    Add,
    Sub,
    Mul,
    NegMul,
    Div,
    Mla,
    Mls,
    NegMla,
    NegMls,
    Fma,
    Fms,
    NegFma,
    NegFms,
}

/// Floating-point operations with the operands d and m.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Float2 {
    Move,
    Abs,
    Neg,
    Sqrt,
    FromSigned,
    FromUnsigned,
    /// To an integer, rounding towards zero.
    ToSigned,
    ToUnsigned,
    /// To an integer, rounding to nearest, ties to even (the FPSCR's only supported mode).
    RoundToSigned,
    RoundToUnsigned,
}

/// Special registers of MRS and MSR that the model has (B5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// The flags; in MSR the two booleans select N, Z, C, V, Q and GE.
    Apsr {
        nzcvq: bool,
        ge: bool,
    },
    /// The exception number, which is always 0.
    Ipsr,
    Msp,
    Primask,
}

/// One operation with its operands.
///
/// The names follow the architecture manual; `s` stands for "sets the flags".
#[derive(Clone, Copy, Debug, PartialEq)]
#[rustfmt::skip]
pub(crate) enum Op {
    /// Not implemented or undefined: a fault when executed.
    Undefined,
    /// No instruction: the next one is elsewhere.
    Continue { target: u32 },
    /// No instruction: the end of the code region.
    Outside,

    // Data processing; the frequent cases have their own operation.
    AddImm { rd: Reg, rn: Reg, s: bool, imm: u32 },
    SubImm { rd: Reg, rn: Reg, s: bool, imm: u32 },
    AddReg { rd: Reg, rn: Reg, rm: Reg, lsl: u8, s: bool },
    SubReg { rd: Reg, rn: Reg, rm: Reg, lsl: u8, s: bool },
    OrrReg { rd: Reg, rn: Reg, rm: Reg, s: bool },
    CmpImm { rn: Reg, imm: u32 },
    CmpReg { rn: Reg, rm: Reg },
    MovImm { rd: Reg, s: bool, imm: u32 },
    MovReg { rd: Reg, rm: Reg },
    MovTop { rd: Reg, imm: u32 },
    /// `carry` is the carry out of the expanded constant, where there is one.
    DataImm { op: DataOp, rd: Reg, rn: Reg, s: bool, carry: Option<bool>, imm: u32 },
    DataReg { op: DataOp, rd: Reg, rn: Reg, rm: Reg, shift: Shift, amount: u8, s: bool },
    ShiftReg { shift: Shift, rd: Reg, rn: Reg, rm: Reg, s: bool },

    // Loads and stores.
    LdrImm { rt: Reg, rn: Reg, imm: u32 },
    LdrhImm { rt: Reg, rn: Reg, imm: u32 },
    LdrbImm { rt: Reg, rn: Reg, imm: u32 },
    LdrshImm { rt: Reg, rn: Reg, imm: u32 },
    LdrsbImm { rt: Reg, rn: Reg, imm: u32 },
    StrImm { rt: Reg, rn: Reg, imm: u32 },
    StrhImm { rt: Reg, rn: Reg, imm: u32 },
    StrbImm { rt: Reg, rn: Reg, imm: u32 },
    LdrReg { rt: Reg, rn: Reg, rm: Reg, lsl: u8 },
    LdrhReg { rt: Reg, rn: Reg, rm: Reg, lsl: u8 },
    LdrbReg { rt: Reg, rn: Reg, rm: Reg, lsl: u8 },
    LdrshReg { rt: Reg, rn: Reg, rm: Reg, lsl: u8 },
    LdrsbReg { rt: Reg, rn: Reg, rm: Reg, lsl: u8 },
    StrReg { rt: Reg, rn: Reg, rm: Reg, lsl: u8 },
    StrhReg { rt: Reg, rn: Reg, rm: Reg, lsl: u8 },
    StrbReg { rt: Reg, rn: Reg, rm: Reg, lsl: u8 },
    LoadLiteral { size: Size, rt: Reg, address: u32 },
    LoadIndexed { size: Size, rt: Reg, rn: Reg, post: bool, offset: i32 },
    StoreIndexed { size: Size, rt: Reg, rn: Reg, post: bool, offset: i32 },
    /// `words` is the number of registers in `list`.
    LoadMultiple { rn: Reg, before: bool, writeback: bool, words: u8, list: u16 },
    StoreMultiple { rn: Reg, before: bool, writeback: bool, words: u8, list: u16 },
    /// The same for registers that follow one another, `first` and on, without the program counter.
    LoadBlock { rn: Reg, before: bool, writeback: bool, words: u8, first: Reg },
    StoreBlock { rn: Reg, before: bool, writeback: bool, words: u8, first: Reg },
    LoadDual { rt: Reg, rt2: Reg, rn: Reg, index: Index, offset: i32 },
    LoadDualLiteral { rt: Reg, rt2: Reg, address: u32 },
    StoreDual { rt: Reg, rt2: Reg, rn: Reg, index: Index, offset: i32 },

    // Branches. A target is an address, or a place once it is in [`crate::code::Code`]; a link is the new value of LR.
    Branch { target: u32 },
    BranchIf { condition: u8, target: u32 },
    BranchLink { target: u32, link: u32 },
    BranchExchange { rm: Reg },
    BranchLinkExchange { rm: Reg, link: u32 },
    /// `MOV pc, rm`, which ignores bit 0.
    MovPc { rm: Reg },
    /// LDR into the program counter.
    LoadPcImm { rn: Reg, index: Index, offset: i32 },
    LoadPcReg { rn: Reg, rm: Reg, lsl: u8 },
    LoadPcLiteral { address: u32 },
    CompareBranch { rn: Reg, if_zero: bool, target: u32 },
    /// `base` is the address after the instruction; `rn` 15 stands for it.
    TableBranch { rn: Reg, rm: Reg, half: bool, base: u32 },

    // Multiplication and division.
    Mul { rd: Reg, rn: Reg, rm: Reg, s: bool },
    Mla { rd: Reg, rn: Reg, rm: Reg, ra: Reg },
    Mls { rd: Reg, rn: Reg, rm: Reg, ra: Reg },
    MulLong { op: LongOp, lo: Reg, hi: Reg, rn: Reg, rm: Reg },
    Divide { signed: bool, rd: Reg, rn: Reg, rm: Reg },
    /// SMULxy and SMLAxy; `ra` 15 stands for no addition, as in the encoding.
    MulHalf { rd: Reg, rn: Reg, rm: Reg, ra: Reg, n_top: bool, m_top: bool },
    /// SMULWy and SMLAWy.
    MulWide { rd: Reg, rn: Reg, rm: Reg, ra: Reg, m_top: bool },
    /// SMUAD, SMUSD, SMLAD, SMLSD.
    MulDual { rd: Reg, rn: Reg, rm: Reg, ra: Reg, swap: bool, subtract: bool },
    /// SMMUL, SMMLA, SMMLS.
    MulMost { rd: Reg, rn: Reg, rm: Reg, ra: Reg, round: bool, subtract: bool },
    /// SMLALxy.
    MulHalfLong { lo: Reg, hi: Reg, rn: Reg, rm: Reg, n_top: bool, m_top: bool },
    /// SMLALD, SMLSLD.
    MulDualLong { lo: Reg, hi: Reg, rn: Reg, rm: Reg, swap: bool, subtract: bool },
    /// USAD8 and USADA8; `ra` 15 stands for no addition.
    AbsoluteDifferences { rd: Reg, rn: Reg, rm: Reg, ra: Reg },

    // Bit fields, packing, saturation and parallel arithmetic.
    Bits { op: BitOp, rd: Reg, rm: Reg },
    Ubfx { rd: Reg, rn: Reg, lsb: u8, width: u8 },
    Sbfx { rd: Reg, rn: Reg, lsb: u8, width: u8 },
    /// `rn` 15 stands for BFC.
    Bfi { rd: Reg, rn: Reg, lsb: u8, width: u8 },
    /// `rn` 15 stands for no addition.
    Sxtb16 { rd: Reg, rn: Reg, rm: Reg, rotate: u8 },
    Extend { op: Extend, rd: Reg, rn: Reg, rm: Reg, rotate: u8 },
    Parallel { op: LaneOp, mode: LaneMode, signed: bool, rd: Reg, rn: Reg, rm: Reg },
    Select { rd: Reg, rn: Reg, rm: Reg },
    /// QADD, QSUB, QDADD, QDSUB.
    SaturatingAdd { rd: Reg, rn: Reg, rm: Reg, double: bool, subtract: bool },
    /// SSAT and USAT: saturate to `bits` bits (of magnitude, if unsigned).
    Saturate { signed: bool, rd: Reg, rn: Reg, bits: u8, shift: Shift, amount: u8 },
    Saturate16 { signed: bool, rd: Reg, rn: Reg, bits: u8 },
    PackHalf { top_first: bool, rd: Reg, rn: Reg, rm: Reg, amount: u8 },

    // System.
    Nop,
    IfThen { state: u8 },
    WaitForInterrupt,
    WaitForEvent,
    SendEvent,
    ChangePrimask { mask: bool },
    ReadSpecial { rd: Reg, special: Special },
    WriteSpecial { rn: Reg, special: Special },

    // Floating point.
    Vldr { sd: Reg, words: u8, rn: Reg, imm: u32 },
    VldrLiteral { sd: Reg, words: u8, address: u32 },
    Vstr { sd: Reg, words: u8, rn: Reg, imm: u32 },
    VloadMultiple { sd: Reg, rn: Reg, words: u8, before: bool, writeback: bool },
    VstoreMultiple { sd: Reg, rn: Reg, words: u8, before: bool, writeback: bool },
    VmovToCore { rt: Reg, sn: Reg },
    VmovFromCore { rt: Reg, sn: Reg },
    VmovTwoToCore { rt: Reg, rt2: Reg, sm: Reg },
    VmovTwoFromCore { rt: Reg, rt2: Reg, sm: Reg },
    VmovImm { sd: Reg, imm: u32 },
    Float3 { op: Float3, sd: Reg, sn: Reg, sm: Reg },
    Float2 { op: Float2, sd: Reg, sm: Reg },
    VcvtFixed { sd: Reg, to_fixed: bool, signed: bool, bits: u8, fraction: u8 },
    /// Half precision: VCVTB and VCVTT.
    VcvtHalf { sd: Reg, sm: Reg, top: bool, to_half: bool },
    Vcmp { sd: Reg, sm: Reg },
    VcmpZero { sd: Reg },
    /// `rt` 15 stands for the flags.
    Vmrs { rt: Reg },
    Vmsr { rt: Reg },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_instructions_are_small() {
        assert!(size_of::<Op>() <= 12);
        assert!(size_of::<Insn>() <= 16);
    }
}
