/// An open-addressed hash from pairs of symbols to a rank and a result.
struct PairTable: Sendable {
  private struct Entry {
    var key: UInt64
    var value: UInt64
  }

  private static let empty = UInt64.max
  private var entries: [Entry]
  private var shift: UInt64
  private var used = 0

  init(capacity: Int) {
    var size = 16
    while size < 2 * capacity { size *= 2 }
    entries = Array(repeating: Entry(key: Self.empty, value: 0), count: size)
    shift = UInt64(64 - size.trailingZeroBitCount)
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  private func start(_ key: UInt64) -> Int {
    let mixed = (key ^ (key >> 29)) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> shift)
  }

  /// Rank in the upper half, result in the lower; `UInt64.max` where the pair is not in the table.
  @inline(__always)
  func find(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = Self.key(left, right)
    let mask = entries.count - 1
    var slot = start(key)
    while true {
      let entry = entries[slot]
      if entry.key == key { return entry.value }
      if entry.key == Self.empty { return UInt64.max }
      slot = (slot + 1) & mask
    }
  }

  /// Adds a pair; with `overwrite` a pair already there takes the new value.
  mutating func insert(_ left: Int32, _ right: Int32, rank: UInt32, result: Int32, overwrite: Bool)
  {
    if 2 * (used + 1) > entries.count { grow() }
    let value = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: result))
    place(Self.key(left, right), value, overwrite: overwrite)
  }

  private mutating func place(_ key: UInt64, _ value: UInt64, overwrite: Bool) {
    let mask = entries.count - 1
    var slot = start(key)
    while entries[slot].key != Self.empty {
      if entries[slot].key == key {
        if overwrite { entries[slot].value = value }
        return
      }
      slot = (slot + 1) & mask
    }
    entries[slot] = Entry(key: key, value: value)
    used += 1
  }

  private mutating func grow() {
    let old = entries
    entries = Array(repeating: Entry(key: Self.empty, value: 0), count: 2 * old.count)
    shift -= 1
    used = 0
    for entry in old where entry.key != Self.empty {
      place(entry.key, entry.value, overwrite: true)
    }
  }
}
