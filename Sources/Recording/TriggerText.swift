import FoundationEssentials
package import ProfileModel

/// Triggers as tasks have them on record.
package enum TriggerText {
  package static func encode(_ trigger: Trigger) -> String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(trigger)).map { String(decoding: $0, as: UTF8.self) }
  }

  package static func decode(_ text: String?) -> Trigger? {
    text.flatMap { try? JSONDecoder().decode(Trigger.self, from: Data($0.utf8)) }
  }
}
