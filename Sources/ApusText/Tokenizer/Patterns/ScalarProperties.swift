/// Sets of scalars by Unicode property.
///
/// The data are the standard library's, cut back to the Unicode version of the implementation that each step has to
/// agree with: a scalar assigned later counts as unassigned there. The exceptions are scalars whose category has
/// changed since.
enum ScalarProperties {
  /// The version of Oniguruma's tables in the `tokenizers` package, for patterns.
  private static let patternVersion = 16

  /// The set of a general category or group of categories (`L`, `Lu`, `P`, …); nil for an unknown name.
  static func category(_ name: String) -> ScalarSet? {
    switch name {
    case "Any": return .everything
    case "L&", "LC": return union(["Lu", "Ll", "Lt"])
    default: break
    }
    let members = categories.filter {
      $0.key == name || name.utf8.count == 1 && $0.key.hasPrefix(name)
    }
    return members.isEmpty ? nil : ScalarSet(members.values.flatMap(\.ranges))
  }

  static func union(_ names: [String]) -> ScalarSet {
    ScalarSet(names.flatMap { category($0)?.ranges ?? [] })
  }

  static let whitespace = ScalarSet([
    0x09...0x0D, 0x20...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A,
    0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
  ])

  /// `\w` of Oniguruma, which counts the superscripts and fractions of Latin-1 in.
  static let word = union(["L", "M", "Nd", "Pc"]).union(alphabetic).union(ScalarSet("²³¹¼½¾"))

  /// `\w` of Rust, which leaves those out and counts the joiners in.
  static let rustWord = union(["L", "M", "Nd", "Pc"]).union(alphabetic)
    .union(ScalarSet(0x200C...0x200D))

  static let digits = union(["Nd"])
  static let asciiPunctuation = ScalarSet([0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E])
  static let alphabetic = collect { $0.properties.isAlphabetic && isKnown($0, in: patternVersion) }

  /// Number characters of any kind, in the standard library's own version.
  static let numeric = collect {
    switch $0.properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: true
    default: false
    }
  }

  // MARK: What BERT's steps and the normalisers see (Unicode 8 and 9)

  /// ASCII punctuation and every other `P*`.
  static let bertPunctuation = filtered(union(["P"]), version: 8)
    .union(asciiPunctuation).union(ScalarSet([0x166D...0x166D, 0x111C9...0x111C9]))

  static let bertControl = filtered(union(["Cc", "Cf", "Co"]), version: 8)

  static let bertNonspacing = filtered(union(["Mn"]), version: 8)
    .union(ScalarSet([0x1734...0x1734, 0x1171E...0x1171E]))
    .subtracting(ScalarSet([0x1885...0x1886, 0xA9BD...0xA9BD, 0x111C9...0x111C9]))

  static let marks = filtered(union(["M"]), version: 9)
    .union(ScalarSet(0x1CF2...0x1CF3)).subtracting(ScalarSet(0x111C9...0x111C9))

  /// Scalars of the Han script (Unicode 16, `Scripts.txt`).
  static let han = ScalarSet([
    0x2E80...0x2E99, 0x2E9B...0x2EF3, 0x2F00...0x2FD5, 0x3005...0x3005, 0x3007...0x3007,
    0x3021...0x3029, 0x3038...0x303B, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFA6D,
    0xFA70...0xFAD9, 0x16FE2...0x16FE3, 0x16FF0...0x16FF1, 0x20000...0x2A6DF,
    0x2A700...0x2B739, 0x2B740...0x2B81D, 0x2B820...0x2CEA1, 0x2CEB0...0x2EBE0,
    0x2EBF0...0x2EE5D, 0x2F800...0x2FA1D, 0x30000...0x3134A, 0x31350...0x323AF,
  ])

  /// Whether a scalar was assigned in a Unicode version.
  static func isKnown(_ scalar: Unicode.Scalar, in version: Int) -> Bool {
    scalar.properties.age.map { $0.major <= version } ?? false
  }

  private static func filtered(_ set: ScalarSet, version: Int) -> ScalarSet {
    ScalarSet(
      set.ranges.flatMap { range in
        range.count > 10_000
          ? [range]  // private use
          : range.filter { Unicode.Scalar($0).map { isKnown($0, in: version) } ?? false }
            .map { $0...$0 }
      })
  }

  private static func collect(_ predicate: (Unicode.Scalar) -> Bool) -> ScalarSet {
    var ranges: [ClosedRange<UInt32>] = []
    for value in 0...0x3FFFF as ClosedRange<UInt32> {
      guard let scalar = Unicode.Scalar(value), predicate(scalar) else { continue }
      if let last = ranges.last, last.upperBound + 1 == value {
        ranges[ranges.count - 1] = last.lowerBound...value
      } else {
        ranges.append(value...value)
      }
    }
    return ScalarSet(ranges)
  }

  private static let categories: [String: ScalarSet] = {
    var ranges: [String: [ClosedRange<UInt32>]] = [:]
    var current = ""
    var start: UInt32 = 0
    func close(_ end: UInt32) { ranges[current, default: []].append(start...end) }
    for value in 0...ScalarSet.limit {
      let name = abbreviation(value)
      if name != current {
        if value > 0 { close(value - 1) }
        current = name
        start = value
      }
    }
    close(ScalarSet.limit)
    return ranges.mapValues { ScalarSet($0) }
  }()

  private static func abbreviation(_ value: UInt32) -> String {
    // Planes 4 to 13 are unassigned, 15 and 16 private use; looking them up one by one would only take time.
    if (0x40000...0xDFFFF).contains(value) { return "Cn" }
    if value >= 0xF0000 { return value & 0xFFFE == 0xFFFE ? "Cn" : "Co" }
    guard let scalar = Unicode.Scalar(value) else { return "Cs" }
    if value == 0x295 { return "Ll" }
    let name = scalar.properties.generalCategory.abbreviation
    return name == "Cn" || isKnown(scalar, in: patternVersion) ? name : "Cn"
  }
}

extension Unicode.GeneralCategory {
  fileprivate var abbreviation: String {
    switch self {
    case .uppercaseLetter: "Lu"
    case .lowercaseLetter: "Ll"
    case .titlecaseLetter: "Lt"
    case .modifierLetter: "Lm"
    case .otherLetter: "Lo"
    case .nonspacingMark: "Mn"
    case .spacingMark: "Mc"
    case .enclosingMark: "Me"
    case .decimalNumber: "Nd"
    case .letterNumber: "Nl"
    case .otherNumber: "No"
    case .connectorPunctuation: "Pc"
    case .dashPunctuation: "Pd"
    case .openPunctuation: "Ps"
    case .closePunctuation: "Pe"
    case .initialPunctuation: "Pi"
    case .finalPunctuation: "Pf"
    case .otherPunctuation: "Po"
    case .mathSymbol: "Sm"
    case .currencySymbol: "Sc"
    case .modifierSymbol: "Sk"
    case .otherSymbol: "So"
    case .spaceSeparator: "Zs"
    case .lineSeparator: "Zl"
    case .paragraphSeparator: "Zp"
    case .control: "Cc"
    case .format: "Cf"
    case .surrogate: "Cs"
    case .privateUse: "Co"
    case .unassigned: "Cn"
    @unknown default: "Cn"
    }
  }
}
