import ApusCore

/// What each id adds to a text: in its middle, and, where that differs, at its beginning or end.
struct TokenDecoder: Sendable {
  /// The bytes of all ids, one after the other.
  struct Table: Sendable {
    private var storage: [UInt8] = []
    private var ends: [UInt32] = []

    init(count: Int, _ bytes: (TokenID) -> [UInt8]) {
      ends.reserveCapacity(count)
      for id in 0..<Int32(count) {
        storage += bytes(id)
        ends.append(UInt32(truncatingIfNeeded: storage.count))
      }
    }

    subscript(id: TokenID) -> ArraySlice<UInt8> {
      guard id >= 0, Int(id) < ends.count else { return [] }
      return storage[(id == 0 ? 0 : Int(ends[Int(id) - 1]))..<Int(ends[Int(id)])]
    }
  }

  let middle: Table
  /// What an id adds when it comes first; nil where that is the same.
  let first: Table?
  /// What an id adds when it comes last; nil where that is the same.
  let last: Table?
  /// Up to so many of this character are dropped from the beginning of a text.
  let stripped: (content: [UInt8], count: Int)
  /// Ids before which nothing is dropped any more.
  let unstripped: Set<TokenID>
  private let special: Set<TokenID>

  init(
    special: Set<TokenID>, middle: Table, first: Table? = nil, last: Table? = nil,
    stripped: (content: [UInt8], count: Int) = ([], 0), unstripped: Set<TokenID> = []
  ) {
    self.special = special
    self.middle = middle
    self.first = first
    self.last = last
    self.stripped = stripped
    self.unstripped = unstripped
  }

  func isSpecial(_ id: TokenID) -> Bool { special.contains(id) }
  func bytes(of id: TokenID) -> [UInt8] { Array(middle[id]) }
}
