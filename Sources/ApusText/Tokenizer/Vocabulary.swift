import ApusCore

/// The pieces of a vocabulary, keyed on bytes: ids to pieces and pieces to ids.
///
/// Strings would not do as keys, because their equality is canonical equivalence.
struct Vocabulary: Sendable {
  /// Ids beyond this many times the number of entries (plus a million) are refused, so that memory stays
  /// proportional to the file.
  static func idLimit(entries: Int) -> Int { 1_048_576 + 16 * entries }

  private var storage: [UInt8] = []
  private var starts: [UInt32] = []
  private var lengths: [Int32] = []
  private var index = ByteIndex()

  /// The longest piece in bytes.
  private(set) var longestPiece = 0

  /// One more than the largest id.
  var count: Int { starts.count }

  init() {}

  /// Pieces in the order of their ids; where two are equal, the first has the id.
  init(pieces: [[UInt8]]) {
    reserve(pieces.count)
    for (id, piece) in pieces.enumerated() {
      setPiece(id, piece)
      if index.find(piece, 0..<piece.count, in: self) < 0 { index.insert(piece, Int32(id)) }
    }
  }

  /// Entries in the order of the file; the last of two equal pieces or ids counts.
  init(entries: [(piece: [UInt8], id: Int)]) throws {
    reserve(entries.count)
    for entry in entries { try insert(entry.piece, id: entry.id, entries: entries.count) }
  }

  mutating func reserve(_ count: Int) {
    starts.reserveCapacity(count)
    lengths.reserveCapacity(count)
    index.reserve(count)
  }

  mutating func insert(_ piece: [UInt8], id: Int, entries: Int) throws {
    guard id >= 0, id < Self.idLimit(entries: entries) else {
      throw TokenizerError.malformed(field: "vocab", problem: "has an id out of range: \(id)")
    }
    setPiece(id, piece)
    let previous = index.find(piece, 0..<piece.count, in: self)
    if previous < 0 {
      index.insert(piece, Int32(id))
    } else if previous != Int32(id) {
      index.replace(piece, in: self, with: Int32(id))
    }
  }

  private mutating func setPiece(_ id: Int, _ piece: [UInt8]) {
    while starts.count <= id {
      starts.append(0)
      lengths.append(-1)
    }
    starts[id] = UInt32(truncatingIfNeeded: storage.count)
    lengths[id] = Int32(truncatingIfNeeded: piece.count)
    storage.append(contentsOf: piece)
    longestPiece = max(longestPiece, piece.count)
  }

  /// The bytes of an entry; nil where the id has none.
  func bytes(_ id: TokenID) -> ArraySlice<UInt8>? {
    guard id >= 0, Int(id) < starts.count, lengths[Int(id)] >= 0 else { return nil }
    let start = Int(starts[Int(id)])
    return storage[start..<start + Int(lengths[Int(id)])]
  }

  func piece(_ id: TokenID) -> String? { bytes(id).map { String(decoding: $0, as: UTF8.self) } }

  func id(of piece: [UInt8]) -> TokenID? { id(of: piece, 0..<piece.count) }

  func id(of text: [UInt8], _ range: Range<Int>) -> TokenID? {
    guard range.count <= longestPiece else { return nil }
    let id = index.find(text, range, in: self)
    return id < 0 ? nil : id
  }

  func id(of text: String) -> TokenID? { id(of: Array(text.utf8)) }

  fileprivate func matches(_ id: Int32, _ text: [UInt8], _ range: Range<Int>) -> Bool {
    guard lengths[Int(id)] == range.count else { return false }
    var position = Int(starts[Int(id)])
    for byte in range {
      if storage[position] != text[byte] { return false }
      position += 1
    }
    return true
  }
}

/// An open-addressed hash from byte strings to ids; the strings stand in the vocabulary.
private struct ByteIndex: Sendable {
  /// The upper half of the hash and the id plus one; zero is an empty slot.
  private var slots: [UInt64] = Array(repeating: 0, count: 16)
  private var used = 0
  private static let tagMask: UInt64 = 0xFFFF_FFFF_0000_0000

  /// Seeded per process, so that nobody can prepare a vocabulary whose pieces all collide.
  private static let seed = UInt64.random(in: 1...UInt64.max)

  static func hash(_ text: [UInt8], _ range: Range<Int>) -> UInt64 {
    var hash = seed
    for position in range { hash = (hash ^ UInt64(text[position])) &* 0x0000_0100_0000_01B3 }
    hash ^= hash >> 29
    hash = hash &* 0xBF58_476D_1CE4_E5B9
    return hash ^ (hash >> 32)
  }

  mutating func reserve(_ count: Int) {
    var capacity = slots.count
    while capacity < 2 * count { capacity *= 2 }
    if capacity > slots.count { rebuild(capacity) }
  }

  func find(_ text: [UInt8], _ range: Range<Int>, in vocabulary: Vocabulary) -> Int32 {
    guard let slot = slot(of: text, range, in: vocabulary) else { return -1 }
    return Int32(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1
  }

  private func slot(of text: [UInt8], _ range: Range<Int>, in vocabulary: Vocabulary) -> Int? {
    let hash = Self.hash(text, range)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash >> 32) & mask
    while slots[slot] != 0 {
      let entry = slots[slot]
      if entry >> 32 == hash >> 32,
        vocabulary.matches(Int32(truncatingIfNeeded: entry & 0xFFFF_FFFF) - 1, text, range)
      {
        return slot
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  mutating func insert(_ piece: [UInt8], _ id: Int32) {
    if 2 * (used + 1) > slots.count { rebuild(2 * slots.count) }
    place((Self.hash(piece, 0..<piece.count) & Self.tagMask) | UInt64(id + 1))
    used += 1
  }

  mutating func replace(_ piece: [UInt8], in vocabulary: Vocabulary, with id: Int32) {
    guard let slot = slot(of: piece, 0..<piece.count, in: vocabulary) else { return }
    slots[slot] = (slots[slot] & Self.tagMask) | UInt64(id + 1)
  }

  private mutating func place(_ entry: UInt64) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: entry >> 32) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = entry
  }

  private mutating func rebuild(_ capacity: Int) {
    let old = slots
    slots = Array(repeating: 0, count: capacity)
    for entry in old where entry != 0 { place(entry) }
  }
}
