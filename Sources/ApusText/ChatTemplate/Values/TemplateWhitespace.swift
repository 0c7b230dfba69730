/// What Python's `str.isspace` and `\s` call whitespace, on UTF-8 bytes.
extension Array where Element == UInt8 {
  /// The length of the whitespace scalar at `index`; 0 if there is none.
  func whitespaceLength(at index: Int) -> Int {
    let first = self[index]
    switch first {
    case 0x20, 0x09...0x0D, 0x1C...0x1F: return 1
    case 0xC2:
      guard index + 1 < count else { return 0 }
      return self[index + 1] == 0x85 || self[index + 1] == 0xA0 ? 2 : 0
    case 0xE1, 0xE2, 0xE3:
      guard index + 2 < count else { return 0 }
      let tail = UInt32(self[index + 1]) << 8 | UInt32(self[index + 2])
      return Self.isWideSpace(first, tail) ? 3 : 0
    default: return 0
    }
  }

  /// The length of the whitespace scalar that ends before `index`; 0 if there is none.
  func whitespaceLength(before index: Int) -> Int {
    let last = self[index - 1]
    if last < 0x80 { return whitespaceLength(at: index - 1) }
    if index >= 2, self[index - 2] == 0xC2, whitespaceLength(at: index - 2) == 2 { return 2 }
    if index >= 3, self[index - 3] & 0xF0 == 0xE0, whitespaceLength(at: index - 3) == 3 { return 3 }
    return 0
  }

  private static func isWideSpace(_ first: UInt8, _ tail: UInt32) -> Bool {
    switch (first, tail) {
    case (0xE1, 0x9A80): true  // U+1680
    case (0xE2, 0x8080...0x808A): true  // U+2000 to U+200A
    case (0xE2, 0x80A8), (0xE2, 0x80A9), (0xE2, 0x80AF): true
    case (0xE2, 0x819F): true  // U+205F
    case (0xE3, 0x8080): true  // U+3000
    default: false
    }
  }

  /// Skips whitespace forward.
  func skippingWhitespace(from index: Int) -> Int {
    var index = index
    while index < count {
      let length = whitespaceLength(at: index)
      if length == 0 { break }
      index += length
    }
    return index
  }

  /// Skips whitespace backward, not further than `lower`.
  func droppingWhitespace(before index: Int, downTo lower: Int = 0) -> Int {
    var index = index
    while index > lower {
      let length = whitespaceLength(before: index)
      if length == 0 || index - length < lower { break }
      index -= length
    }
    return index
  }
}
