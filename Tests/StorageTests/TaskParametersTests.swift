import GRDB
import ProfileModel
import Storage
import Testing

/// The column `parameters`, which every version of the program writes and reads as the ones before it.
@Suite struct TaskParametersTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let onCPU = """
    {"durationNanoseconds":10000000000,"event":"cpu-clock","frequencyHertz":99,"includeChildren":true,"side":"both",\
    "unwind":"fp"}
    """
  private static let offCPU = """
    {"event":"cycles","includeChildren":false,"offCPU":{"kernelThreads":true,"maximumNanoseconds":7,\
    "minimumNanoseconds":0,"phases":["blocked","yielded"],"states":["D","t"],"wakers":true},"side":"kernel",\
    "unwind":"fp"}
    """
  private static let network = """
    {"durationNanoseconds":10000000000,"event":"sockets","includeChildren":true,"network":{"bodyBytes":0,\
    "callTimes":false,"foldsIdentifiers":false,"reasons":["5xx"],"samplesPerEndpoint":10,\
    "slowerThanNanoseconds":250000000,"uris":["^/api/"]},"side":"both","unwind":"none"}
    """

  private static var networkTask: ProfilingTask {
    var task = Sample.task()
    task.spec.kind = .network(NetworkOptions(uris: ["^/api/"], reasons: [.serverError]))
    (task.event, task.unwind) = ("sockets", "none")
    return task
  }

  @Test(arguments: [
    (Sample.task(), onCPU), (Sample.waitTask, offCPU), (networkTask, network),
  ])
  func `a task of each kind is written as the versions before wrote it, and read again`(
    task: ProfilingTask, parameters: String
  ) throws {
    let store = try TaskStore.open(path: directory.database)
    let id = try store.begin(task)

    let queue = try DatabaseQueue(path: directory.database)
    let written = try queue.read { try String.fetchOne($0, sql: "SELECT parameters FROM task") }
    #expect(written == parameters)
    let read = try store.task(id)
    #expect(read.spec == task.spec)
    #expect((read.event, read.unwind, read.jitterSeed) == (task.event, task.unwind, task.jitterSeed))
  }

  @Test(arguments: [(TaskKind.onCPU, offCPU), (.onCPU, network), (.offCPU, onCPU), (.network, onCPU), (.network, "{}")])
  func `parameters of another kind are an error that names the column`(kind: TaskKind, parameters: String) throws {
    let store = try TaskStore.open(path: directory.database)
    let id = try store.begin(Sample.task())
    let queue = try DatabaseQueue(path: directory.database)
    try queue.write { database in
      try database.execute(
        sql: "UPDATE task SET kind = ?, parameters = ?", arguments: [kind.rawValue, parameters])
    }

    let error = #expect(throws: StoreError.self) { try store.task(id) }
    #expect(error?.description.contains("column 'parameters'") == true)
  }
}
