/// A string as Python has it: a sequence of Unicode scalars, compared scalar by scalar.
///
/// The bytes are UTF-8, so that order, search and equality work on bytes; only positions need scalars.
struct TemplateText: Hashable {
  var bytes: [UInt8]
  /// Whether the text was marked safe, in which case joining it with others escapes those for HTML.
  var isMarkup = false

  init(_ bytes: [UInt8], isMarkup: Bool = false) {
    self.bytes = bytes
    self.isMarkup = isMarkup
  }

  init(_ string: String) {
    bytes = Array(string.utf8)
  }

  init(_ scalar: Unicode.Scalar) {
    bytes = Array(String(scalar).utf8)
  }

  static let empty = TemplateText([])

  var string: String { String(decoding: bytes, as: UTF8.self) }
  var isEmpty: Bool { bytes.isEmpty }
  var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

  static func == (a: TemplateText, b: TemplateText) -> Bool { a.bytes == b.bytes }
  func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  /// The number of scalars, which is Python's `len`.
  var count: Int {
    var continuations = 0
    for byte in bytes where byte & 0xC0 == 0x80 { continuations += 1 }
    return bytes.count - continuations
  }

  var scalars: String.UnicodeScalarView { string.unicodeScalars }

  /// The same text with other bytes.
  func with(_ bytes: [UInt8]) -> TemplateText { TemplateText(bytes, isMarkup: isMarkup) }

  func with(_ slice: ArraySlice<UInt8>) -> TemplateText {
    TemplateText(Array(slice), isMarkup: isMarkup)
  }

  // MARK: Positions

  private static func scalarLength(_ first: UInt8) -> Int {
    first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
  }

  /// The byte where scalar `index` starts, counted on from the byte of scalar `origin`.
  func offset(ofScalar index: Int, from origin: (scalar: Int, byte: Int) = (0, 0)) -> Int {
    var (scalar, byte) = origin
    while scalar < index, byte < bytes.count {
      byte += Self.scalarLength(bytes[byte])
      scalar += 1
    }
    return byte
  }

  /// The scalar that starts at a byte.
  func scalarIndex(ofByte offset: Int) -> Int {
    var scalars = 0
    for byte in bytes[..<offset] where byte & 0xC0 != 0x80 { scalars += 1 }
    return scalars
  }

  /// The scalars from `start` up to `end`, which lie in order within the text.
  func slice(_ start: Int, _ end: Int) -> TemplateText {
    if end <= start { return with([]) }
    let first = offset(ofScalar: start)
    return with(bytes[first..<offset(ofScalar: end, from: (start, first))])
  }

  /// The scalars one by one, each as a text.
  func characters() -> [TemplateText] {
    var result: [TemplateText] = []
    var index = 0
    while index < bytes.count {
      let end = index + Self.scalarLength(bytes[index])
      result.append(with(bytes[index..<end]))
      index = end
    }
    return result
  }

  // MARK: Search

  /// The first place of `needle` at or after `start`, in bytes.
  func find(
    _ needle: [UInt8], from start: Int = 0, to end: Int? = nil, _ meter: TemplateMeter
  ) throws -> Int? {
    let end = end ?? bytes.count
    guard let first = needle.first else { return start <= end ? start : nil }
    var position = start
    var looked = 0
    while position + needle.count <= end {
      if bytes[position] == first {
        let matched = matchLength(needle, at: position)
        if matched == needle.count {
          try meter.read(looked + position - start)
          return position
        }
        looked += matched
        if looked > 1 << 16 {
          try meter.read(looked)
          looked = 0
        }
      }
      position += 1
    }
    try meter.read(looked + max(0, position - start))
    return nil
  }

  /// The last place of `needle` that ends at or before `end`, in bytes.
  func findLast(
    _ needle: [UInt8], from start: Int = 0, to end: Int, _ meter: TemplateMeter
  ) throws -> Int? {
    var position = end - needle.count
    var looked = 0
    while position >= start {
      let matched = matchLength(needle, at: position)
      if matched == needle.count {
        try meter.read(looked)
        return position
      }
      looked += matched + 1
      if looked > 1 << 16 {
        try meter.read(looked)
        looked = 0
      }
      position -= 1
    }
    try meter.read(looked)
    return nil
  }

  private func matchLength(_ needle: [UInt8], at position: Int) -> Int {
    var matched = 0
    while matched < needle.count, bytes[position + matched] == needle[matched] { matched += 1 }
    return matched
  }

  func hasPrefix(_ prefix: [UInt8]) -> Bool { bytes.starts(with: prefix) }

  func hasSuffix(_ suffix: [UInt8]) -> Bool {
    bytes.count >= suffix.count && bytes[(bytes.count - suffix.count)...].elementsEqual(suffix)
  }

  /// Whether the text comes before another by its scalars, which is the order of UTF-8 bytes.
  static func < (a: TemplateText, b: TemplateText) -> Bool {
    a.bytes.lexicographicallyPrecedes(b.bytes)
  }
}
