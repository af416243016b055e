import ProfileModel
import Testing

@Suite struct ProfileTests {
  @Test func `the total is the sum of all values in both measures`() {
    let profile = Profile(values: [
      .init(thread: 0, stack: 0, weight: Weight(count: 3, nanoseconds: 30)),
      .init(thread: 1, stack: 0, weight: Weight(count: 4, nanoseconds: 1)),
    ])
    #expect(profile.total == Weight(count: 7, nanoseconds: 31))
  }

  @Test func `an empty profile weighs nothing`() {
    #expect(Profile().total == .zero)
  }
}
