/// Looking for markers in text that comes in pieces.
enum TextSearch {
  /// So much white space is held back at most, to be left out where a marker follows.
  static let longestSpace = 64

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  /// The first marker in the text, the longer one where two begin together.
  static func first(_ markers: [[UInt8]], in text: [UInt8]) -> (start: Int, marker: [UInt8])? {
    let initials = Set(markers.compactMap(\.first))
    for start in text.indices where initials.contains(text[start]) {
      let found = markers.filter { text[start...].starts(with: $0) }
      if let marker = found.max(by: { $0.count < $1.count }) { return (start, marker) }
    }
    return nil
  }

  /// How many bytes at the end may be the beginning of a marker, with the white space before it.
  static func undecided(_ markers: [[UInt8]], in text: [UInt8]) -> Int {
    let longest = min((markers.map(\.count).max() ?? 1) - 1, text.count)
    var start = text.count
    for count in stride(from: longest, to: 0, by: -1)
    where markers.contains(where: { $0.starts(with: text[(text.count - count)...]) }) {
      start = text.count - count
      break
    }
    start -= trailingSpace(text[..<start])
    return text.count - start
  }

  /// Bytes of white space at the end, as many as are left out.
  static func trailingSpace(_ text: ArraySlice<UInt8>) -> Int {
    text.suffix(longestSpace).reversed().prefix(while: isSpace).count
  }

  /// Whether a text is the beginning of one of the markers, or one of them and more.
  static func couldBegin(_ markers: [[UInt8]], _ text: ArraySlice<UInt8>) -> Bool {
    markers.contains { $0.starts(with: text) }
  }

  static func string(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}

extension String {
  /// Whether the bytes of a text stand in this one, which is quicker than looking for its characters.
  package func mentions(_ text: String) -> Bool { utf8.contains(text.utf8) }
}
