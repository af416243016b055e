import ProfileModel
import Rendering
import Testing

@Suite struct ProfileSelectionTests {
  private func folded(_ change: (inout ProfileSelection) -> Void) -> [Substring] {
    var selection = ProfileSelection()
    change(&selection)
    return Folded.render(selection.apply(to: Sample.profile), root: .none).split(separator: "\n")
  }

  @Test func `nothing chosen leaves the profile as it is`() {
    #expect(ProfileSelection().apply(to: Sample.profile) == Sample.profile)
  }

  @Test func `focus keeps the stacks with a function, ignore the others, and both make the whole`() {
    let with = folded { $0.focus = { $0.function == "memcpy" } }
    let without = folded { $0.ignore = { $0.function == "memcpy" } }
    #expect(with == ["_start;main;memcpy 60", "_start;main;memcpy;ksys_write_[k];copy_from_user_[k] 95"])
    #expect(!without.contains { $0.contains("memcpy") })
    #expect(Set(with + without) == Set(folded { _ in }))
  }

  @Test func `a thread is chosen by what is known of it`() {
    let worker = folded { $0.thread = { $0.name == "worker" } }
    #expect(worker.count == 3)
    #expect(worker.allSatisfy { !$0.contains("fib") })
  }

  @Test func `the user side ends where the kernel begins, and stacks that are then equal add up`() {
    let user = folded { $0.side = .user }
    #expect(user.contains("_start;main;memcpy 155"))
    #expect(!user.contains { $0.contains("_[k]") })
  }

  @Test func `the kernel side has stacks of the kernel only`() {
    #expect(folded { $0.side = .kernel } == ["ksys_write_[k];copy_from_user_[k] 95"])
  }

  @Test func `the mark of a wait stays with either side`() {
    for side in [ProfileSelection.Side.user, .kernel] {
      var selection = ProfileSelection()
      selection.side = side
      let text = Folded.render(selection.apply(to: Sample.waits), root: .none)
      #expect(text.contains("[blocked: uninterruptible]"))
    }
  }

  @Test func `reversed stacks begin with their leaves`() {
    let reversed = folded { $0.isReversed = true }
    #expect(reversed.contains("copy_from_user_[k];ksys_write_[k];memcpy;main;_start 95"))
  }
}
