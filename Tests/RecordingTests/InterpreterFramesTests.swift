import ProfileModel
import Testing

@testable import Recording

/// Which native frames of CPython are hidden, in stacks as captures of it have them.
struct InterpreterFramesTests {
  private static let modules = [
    Module(path: "/usr/bin/python3.11"), Module(path: "/lib/libc.so.6"), Module(path: "/srv/app.py"),
    Module(path: "/lib/_greenlet.cpython-311.so"), Module(path: "/lib/_hashlib.so"),
  ]

  /// A profile of stacks, each with a weight and a state of the lock; names tell what frames are:
  /// `p:` Python, `c:` libc, `g:` greenlet, `h:` another extension, `?` no name, `i:` inlined, `[` a mark, else CPython.
  private struct Stacks {
    var profile = Profile(modules: InterpreterFramesTests.modules)
    var pythonFrames: Set<Int> = []
    private var builder = StackTreeBuilder()
    private var indices: [String: Int] = [:]

    init(_ stacks: [(text: String, gil: String?)]) {
      profile.threads = [
        ProfiledThread(
          process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "a", name: "a")
      ]
      for (text, gil) in stacks {
        let stack = builder.insert(text.split(separator: " ").map { index(of: String($0)) }) ?? -1
        let labels = LabelSet(gil.map { [Label(key: "gil", value: $0)] } ?? [])
        profile.values.append(
          Profile.Value(
            thread: 0, stack: stack, labels: profile.labels.number(of: labels),
            weight: Weight(count: 1, nanoseconds: 1)))
      }
      profile.stacks = builder.tree
    }

    private mutating func index(of text: String) -> Int {
      if let known = indices[text] { return known }
      let parts = text.hasPrefix("[") ? [text[...]] : text.split(separator: ":")
      let name = String(parts.last ?? "").replacing(text.hasPrefix("[") ? "_" : " ", with: " ")
      let frame: Frame
      switch parts.count == 2 ? parts[0] : "" {
      case "p": frame = Frame(function: name, module: 2, origin: .interpreted(.python))
      case "c": frame = Frame(function: name, module: 1)
      case "g": frame = Frame(function: name, module: 3)
      case "h": frame = Frame(function: name, module: 4)
      case "i": frame = Frame(function: name, module: 0, isInlined: true)
      default:
        frame =
          name.hasPrefix("[")
          ? Frame(function: name, origin: .marker)
          : Frame(function: name, module: 0, origin: name.hasPrefix("?") ? .unresolved : .user)
      }
      profile.frames.append(frame)
      indices[text] = profile.frames.count - 1
      if frame.origin.isInterpreted { pythonFrames.insert(profile.frames.count - 1) }
      return profile.frames.count - 1
    }
  }

  private func stacks(_ profile: Profile) -> [String] {
    profile.values.map { value in
      profile.stacks.path(to: value.stack).map { profile.frames[$0].function }.joined(separator: " ")
    }
  }

  /// What a view shows of a stack.
  private func shown(_ text: String) throws -> String {
    var made = Stacks([(text, nil)])
    var frames = try #require(InterpreterFrames(of: made.profile, pythonFrames: made.pythonFrames))
    _ = frames.apply(to: &made.profile)
    return try #require(stacks(made.profile.withoutInterpreterFrames).first)
  }

  private static let loop = "_PyEval_EvalFrameDefault"

  @Test(
    arguments: [
      // From the start of the program to the leaf in the loop.
      (
        "_start c:__libc_start_main main Py_BytesMain Py_RunMain run_mod PyEval_EvalCode L p:<module> p:f",
        "__libc_start_main <module> f"
      ),
      ("c:clone3 c:start_thread pythread_wrapper thread_run L p:run", "clone3 start_thread run"),
      // Functions that work stay, those that call do not.
      (
        "L p:f builtin_sorted list_sort _PyObject_Vectorcall _PyFunction_Vectorcall L p:key",
        "f builtin_sorted list_sort key"
      ),
      ("L p:f cfunction_vectorcall_FASTCALL h:EVP_update c:memcpy", "f EVP_update memcpy"),
      ("L p:f slot_tp_call PyObject_Call method_vectorcall L p:A.__call__", "f A.__call__"),
      ("L p:f _json_scanner", "f _json_scanner"),
      ("L p:f PyDict_GetItem", "f PyDict_GetItem"),
      // Stripped: static functions have no names, and the cold part of the loop neither.
      ("?a c:__libc_start_main ?b p:<module> p:f ?c ?b p:g ?d", "__libc_start_main <module> f g"),
      // Callbacks from other libraries.
      ("L p:f h:ffi_call ?x _PyObject_Call L p:compare", "f ffi_call compare"),
      // Leaves in the loop's prologue, and marks.
      ("[truncated] L p:f L", "[truncated] f"),
    ] as [(String, String)])
  func `a view shows what worked`(stack: String, shown expected: String) throws {
    let text = stack.split(separator: " ").map { $0 == "L" ? Self.loop : String($0) }.joined(separator: " ")
    #expect(try shown(text) == expected)
  }

  @Test func `nothing is lost to whoever asks for it`() throws {
    var made = Stacks([("main \(Self.loop) p:f list_sort", nil)])
    let before = stacks(made.profile)
    var frames = try #require(InterpreterFrames(of: made.profile, pythonFrames: made.pythonFrames))
    _ = frames.apply(to: &made.profile)
    #expect(stacks(made.profile) == before)
    #expect(
      made.profile.stacks.path(to: made.profile.values[0].stack).map { made.profile.frames[$0].origin } == [
        .interpreterNative(.python), .interpreterNative(.python), .interpreted(.python), .user,
      ])
  }

  @Test func `stacks without Python frames stay as they are, though they share frames`() throws {
    var made = Stacks([("main \(Self.loop) p:f", nil), ("main \(Self.loop)", nil), ("main ?x", nil)])
    var frames = try #require(InterpreterFrames(of: made.profile, pythonFrames: made.pythonFrames))
    let findings = frames.apply(to: &made.profile)
    #expect(stacks(made.profile.withoutInterpreterFrames) == ["f", "main \(Self.loop)", "main ?x"])
    #expect(findings.map(\.isUnresolved) == [false, false, true])
  }

  @Test func `a profile without Python frames needs none of this`() {
    let made = Stacks([("main list_sort", nil)])
    #expect(InterpreterFrames(of: made.profile, pythonFrames: made.pythonFrames) == nil)
  }

  @Test func `a greenlet ends where its stack does`() throws {
    let stack =
      "main \(Self.loop) method_vectorcall g:green_switch g:g_initialstub _PyObject_Call \(Self.loop) p:worker c:read"
    #expect(try shown(stack) == "[greenlet] worker read")
  }

  @Test func `a greenlet whose starter's stack cannot be walked is whole`() throws {
    let mark = "[truncated:_too_deep]"
    let stack = "\(mark) g:green_switch g:g_initialstub _PyObject_Call \(Self.loop) p:worker c:read"
    var made = Stacks([(stack, nil), ("\(mark) \(Self.loop) p:worker", nil)])
    var frames = try #require(InterpreterFrames(of: made.profile, pythonFrames: made.pythonFrames))

    let findings = frames.apply(to: &made.profile)

    #expect(
      stacks(made.profile.withoutInterpreterFrames) == ["[greenlet] worker read", "[truncated: too deep] worker"])
    #expect(findings.map(\.mended) == [Truncation.tooDeep.defect, nil])
  }

  @Test func `a loop that runs frames of others without a greenlet is another interpreter's`() throws {
    #expect(try shown("main \(Self.loop) ?run_string \(Self.loop) p:inner") == "[interpreter] inner")
  }

  @Test func `a copy within the caller of the loop is no loop`() throws {
    #expect(try shown("main _PyEval_Vector i:_PyEval_EvalFrameDefault \(Self.loop) i:x p:f") == "f")
  }

  @Test(arguments: ["[python:_truncated]", "[python:_unreadable]"])
  func `where Python frames are missing, no loop is another's`(mark: String) throws {
    #expect(try shown("\(Self.loop) \(Self.loop) \(mark) p:f") == mark.replacing("_", with: " ") + " f")
  }

  @Test(
    arguments: [
      ("p:f p:g p:h N main L call_function L c:qsort L c:read", "f g qsort h read"),
      // The leaf has just entered the loop, or is at work in it.
      ("p:f p:g N main L L call_function L", "f g"), ("p:f p:g N main L L i:x", "f g"),
      // It leaves the loop, with a result that is checked.
      ("p:f N L L i:x _Py_CheckFunctionResult PyErr_Occurred", "f _Py_CheckFunctionResult PyErr_Occurred"),
      // Numbers that differ: a greenlet, or a stripped loop.
      ("p:f N L L c:read", "f [python|native not merged] read"), ("p:f p:g N L c:read", nil), ("p:f N L L L", nil),
      ("p:f N ?x", nil), ("[python:_truncated] p:f N L", nil),
    ] as [(String, String?)])
  func `before 3.10, frames are merged where there are as many loops as frames`(
    stack: String, shown expected: String?
  ) throws {
    let words = stack.split(separator: " ").map { word in
      word == "L" ? Self.loop : word == "N" ? "[python|native_not_merged]" : String(word)
    }
    let shown = try shown(words.joined(separator: " "))
    if let expected { #expect(shown == expected) } else { #expect(shown.contains("not merged")) }
  }

  @Test(arguments: [
    ("L p:f gc_collect visit_decref GC", "f gc_collect visit_decref [python: garbage collection]"),
    ("L p:f i:gc_collect_main GC", "f gc_collect_main [python: garbage collection]"),
    // A stripped interpreter: not every function has a name.
    ("L p:f ?x c:read GC", "f read [python: garbage collection]"),
    // Another thread, while a finalizer waits; and the finalizer itself.
    ("L p:f GC", "f"), ("L p:f long_add GC", "f long_add"), ("L p:f h:?gc_collect GC", "f ?gc_collect"),
    ("L p:f gc_collect L p:g c:read GC", "f gc_collect g read"),
  ])
  func `a thread collects garbage if its innermost Python function has called the collector`(
    stack: String, shown expected: String
  ) throws {
    let words = stack.split(separator: " ").map { word in
      word == "L" ? Self.loop : word == "GC" ? "[python:_garbage_collection]" : String(word)
    }
    #expect(try shown(words.joined(separator: " ")) == expected)
  }

  @Test func `a timed wait for a condition of the interpreter's own is one for the lock`() throws {
    var made = Stacks([
      ("\(Self.loop) p:f take_gil c:pthread_cond_timedwait ", "none"),
      ("\(Self.loop) p:f take_gil c:pthread_cond_timedwait ", "waiting"),
      ("\(Self.loop) p:f h:run c:pthread_cond_timedwait", "none"),
      ("\(Self.loop) p:f PyThread_acquire_lock_timed c:sem_clockwait", "none"),
      ("\(Self.loop) p:f ?x c:pthread_cond_clockwait", "none"),
      ("\(Self.loop) p:f ?x c:pthread_cond_clockwait", nil),
    ])
    var frames = try #require(InterpreterFrames(of: made.profile, pythonFrames: made.pythonFrames))
    _ = frames.apply(to: &made.profile)
    let states = made.profile.values.map { value in
      "\(value.weight.count) \(made.profile.labels[value.labels].labels.map(\.value).joined())"
    }
    #expect(states == ["2 waiting", "1 none", "1 none", "1 waiting", "1 "])
  }
}
