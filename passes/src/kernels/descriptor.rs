//! What an update kernel takes from its slice descriptor before the loop, and the values that the loop carries along.

use s2c_abi::{comms, slice};

use super::{
    Registers,
    body::{Body, Value},
    update::{Parameter, Spread, UpdateKernel},
};

/// What a slice descriptor says, loaded before the loop.
pub struct Slice {
    /// First addresses of the arrays that are walked through: accumulators, membranes, then per-neuron parameters.
    pub walks: Vec<Value>,
    /// Names of the parameters among the walks.
    pub walked: Vec<Parameter>,
    /// Values of the uniform parameters.
    pub uniform: Vec<(Parameter, Value)>,
    /// End of the array of resets, where they are per neuron: these are needed too rarely to be walked through.
    pub reset_end: Option<Value>,
    /// Key after the neurons that the loop handles.
    pub key_end: Value,
    /// Address of the register that sends.
    pub send_key: Value,
}

impl Slice {
    /// Loads everything; the loop handles `looped` neurons.
    pub fn read(kernel: &UpdateKernel, body: &mut Body, registers: &Registers, looped: &str) -> Self {
        let key = field(body, slice::KEY, "i32");
        let key_end = body.binary("add", &key, looped);
        let accumulators = field(body, slice::ACCUMULATORS, "!llvm.ptr");
        let membranes = field(body, slice::MEMBRANES, "!llvm.ptr");
        let send_key = body.constant(registers.comms.wrapping_add(comms::SEND_KEY) as i32);
        let send_key = body.value(format_args!("llvm.inttoptr {send_key} : i32 to !llvm.ptr"));
        let (walks, walked, uniform) = (vec![accumulators, membranes], Vec::new(), Vec::new());
        let mut this = Self { walks, walked, uniform, reset_end: None, key_end, send_key };
        for (offset, (parameter, spread)) in (slice::PARAMETERS..).step_by(4).zip(kernel.spreads()) {
            match (parameter, spread) {
                (_, Spread::Uniform) => {
                    let value = field(body, offset, kernel.state.type_name());
                    this.uniform.push((parameter, value));
                }
                (Parameter::ResetBy, Spread::PerNeuron) => {
                    let base = field(body, offset, "!llvm.ptr");
                    this.reset_end = Some(body.value(format_args!(
                        "llvm.getelementptr {base}[{looped}] : (!llvm.ptr, i32) -> !llvm.ptr, i32"
                    )));
                }
                (_, Spread::PerNeuron) => {
                    this.walks.push(field(body, offset, "!llvm.ptr"));
                    this.walked.push(parameter);
                }
            }
        }
        this
    }

    /// Types of the values that the loop carries: addresses, and the turns left inside it.
    pub fn types(&self, looping: bool) -> Vec<&'static str> {
        let mut types = vec!["!llvm.ptr"; self.walks.len()];
        types.extend(looping.then_some("i32"));
        types
    }

    /// A branch target: a block with the addresses and, into the loop, the turns left.
    pub fn target(&self, block: &str, walks: &[Value], left: Option<&str>) -> String {
        let mut values: Vec<&str> = walks.iter().map(String::as_str).collect();
        values.extend(left);
        format!("{block}({} : {})", values.join(", "), self.types(left.is_some()).join(", "))
    }

    /// Branches to the loop with `left` turns to go, or past it if there are none.
    pub fn enter(&self, body: &mut Body, left: &str, block: &str, otherwise: &str) {
        let condition = body.is_not_zero(left);
        let (block, otherwise) =
            (self.target(block, &self.walks, Some(left)), self.target(otherwise, &self.walks, None));
        body.line(format_args!("llvm.cond_br {condition}, {block}, {otherwise}"));
    }
}

/// A word of the slice descriptor.
pub fn field(body: &mut Body, offset: u32, kind: &str) -> Value {
    let address = body.offset("%slice", offset);
    body.load(kind, &address)
}
