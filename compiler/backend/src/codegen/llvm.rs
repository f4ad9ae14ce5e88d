//! Safe access to MLIR's and LLVM's code generation for the Cortex-M4F: everything in the crate that is `unsafe`.
//!
//! Nothing here aborts on bad text: errors are collected by handlers and returned as bugs, because all text that comes
//! here was written by `s2c` itself.
#![allow(unsafe_code)] // MLIR's translation to LLVM IR and LLVM's back end have no safe interface in Rust.

use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_void},
    ptr::{null, null_mut},
    rc::Rc,
    slice,
    sync::Once,
};

use llvm_sys::{
    LLVMDiagnosticSeverity, LLVMModule, analysis::*, core::*, error::*, prelude::*, support::*, target::*,
    target_machine::*, transforms::pass_builder::*,
};
use melior::{
    Context,
    dialect::{DialectHandle, DialectRegistry},
    ir::{Module, operation::OperationLike},
    utility::register_all_llvm_translations,
};
use s2c_dialects::diagnostic::{Diagnostic, Result};

const TRIPLE: &CStr = c"thumbv7em-none-eabihf";
const CPU: &CStr = c"cortex-m4";
/// Kernels are written as they should be: clean up, and leave the loops alone.
const PASSES: &CStr = c"function(instcombine<no-verify-fixpoint>,simplifycfg)";
/// Options of the back end that only its command line has; the first is the program's name. Strength reduction would
/// replace the addresses that kernels step through by sums with a common index, which costs registers and additions.
const OPTIONS: [&CStr; 2] = [c"s2c", c"-disable-lsr"];

/// Version of the LLVM that is linked.
pub fn llvm_version() -> String {
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: the three pointers are valid for writes.
    unsafe { LLVMGetVersion(&raw mut major, &raw mut minor, &raw mut patch) };
    format!("{major}.{minor}.{patch}")
}

/// Generates machine code. One is enough for a compile run; it is not shared between threads.
pub struct CodeGenerator {
    mlir: Context,
    /// What MLIR's diagnostic handler heard.
    messages: Rc<RefCell<Vec<String>>>,
    machine: LLVMTargetMachineRef,
}

impl CodeGenerator {
    /// Sets up MLIR with the `llvm` dialect alone, and LLVM's ARM back end.
    pub fn new() -> Result<Self> {
        let registry = DialectRegistry::new();
        DialectHandle::llvm().insert_dialect(&registry);
        let mlir = Context::new_with_registry(&registry, false);
        mlir.load_all_available_dialects();
        register_all_llvm_translations(&mlir);
        let messages = Rc::new(RefCell::new(Vec::new()));
        let heard = Rc::clone(&messages);
        mlir.attach_diagnostic_handler(move |message| {
            heard.borrow_mut().push(message.to_string());
            true
        });
        Ok(Self { mlir, messages, machine: target_machine()? })
    }

    /// Compiles a module of MLIR's `llvm` dialect to an ELF object.
    pub fn object(&self, text: &str) -> Result<Vec<u8>> {
        self.compile(text, LLVMCodeGenFileType::LLVMObjectFile)
    }

    /// Compiles a module of MLIR's `llvm` dialect to assembly text, to be read by people.
    pub fn assembly(&self, text: &str) -> Result<String> {
        let bytes = self.compile(text, LLVMCodeGenFileType::LLVMAssemblyFile)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Assembles assembly text to an ELF object.
    pub fn assemble(&self, source: &str) -> Result<Vec<u8>> {
        let ir = IrContext::new();
        // SAFETY: the context is alive; the name is a C string, and the text is given with its length.
        let module = unsafe {
            let raw = LLVMModuleCreateWithNameInContext(c"assembly".as_ptr(), ir.raw);
            LLVMSetModuleInlineAsm2(raw, source.as_ptr().cast(), source.len());
            IrModule { raw, context: &ir }
        };
        module.emit(self.machine, LLVMCodeGenFileType::LLVMObjectFile)
    }

    fn compile(&self, text: &str, kind: LLVMCodeGenFileType) -> Result<Vec<u8>> {
        self.messages.borrow_mut().clear();
        let module = Module::parse(&self.mlir, text).ok_or_else(|| self.bug("MLIR can't parse a kernel", text))?;
        if !module.as_operation().verify() {
            return Err(self.bug("MLIR refuses a kernel", text));
        }
        let ir = IrContext::new();
        // SAFETY: both contexts are alive, and mlir-sys and llvm-sys link to one libLLVM, so that the pointer types of
        // the same name are the same.
        let raw = unsafe { mlir_sys::mlirTranslateModuleToLLVMIR(module.as_operation().to_raw(), ir.raw.cast()) };
        if raw.is_null() {
            return Err(self.bug("MLIR can't translate a kernel to LLVM IR", text));
        }
        let module = IrModule { raw: raw.cast::<LLVMModule>(), context: &ir };
        module.optimise(self.machine)?;
        module.emit(self.machine, kind)
    }

    fn bug(&self, title: &str, text: &str) -> Box<Diagnostic> {
        let messages = self.messages.borrow().join("; ");
        Box::new(Diagnostic::bug(title).text(format!("{messages}\n{text}")))
    }
}

impl Drop for CodeGenerator {
    fn drop(&mut self) {
        // SAFETY: the target machine was created by `target_machine` and is used by nobody else.
        unsafe { LLVMDisposeTargetMachine(self.machine) }
    }
}

/// Creates the target machine. The back end is registered once per process.
fn target_machine() -> Result<LLVMTargetMachineRef> {
    static REGISTERED: Once = Once::new();
    // SAFETY: these functions have no preconditions; `Once` keeps them from running at the same time.
    REGISTERED.call_once(|| unsafe {
        LLVMInitializeARMTargetInfo();
        LLVMInitializeARMTarget();
        LLVMInitializeARMTargetMC();
        LLVMInitializeARMAsmPrinter();
        LLVMInitializeARMAsmParser();
        LLVMParseCommandLineOptions(OPTIONS.len() as i32, OPTIONS.map(CStr::as_ptr).as_ptr(), null());
    });
    let (mut target, mut message) = (null_mut(), null_mut());
    // SAFETY: all strings are C strings; LLVM sets either `target` or `message`.
    unsafe {
        if LLVMGetTargetFromTriple(TRIPLE.as_ptr(), &mut target, &mut message) != 0 {
            return Err(bug("LLVM has no ARM back end", &take_message(message)));
        }
        let machine = LLVMCreateTargetMachine(
            target,
            TRIPLE.as_ptr(),
            CPU.as_ptr(),
            c"".as_ptr(),
            LLVMCodeGenOptLevel::LLVMCodeGenLevelDefault,
            LLVMRelocMode::LLVMRelocStatic,
            LLVMCodeModel::LLVMCodeModelDefault,
        );
        if machine.is_null() {
            return Err(bug("LLVM can't generate code for the Cortex-M4", ""));
        }
        Ok(machine)
    }
}

/// An LLVM context that collects error messages instead of ending the process.
struct IrContext {
    raw: LLVMContextRef,
    /// Owned here, as a pointer because LLVM holds one too. Freed in `drop`.
    messages: *mut RefCell<Vec<String>>,
}

impl IrContext {
    fn new() -> Self {
        let messages = Box::into_raw(Box::<RefCell<Vec<String>>>::default());
        // SAFETY: the handler gets `messages`, which lives as long as the context.
        let raw = unsafe {
            let raw = LLVMContextCreate();
            LLVMContextSetDiagnosticHandler(raw, Some(collect), messages.cast());
            raw
        };
        Self { raw, messages }
    }

    fn take_messages(&self) -> Vec<String> {
        // SAFETY: `messages` is freed in `drop` only, and the handler doesn't run now.
        unsafe { &*self.messages }.take()
    }
}

impl Drop for IrContext {
    fn drop(&mut self) {
        // SAFETY: nothing of the context is alive, since modules borrow it; `messages` came from a box.
        unsafe {
            LLVMContextDispose(self.raw);
            drop(Box::from_raw(self.messages));
        }
    }
}

/// LLVM's diagnostic handler: keeps errors, drops the rest.
extern "C" fn collect(info: LLVMDiagnosticInfoRef, messages: *mut c_void) {
    // SAFETY: `messages` is the pointer that `IrContext::new` gave; LLVM hands over a live diagnostic.
    unsafe {
        if LLVMGetDiagInfoSeverity(info) as u32 == LLVMDiagnosticSeverity::LLVMDSError as u32 {
            let text = take_message(LLVMGetDiagInfoDescription(info));
            (*messages.cast::<RefCell<Vec<String>>>()).borrow_mut().push(text);
        }
    }
}

/// A module of LLVM IR.
struct IrModule<'c> {
    raw: LLVMModuleRef,
    context: &'c IrContext,
}

impl IrModule<'_> {
    fn optimise(&self, machine: LLVMTargetMachineRef) -> Result<()> {
        self.set_target(machine);
        let mut message = null_mut();
        // SAFETY: module and machine are alive; messages and errors are freed by their takers.
        unsafe {
            let action = LLVMVerifierFailureAction::LLVMReturnStatusAction;
            let failed = LLVMVerifyModule(self.raw, action, &mut message) != 0;
            let message = take_message(message);
            if failed {
                return Err(bug("LLVM refuses a kernel", &message));
            }
            let options = LLVMCreatePassBuilderOptions();
            let error = LLVMRunPasses(self.raw, PASSES.as_ptr(), machine, options);
            LLVMDisposePassBuilderOptions(options);
            if !error.is_null() {
                let text = LLVMGetErrorMessage(error);
                let message = CStr::from_ptr(text).to_string_lossy().into_owned();
                LLVMDisposeErrorMessage(text);
                return Err(bug("LLVM can't optimise a kernel", &message));
            }
        }
        Ok(())
    }

    fn emit(self, machine: LLVMTargetMachineRef, kind: LLVMCodeGenFileType) -> Result<Vec<u8>> {
        self.set_target(machine);
        let (mut message, mut buffer) = (null_mut(), null_mut());
        // SAFETY: module and machine are alive; LLVM sets either `buffer` or `message`, and both are freed.
        let bytes = unsafe {
            if LLVMTargetMachineEmitToMemoryBuffer(machine, self.raw, kind, &mut message, &mut buffer) != 0 {
                return Err(bug("LLVM can't generate code", &take_message(message)));
            }
            let start = LLVMGetBufferStart(buffer).cast::<u8>();
            let bytes = slice::from_raw_parts(start, LLVMGetBufferSize(buffer)).to_vec();
            LLVMDisposeMemoryBuffer(buffer);
            bytes
        };
        match self.context.take_messages() {
            messages if messages.is_empty() => Ok(bytes),
            messages => Err(bug("LLVM can't generate code", &messages.join("; "))),
        }
    }

    fn set_target(&self, machine: LLVMTargetMachineRef) {
        // SAFETY: module and machine are alive; the data layout is freed after it was copied.
        unsafe {
            let layout = LLVMCreateTargetDataLayout(machine);
            LLVMSetModuleDataLayout(self.raw, layout);
            LLVMDisposeTargetData(layout);
            LLVMSetTarget(self.raw, TRIPLE.as_ptr());
        }
    }
}

impl Drop for IrModule<'_> {
    fn drop(&mut self) {
        // SAFETY: the module is owned by this value and its context is still alive.
        unsafe { LLVMDisposeModule(self.raw) }
    }
}

/// Copies and frees a message of LLVM's; null is the empty message.
///
/// # Safety
/// `message` is null or a C string that LLVM allocated and handed over.
unsafe fn take_message(message: *mut c_char) -> String {
    if message.is_null() {
        return String::new();
    }
    // SAFETY: by this function's condition.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        LLVMDisposeMessage(message);
        text
    }
}

fn bug(title: &str, text: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::bug(title).text(text))
}
