import CYaml

/// Finds `&name` and `*name` before anything is composed: few lines of them make billions of nodes.
///
/// The scanner that the parser itself uses tells them apart from text: what stands behind a tag, in a block or between
/// quotes is read in one way only.
enum YAMLReferences {
  /// Deeper files are refused by the parser too.
  static let maximumDepth = 1000
  /// As many as anybody reads.
  private static let maximumPlaces = 100

  /// - Returns: the places of the first ones; nil for a file that is nested too deep. What is no YAML ends the search.
  static func find(in bytes: [UInt8]) -> [(line: Int, column: Int)]? {
    // The parser keeps its own address.
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    defer { unsafe parser.deallocate() }
    guard unsafe yaml_parser_initialize(parser) == 1 else { return [] }
    defer { unsafe yaml_parser_delete(parser) }
    return unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
      unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
      return unsafe scan(parser)
    }
  }

  private static func scan(_ parser: UnsafeMutablePointer<yaml_parser_t>) -> [(line: Int, column: Int)]? {
    var places: [(line: Int, column: Int)] = []
    var depth = 0
    while places.count < maximumPlaces {
      var token = unsafe yaml_token_t()
      guard unsafe yaml_parser_scan(parser, &token) == 1 else { break }
      defer { unsafe yaml_token_delete(&token) }
      switch unsafe token.type {
      case YAML_STREAM_END_TOKEN, YAML_NO_TOKEN: return places
      case YAML_ANCHOR_TOKEN, YAML_ALIAS_TOKEN:
        places.append((unsafe Int(token.start_mark.line) + 1, unsafe Int(token.start_mark.column) + 1))
      case YAML_BLOCK_SEQUENCE_START_TOKEN, YAML_BLOCK_MAPPING_START_TOKEN, YAML_FLOW_SEQUENCE_START_TOKEN,
        YAML_FLOW_MAPPING_START_TOKEN:
        depth += 1
        guard depth <= maximumDepth else { return nil }
      case YAML_BLOCK_END_TOKEN, YAML_FLOW_SEQUENCE_END_TOKEN, YAML_FLOW_MAPPING_END_TOKEN: depth -= 1
      default: break
      }
    }
    return places
  }
}
