/// How a number or a text is laid out in a field, for both of Python's formatting languages.
struct TemplateField {
  enum Alignment {
    case left
    case right
    case center
    /// Padding between the sign and the digits.
    case inside
  }

  var alignment: Alignment?
  var fill: [UInt8] = [0x20]
  var width = 0
  var precision: Int?
  var isAlternate = false
  /// What stands before a number that is not negative: nothing, `+` or a space.
  var sign = ""
  var grouping: Character?

  /// Pads a text to the width.
  func laid(
    _ text: TemplateText, default alignment: Alignment = .left, _ meter: TemplateMeter
  ) throws -> TemplateText {
    let missing = max(0, width - text.count)
    switch self.alignment ?? alignment {
    case .left:
      return try TemplateStringMethods.padded(text, left: 0, right: missing, fill: fill, meter)
    case .right, .inside:
      return try TemplateStringMethods.padded(text, left: missing, right: 0, fill: fill, meter)
    case .center:
      let left = missing / 2
      return try TemplateStringMethods.padded(
        text, left: left, right: missing - left, fill: fill, meter)
    }
  }

  /// Puts a sign and a prefix such as `0x` before digits and pads the whole to the width.
  func laid(
    isNegative: Bool, prefix: String = "", digits: String, _ meter: TemplateMeter
  ) throws -> TemplateText {
    try meter.makeText(2 * digits.utf8.count)
    let head = (isNegative ? "-" : sign) + prefix
    let body = grouped(digits)
    guard alignment == .inside else {
      return try laid(TemplateText(head + body), default: .right, meter)
    }
    let missing = max(0, width - head.utf8.count - body.utf8.count)
    return try TemplateText(
      Array(head.utf8)
        + TemplateStringMethods.padded(
          TemplateText(body), left: missing, right: 0, fill: fill, meter
        )
        .bytes)
  }

  /// Separates groups of three digits before the point.
  private func grouped(_ digits: String) -> String {
    guard let grouping else { return digits }
    let end = digits.firstIndex { !$0.isNumber } ?? digits.endIndex
    let whole = Array(digits[..<end])
    var text = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { text.append(grouping) }
      text.append(digit)
    }
    return text + digits[end...]
  }

  /// Lays out a floating-point number under `e`, `f`, `g` (or capitals) or `%`.
  func laid(
    _ value: Double, as type: Character, _ meter: TemplateMeter
  ) throws -> TemplateText {
    let precision = max(0, precision ?? 6)
    try meter.makeText(max(precision, 400))
    let text: String
    if !value.isFinite {
      text = value.isNaN ? "nan" : "inf"
    } else {
      switch type.lowercased() {
      case "e": text = TemplateDecimal(value).exponential(precision)
      case "g": text = TemplateDecimal(value).general(precision, keepsZeros: isAlternate)
      case "%": text = TemplateDecimal(value * 100).fixed(precision) + "%"
      default: text = TemplateDecimal(value).fixed(precision)
      }
    }
    return try laid(
      isNegative: value.sign == .minus && !value.isNaN,
      digits: type.isUppercase ? text.uppercased() : text, meter)
  }

  /// Lays out an integer under `d`, `b`, `o`, `x` or `X`.
  func laid(_ value: Int, as type: Character, _ meter: TemplateMeter) throws -> TemplateText {
    let radix = ["b": 2, "o": 8, "x": 16, "X": 16][type] ?? 10
    var digits = String(value.magnitude, radix: radix, uppercase: type == "X")
    if let precision, precision > digits.utf8.count {
      try meter.makeText(precision)
      digits = String(repeating: "0", count: precision - digits.utf8.count) + digits
    }
    let prefix = isAlternate && radix != 10 ? "0" + String(type) : ""
    return try laid(isNegative: value < 0, prefix: prefix, digits: digits, meter)
  }
}
