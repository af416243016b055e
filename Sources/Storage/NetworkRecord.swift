import Compression
import FoundationEssentials
import GRDB
import ProfileModel

/// Network profiles as rows of the table `network_profile`: a JSON document each, compressed.
///
/// Nothing is looked for within a profile, so there is no table for its parts.
enum NetworkRecord {
  /// What is uncompressed at most: a damaged row must not fill the memory.
  private static let limitBytes = 1 << 27

  static func insert(_ profile: NetworkProfile, of task: TaskID, into database: Database) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    guard let document = Gzip.compress([UInt8](try encoder.encode(profile))) else {
      throw DatabaseError(resultCode: .SQLITE_NOMEM)
    }
    try database.execute(
      sql: "INSERT INTO network_profile (task, document) VALUES (?, ?)", arguments: [task.rawValue, Data(document)])
  }

  static func fetch(_ task: TaskID, from database: Database) throws -> NetworkProfile {
    let row = try Row.fetchOne(
      database, sql: "SELECT document FROM network_profile WHERE task = ?", arguments: [task.rawValue])
    guard let row else { throw StoreError.noProfile(task) }
    do {
      var reader = RowReader(row)
      let json = try Gzip.decompress(try reader.bytes(), limitBytes: limitBytes)
      let profile = try JSONDecoder().decode(NetworkProfile.self, from: Data(json))
      guard profile.isConsistent else { throw RowReader.Malformed(column: "document") }
      return profile
    } catch is RowReader.Malformed {
      throw StoreError.malformedTask(task, detail: "its network profile is damaged")
    } catch is Gzip.Failure {
      throw StoreError.malformedTask(task, detail: "its network profile is damaged")
    } catch is DecodingError {
      throw StoreError.malformedTask(task, detail: "its network profile has a form that this swprof does not know")
    }
  }
}
