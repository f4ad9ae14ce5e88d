//! The only unsafe code of this crate: what melior leaves unwrapped of MLIR's C interface.
#![allow(unsafe_code)] // Calls into C; each block says why it is sound.

use melior::{
    Context,
    ir::{Attribute, AttributeLike, Module, OperationRef, Value, ValueLike},
};
use mlir_sys::{MlirAttribute, MlirDialectHandle, MlirStringRef};
use std::ffi::c_void;

unsafe extern "C" {
    fn mlirGetDialectHandle__snn__() -> MlirDialectHandle;
    fn mlirGetDialectHandle__qsnn__() -> MlirDialectHandle;
    fn mlirGetDialectHandle__s2k__() -> MlirDialectHandle;
}

/// Registers and loads the three dialects.
pub fn load_dialects(context: &Context) {
    // SAFETY: the handles are static data of libs2c_dialects.so; the context is alive.
    unsafe {
        for handle in [mlirGetDialectHandle__snn__(), mlirGetDialectHandle__qsnn__(), mlirGetDialectHandle__s2k__()] {
            mlir_sys::mlirDialectHandleRegisterDialect(handle, context.to_raw());
            mlir_sys::mlirDialectHandleLoadDialect(handle, context.to_raw());
        }
    }
}

/// Parses a module; `file` is the name that its locations carry. Errors go to the context's diagnostic handler.
pub fn parse<'c>(context: &'c Context, text: &str, file: &str) -> Option<Module<'c>> {
    let string = |s: &str| MlirStringRef { data: s.as_ptr().cast(), length: s.len() };
    // SAFETY: MLIR copies both strings. The operation is owned by the module from here on, or is null.
    unsafe {
        let operation = mlir_sys::mlirOperationCreateParse(context.to_raw(), string(text), string(file));
        if operation.ptr.is_null() {
            return None;
        }
        let module = mlir_sys::mlirModuleFromOperation(operation);
        if !module.ptr.is_null() {
            return Some(Module::from_raw(module));
        }
        // A text may leave out the `module` around its only op.
        let module = mlir_sys::mlirModuleCreateEmpty(mlir_sys::mlirOperationGetLocation(operation));
        mlir_sys::mlirBlockAppendOwnedOperation(mlir_sys::mlirModuleGetBody(module), operation);
        Some(Module::from_raw(module))
    }
}

/// A key that is equal for equal SSA values.
pub fn value_key<'c>(value: &impl ValueLike<'c>) -> usize {
    value.to_raw().ptr as usize
}

/// Replaces operand `index` of `operation` by `value`.
pub fn set_operand<'c>(operation: OperationRef<'c, '_>, index: usize, value: Value<'c, '_>) {
    // SAFETY: the index is below the operand count, by the caller's construction of the operation.
    unsafe { mlir_sys::mlirOperationSetOperand(operation.to_raw(), index as isize, value.to_raw()) }
}

/// Destroys an operation whose results have no uses left.
pub fn erase(operation: OperationRef<'_, '_>) {
    // SAFETY: the caller has replaced all uses; nobody holds on to the operation.
    unsafe { mlir_sys::mlirOperationDestroy(operation.to_raw()) }
}

/// The raw little-endian bytes of a dense attribute (one element where `splat`), as stored by MLIR.
///
/// Returns `None` when the attribute is not dense, or is `i1`, which MLIR may pack in other ways.
pub fn dense_bytes(attribute: Attribute<'_>, element_bytes: usize) -> Option<&[u8]> {
    let raw: MlirAttribute = attribute.to_raw();
    // SAFETY: `raw` is an attribute of a live context; the checked kind makes the calls valid, and the data lives as
    // long as the context, which 'a does not outlive.
    unsafe {
        if !mlir_sys::mlirAttributeIsADenseElements(raw) {
            return None;
        }
        let splat = mlir_sys::mlirDenseElementsAttrIsSplat(raw);
        let count = mlir_sys::mlirElementsAttrGetNumElements(raw) as usize;
        let data = mlir_sys::mlirDenseElementsAttrGetRawData(raw).cast::<u8>();
        let length = if splat { element_bytes } else { count * element_bytes };
        if length == 0 {
            return Some(&[]);
        }
        if data.is_null() {
            return None;
        }
        Some(std::slice::from_raw_parts(data, length))
    }
}

/// Prints an operation with or without locations; elements beyond `elide` per attribute are left out.
pub fn print(operation: OperationRef<'_, '_>, locations: bool, elide: Option<usize>) -> String {
    unsafe extern "C" fn append(text: MlirStringRef, out: *mut c_void) {
        // SAFETY: `out` is the Vec below; `text` is valid for the time of the call.
        unsafe {
            (*out.cast::<Vec<u8>>()).extend_from_slice(std::slice::from_raw_parts(text.data.cast(), text.length));
        }
    }
    let mut out: Vec<u8> = Vec::new();
    // SAFETY: flags are created and destroyed here; the callback only touches `out`.
    unsafe {
        let flags = mlir_sys::mlirOpPrintingFlagsCreate();
        mlir_sys::mlirOpPrintingFlagsEnableDebugInfo(flags, locations, false);
        if let Some(limit) = elide {
            mlir_sys::mlirOpPrintingFlagsElideLargeElementsAttrs(flags, limit as isize);
        }
        mlir_sys::mlirOperationPrintWithFlags(operation.to_raw(), flags, Some(append), (&raw mut out).cast());
        mlir_sys::mlirOpPrintingFlagsDestroy(flags);
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
