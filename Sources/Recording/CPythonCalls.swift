/// The functions of CPython by which it gets from one Python function to another: from the loop through the slots and
/// calling conventions of objects, and from the start of the program or of a thread to the loop. CPython 3.8 to 3.15.
enum CPythonCalls {
  /// Whether a function is one of them. Those that do what a program asked for, such as `list_sort`, are not.
  static func contains(_ function: String) -> Bool {
    if names.contains(function) || prefixes.contains(where: function.hasPrefix) { return true }
    let bare = function.lowercased()
    if bare.contains("vectorcall") || bare.contains("fastcall") { return true }
    if function.hasPrefix("PyObject_") { return bare.contains("call") }
    // Py_BytesMain, Py_RunMain
    return function.hasPrefix("Py") && function.hasSuffix("Main")
  }

  private static let prefixes = [
    "_PyEval_", "PyEval_Eval", "PyEval_Call", "_PyObject_", "_PyFunction_", "_PyCFunction", "PyCFunction_Call",
    "_PyMethodDef_", "_PyRun_", "PyRun_", "method_", "slot_", "cfunction_", "pymain_", "wrapperdescr_", "wrapper_call",
    // The handlers of a loop that is made of tail calls: since 3.14.
    "_TAIL_CALL_",
  ]

  private static let names: Set<String> = [
    "_start", "main", "run_mod", "run_eval_code_obj", "pyrun_file", "pyrun_simple_file", "call_function",
    "do_call_core", "function_call", "function_code_fastcall", "object_vacall", "type_call", "instancemethod_call",
    "builtin___build_class__", "builtin_exec", "builtin_eval", "builtin_next", "gen_send_ex", "gen_send_ex2",
    "gen_send", "gen_iternext", "_PyGen_Send", "t_bootstrap", "thread_run", "pythread_wrapper",
    "py_trampoline_evaluator", "import_name", "import_find_and_load", "PyImport_ImportModuleLevelObject",
  ]
}
