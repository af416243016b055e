import Comparison
import ProfileModel

/// A profile of stacks written as text: `old-bench!main;old-bench!parse;libc.so.6!memcpy`, modules before the `!`.
func profile(_ stacks: [String: UInt64], process: String = "bench") -> Profile {
  var profile = Profile(
    threads: [
      ProfiledThread(
        process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: process, name: process)
    ])
  var builder = StackTreeBuilder()
  var modules: [String: Int] = [:]
  for (stack, count) in stacks.sorted(by: { $0.key < $1.key }) {
    let frames = stack.split(separator: ";").map { text -> Int in
      let parts = text.split(separator: "!").map(String.init)
      var module: Int?
      if parts.count == 2 {
        module = modules[parts[0]] ?? profile.modules.count
        if module == profile.modules.count { profile.modules.append(Module(path: parts[0])) }
        modules[parts[0]] = module
      }
      let name = parts[parts.count - 1]
      profile.frames.append(
        Frame(
          function: name, module: module,
          origin: parts[0].hasPrefix("[kernel") ? .kernel : name.contains("+0x") ? .unresolved : .user))
      return profile.frames.count - 1
    }
    let node = builder.insert(frames) ?? -1
    profile.values.append(
      Profile.Value(thread: 0, stack: node, weight: Weight(count: count, nanoseconds: 0)))
  }
  profile.stacks = builder.tree
  return profile
}

extension FunctionCosts {
  /// `module!function` with the weight that it has itself.
  var plain: [String: UInt64] {
    var plain: [String: UInt64] = [:]
    for (key, weight) in own { plain[(key.module.map { $0 + "!" } ?? "") + key.name, default: 0] += weight }
    return plain
  }
}
