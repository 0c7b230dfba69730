/// Decompositions of single scalars, and the pairs that compose.
struct DecompositionTable: Sendable {
  static let shared = DecompositionTable()

  private let canonicalParts: [UInt32: [UInt32]]
  private let compatibleParts: [UInt32: [UInt32]]
  private let compositions: [UInt64: UInt32]

  private init() {
    let canonical = Self.read(Self.canonicalData)
    canonicalParts = Dictionary(uniqueKeysWithValues: canonical.map { ($0.code, $0.parts) })
    let compatible = Self.read(Self.compatibleData)
    compatibleParts = Dictionary(uniqueKeysWithValues: compatible.map { ($0.code, $0.parts) })

    // A composing scalar is the composition of all its parts but the last, and the last.
    let composing = canonical.filter(\.composes)
    let whole = Dictionary(
      composing.map { ($0.parts, $0.code) }, uniquingKeysWith: { first, _ in first })
    var compositions: [UInt64: UInt32] = [:]
    for (code, parts, _) in composing {
      guard let last = parts.last else { continue }
      let head = Array(parts.dropLast())
      if let left = head.count == 1 ? head[0] : whole[head] {
        compositions[UInt64(left) << 32 | UInt64(last)] = code
      }
    }
    self.compositions = compositions
  }

  func canonical(_ scalar: UInt32) -> [UInt32]? {
    scalar < 0xC0 ? nil : canonicalParts[scalar]
  }

  func compatible(_ scalar: UInt32) -> [UInt32]? {
    scalar < 0xA0 ? nil : compatibleParts[scalar]
  }

  func composition(_ left: UInt32, _ right: UInt32) -> UInt32? {
    right < 0x300 ? nil : compositions[UInt64(left) << 32 | UInt64(right)]
  }

  private static func read(
    _ text: String
  ) -> [(code: UInt32, parts: [UInt32], composes: Bool)] {
    let bytes = Base64.decode(text.utf8) ?? []
    var position = 0
    func varint() -> UInt32 {
      var value: UInt32 = 0
      var shift: UInt32 = 0
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        value |= UInt32(byte & 0x7F) << shift
        if byte < 0x80 { break }
        shift += 7
      }
      return value
    }
    var entries: [(code: UInt32, parts: [UInt32], composes: Bool)] = []
    var code: UInt32 = 0
    while position < bytes.count {
      code += varint()
      let header = varint()
      var last = Int(code)
      var parts: [UInt32] = []
      for _ in 0..<(header >> 1) {
        let delta = Int(varint())
        last += delta & 1 == 0 ? delta >> 1 : -((delta + 1) >> 1)
        parts.append(UInt32(last))
      }
      entries.append((code, parts, header & 1 == 1))
    }
    return entries
  }
}
