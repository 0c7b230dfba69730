/// The four Unicode normal forms, in time linear in the text (n log n for a run of combining marks).
///
/// Foundation's normalisation takes quadratic time on a long run of marks.
package enum UnicodeNormalization {
  package enum Form: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    fileprivate var isCompatible: Bool { self == .nfkc || self == .nfkd }
    fileprivate var composes: Bool { self == .nfc || self == .nfkc }
  }

  package static func apply(_ form: Form, _ text: [UInt8]) -> [UInt8] {
    // Below U+0300 everything is NFC, below U+0080 everything is in all forms.
    let inert: UInt8 = form == .nfc ? 0xCC : 0x80
    if text.allSatisfy({ $0 < inert }) { return text }
    var scalars = decompose(UTF8Scan.scalars(text), compatible: form.isCompatible)
    if form.composes { compose(&scalars) }
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    for scalar in scalars { UTF8Scan.append(scalar, to: &output) }
    return output
  }

  static func combiningClass(_ value: UInt32) -> UInt8 {
    guard value >= 0x300, let scalar = Unicode.Scalar(value) else { return 0 }
    let rawValue = scalar.properties.canonicalCombiningClass.rawValue
    // The reference implementation's classes are those of Unicode 9.
    return rawValue == 0 || ScalarProperties.isKnown(scalar, in: 9) ? rawValue : 0
  }

  // MARK: Decomposition

  private static func decompose(_ scalars: [UInt32], compatible: Bool) -> [UInt32] {
    let table = DecompositionTable.shared
    var output: [UInt32] = []
    output.reserveCapacity(scalars.count + scalars.count / 4)
    for scalar in scalars {
      if scalar < 0x80 {
        output.append(scalar)
      } else if (Hangul.base..<Hangul.base + Hangul.count).contains(scalar) {
        Hangul.decompose(scalar, into: &output)
      } else if let parts = table.canonical(scalar) {
        for part in parts {
          if compatible, let more = table.compatible(part) {
            output += more
          } else {
            output.append(part)
          }
        }
      } else if compatible, let parts = table.compatible(scalar) {
        output += parts
      } else {
        output.append(scalar)
      }
    }
    reorder(&output)
    return output
  }

  /// Sorts every run of combining marks by class, keeping the order of equals.
  private static func reorder(_ scalars: inout [UInt32]) {
    var position = 0
    while position < scalars.count {
      guard combiningClass(scalars[position]) != 0 else {
        position += 1
        continue
      }
      let start = position
      var keys: [UInt64] = []
      while position < scalars.count {
        let mark = combiningClass(scalars[position])
        if mark == 0 { break }
        // The place in the run stands between class and scalar, which makes the sort stable.
        keys.append(UInt64(mark) << 56 | UInt64(position - start) << 21 | UInt64(scalars[position]))
        position += 1
      }
      guard keys.count > 1 else { continue }
      keys.sort()
      for (index, key) in keys.enumerated() {
        scalars[start + index] = UInt32(truncatingIfNeeded: key & 0x1F_FFFF)
      }
    }
  }

  // MARK: Composition

  private static func compose(_ scalars: inout [UInt32]) {
    let table = DecompositionTable.shared
    var output: [UInt32] = []
    output.reserveCapacity(scalars.count)
    var starter = -1
    var lastClass = 0
    for scalar in scalars {
      let mark = Int(combiningClass(scalar))
      // A mark is blocked by one of the same or a higher class, a starter by anything between.
      let isBlocked = starter >= 0 && output.count - 1 > starter && (lastClass >= mark)
      if starter >= 0, !isBlocked,
        let composed = Hangul.compose(output[starter], scalar)
          ?? table.composition(output[starter], scalar)
      {
        output[starter] = composed
        continue
      }
      if mark == 0 { starter = output.count }
      lastClass = mark
      output.append(scalar)
    }
    scalars = output
  }
}

/// Hangul syllables, which are composed by arithmetic (Unicode, section 3.12).
private enum Hangul {
  static let base: UInt32 = 0xAC00
  static let count: UInt32 = 11172
  private static let leading: UInt32 = 0x1100
  private static let vowel: UInt32 = 0x1161
  private static let trailing: UInt32 = 0x11A7

  static func decompose(_ syllable: UInt32, into output: inout [UInt32]) {
    let index = syllable - base
    output.append(leading + index / 588)
    output.append(vowel + index % 588 / 28)
    if index % 28 > 0 { output.append(trailing + index % 28) }
  }

  static func compose(_ left: UInt32, _ right: UInt32) -> UInt32? {
    if (leading..<leading + 19).contains(left), (vowel..<vowel + 21).contains(right) {
      return base + ((left - leading) * 21 + right - vowel) * 28
    }
    if (base..<base + count).contains(left), (left - base) % 28 == 0,
      (trailing + 1..<trailing + 28).contains(right)
    {
      return left + right - trailing
    }
    return nil
  }
}
