import ProfileModel
import Rendering
import Testing

@Suite struct TaskTableTests {
  @Test func `tasks stand in aligned columns`() throws {
    try expectGolden(TaskTable.render([Sample.task, Sample.stored]), "tasks.txt")
  }

  @Test func `no tasks are a heading alone`() {
    let lines = TaskTable.render([]).split(separator: "\n")
    #expect(lines.count == 1)
    #expect(lines.first?.contains("TARGET") == true)
  }

  @Test func `the details of a task are those of the golden text`() throws {
    try expectGolden(TaskDetails.render(Sample.task), "task-details.txt")
  }

  @Test func `a failed task tells why`() {
    var task = Sample.stored
    task.status = .failed
    task.error = "no such process"
    #expect(TaskDetails.render(task).contains("error     no such process\n"))
  }
}
