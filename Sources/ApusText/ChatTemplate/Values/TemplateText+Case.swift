/// Letter case and classes of characters as Python's string methods define them.
extension TemplateText {
  private func mapped(_ ascii: (UInt8) -> UInt8, _ full: (Unicode.Scalar) -> String) -> TemplateText
  {
    if isASCII { return with(bytes.map(ascii)) }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for scalar in scalars { result.append(contentsOf: full(scalar).utf8) }
    return with(result)
  }

  func uppercased() -> TemplateText {
    mapped(Self.upper) { $0.properties.uppercaseMapping }
  }

  func lowercased() -> TemplateText {
    if isASCII { return with(bytes.map(Self.lower)) }
    let scalars = Array(self.scalars)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for (index, scalar) in scalars.enumerated() {
      let lower =
        scalar == "\u{3A3}"
        ? (Self.isFinalSigma(at: index, in: scalars) ? "\u{3C2}" : "\u{3C3}")
        : scalar.properties.lowercaseMapping
      result.append(contentsOf: lower.utf8)
    }
    return with(result)
  }

  private static func isFinalSigma(at index: Int, in scalars: [Unicode.Scalar]) -> Bool {
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
    guard let before, before.properties.isCased else { return false }
    let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    return !(after?.properties.isCased ?? false)
  }

  func casefolded() -> TemplateText {
    mapped(Self.lower) { $0 == "ß" ? "ss" : $0.properties.lowercaseMapping }
  }

  func swappedCase() -> TemplateText {
    mapped(Self.swapped) {
      $0.properties.isUppercase ? $0.properties.lowercaseMapping : $0.properties.uppercaseMapping
    }
  }

  func capitalized() -> TemplateText {
    let end = offset(ofScalar: 1)
    let head = TemplateText(Array(bytes[..<end]))
    let rest = TemplateText(Array(bytes[end...])).lowercased()
    return with(head.titlecasedScalar() + rest.bytes)
  }

  private func titlecasedScalar() -> [UInt8] {
    scalars.flatMap { Array($0.properties.titlecaseMapping.utf8) }
  }

  /// Python's `str.title`: a capital after everything that is not a cased letter.
  func titled() -> TemplateText {
    var result: [UInt8] = []
    var followsLetter = false
    for scalar in scalars {
      let properties = scalar.properties
      let mapping = followsLetter ? properties.lowercaseMapping : properties.titlecaseMapping
      result.append(contentsOf: mapping.utf8)
      followsLetter = properties.isCased
    }
    return with(result)
  }

  /// The `title` filter: a capital after spaces, hyphens and opening brackets.
  func titledWords() -> TemplateText {
    var result: [UInt8] = []
    var startsWord = true
    for scalar in scalars {
      if scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar) {
        result.append(contentsOf: String(scalar).utf8)
        startsWord = true
      } else {
        let properties = scalar.properties
        let mapping = startsWord ? properties.uppercaseMapping : properties.lowercaseMapping
        result.append(contentsOf: mapping.utf8)
        startsWord = false
      }
    }
    return with(result)
  }

  private static func upper(_ byte: UInt8) -> UInt8 {
    byte >= 0x61 && byte <= 0x7A ? byte - 32 : byte
  }

  private static func swapped(_ byte: UInt8) -> UInt8 {
    upper(byte) == byte ? lower(byte) : upper(byte)
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    byte >= 0x41 && byte <= 0x5A ? byte + 32 : byte
  }

  // MARK: Classes

  func allScalars(_ predicate: (Unicode.Scalar) -> Bool) -> Bool {
    !isEmpty && scalars.allSatisfy(predicate)
  }

  var isUppercase: Bool { hasCase { $0.isUppercase } }
  var isLowercase: Bool { hasCase { $0.isLowercase } }

  private func hasCase(_ matches: (Unicode.Scalar.Properties) -> Bool) -> Bool {
    var found = false
    for scalar in scalars {
      let properties = scalar.properties
      if matches(properties) {
        found = true
      } else if properties.isUppercase || properties.isLowercase
        || properties.generalCategory == .titlecaseLetter
      {
        return false
      }
    }
    return found
  }

  var isTitle: Bool {
    var found = false
    var followsLetter = false
    for scalar in scalars {
      let properties = scalar.properties
      if properties.isUppercase || properties.generalCategory == .titlecaseLetter {
        if followsLetter { return false }
        followsLetter = true
        found = true
      } else if properties.isLowercase {
        if !followsLetter { return false }
        found = true
      } else {
        followsLetter = false
      }
    }
    return found
  }

  var isIdentifier: Bool {
    guard let first = scalars.first else { return false }
    return (first == "_" || first.properties.isXIDStart)
      && scalars.dropFirst().allSatisfy { $0.properties.isXIDContinue }
  }
}

extension Unicode.Scalar {
  var isPythonSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
      0x205F, 0x3000:
      true
    default: false
    }
  }

  var isPythonAlpha: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  var isPythonDecimal: Bool { properties.numericType == .decimal }
  var isPythonDigit: Bool { isPythonDecimal || properties.numericType == .digit }
  var isPythonNumeric: Bool { properties.numericType != nil }
  var isPythonAlphanumeric: Bool { isPythonAlpha || isPythonNumeric }

  /// Whether Python's `repr` writes the character as it is.
  var isPythonPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      false
    case .spaceSeparator: self == " "
    default: true
    }
  }

  /// Whether a regular expression's `\w` matches.
  var isPythonWord: Bool { self == "_" || isPythonAlphanumeric }
}
