import CHTTP

/// What the parser said of one message: places are counted from the beginning of its stream.
struct ReadMessage: Equatable {
  var start = 0
  var headEnd = 0
  var end: Int?
  var method = HTTP_OTHER
  var path = ""
  var pathHash: UInt64 = 0
  var status = 0
  var version = 0
}

/// Reads one direction of a connection through the parser, as the kernel side does.
struct StreamReader {
  let isResponse: Bool
  /// The methods of the requests that are answered; GET where there are no more.
  var methods: [http_method] = []
  var stream = parser_stream()
  private(set) var messages: [ReadMessage] = []
  private(set) var place = 0
  /// How often framing was lost.
  private(set) var losses = 0
  /// How many calls the parser took.
  private(set) var steps = 0
  private var head = http_head()
  private var chunk = parser_chunk()

  init(isResponse: Bool, methods: [http_method] = []) {
    self.isResponse = isResponse
    self.methods = methods
  }

  /// - Parameter skips: whether bytes that the parser does not need are kept from it.
  mutating func read(_ bytes: some Sequence<UInt8>, skips: Bool = false) {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let skippable = Int(clamping: parser_skippable(&stream))
      if skips, skippable > 0 {
        let count = min(skippable, rest.count)
        note(parser_skip(&stream, UInt64(count)), at: place + count)
        place += count
        rest = rest.dropFirst(count)
        continue
      }
      let piece = rest.prefix(Int(PARSER_CHUNK_SIZE))
      readChunk(piece)
      rest = rest.dropFirst(piece.count)
    }
  }

  mutating func close() { note(parser_close(&stream), at: place) }

  private mutating func readChunk(_ piece: ArraySlice<UInt8>) {
    chunk.position = 0
    chunk.length = UInt32(piece.count)
    withUnsafeMutableBytes(of: &chunk.bytes) { $0.copyBytes(from: piece) }
    while true {
      let event = chttp_next(&stream, &chunk, &head, isResponse ? 1 : 0)
      steps += 1
      if event == PARSER_MORE.rawValue { break }
      note(event, at: place + Int(chunk.position))
    }
    place += piece.count
  }

  private mutating func note(_ event: Int32, at place: Int) {
    switch parser_event(rawValue: UInt32(event)) {
    case PARSER_HEAD_START: messages.append(ReadMessage(start: place))
    case PARSER_HEAD_END: endHead(at: place)
    case PARSER_MESSAGE_END: messages[messages.count - 1].end = place
    case PARSER_LOST: losses += 1
    case PARSER_PREAMBLE_END: messages.removeAll()
    default: break
    }
  }

  private mutating func endHead(at place: Int) {
    let length = Int(head.path_length)
    let path = withUnsafeBytes(of: head.path) { String(decoding: $0.prefix(length), as: UTF8.self) }
    let start = messages[messages.count - 1].start
    messages[messages.count - 1] = ReadMessage(
      start: start, headEnd: place, method: http_method(rawValue: UInt32(head.method)), path: path,
      pathHash: head.path_hash, status: Int(head.status), version: Int(head.version))
    let isInterim = head.status < 200 && head.status != 101
    let method = isResponse ? methods.first ?? HTTP_GET : HTTP_OTHER
    if isResponse, !isInterim, !methods.isEmpty { methods.removeFirst() }
    parser_begin_body(&stream, &head, isResponse ? 1 : 0, method.rawValue)
  }
}

func hash(_ path: String) -> UInt64 {
  path.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
