/// The methods of strings.
enum TemplateStringMethods {
  /// The text of a receiver; methods are only looked up on strings.
  static func receiver(_ value: TemplateValue) -> TemplateText {
    if case .string(let text) = value { text } else { .empty }
  }

  static let catalog: [String: TemplateMethod] =
    conversions.merging(searches) { $1 }.merging(splits) { $1 }.merging(classes) { $1 }

  // MARK: Arguments

  static func text(_ value: TemplateValue, _ method: String) throws -> TemplateText {
    guard case .string(let text) = value else {
      if case .undefined(let undefined) = value, method == "replace" { throw undefined.fault }
      throw TemplateFault.runtime("\(method)() argument must be str, not \(value.typeName)")
    }
    return text
  }

  static func integer(_ value: TemplateValue) throws -> Int {
    guard let index = value.index else {
      throw TemplateFault.runtime("'\(value.typeName)' object cannot be interpreted as an integer")
    }
    return index
  }

  /// A method that takes nothing and returns another text.
  private static func convert(
    _ body: @escaping @Sendable (TemplateText) -> TemplateText
  ) -> TemplateMethod {
    { interpreter, object, arguments in
      _ = try arguments.positional("method", 0...0)
      let text = receiver(object)
      try interpreter.meter.makeText(text.bytes.count)
      try interpreter.meter.readScalars(of: text)
      return .string(body(text))
    }
  }

  private static func classify(
    _ body: @escaping @Sendable (TemplateText) -> Bool
  ) -> TemplateMethod {
    { interpreter, object, arguments in
      _ = try arguments.positional("method", 0...0)
      try interpreter.meter.readScalars(of: receiver(object))
      return .bool(body(receiver(object)))
    }
  }

  // MARK: Conversions

  private static let conversions: [String: TemplateMethod] = [
    "upper": convert { $0.uppercased() },
    "lower": convert { $0.lowercased() },
    "title": convert { $0.titled() },
    "capitalize": convert { $0.capitalized() },
    "casefold": convert { $0.casefolded() },
    "swapcase": convert { $0.swappedCase() },
    "strip": strip(left: true, right: true),
    "lstrip": strip(left: true, right: false),
    "rstrip": strip(left: false, right: true),
    "removeprefix": { _, object, arguments in
      let text = receiver(object)
      let prefix = try Self.text(arguments.positional("removeprefix", 1...1)[0], "removeprefix")
      return .string(
        text.hasPrefix(prefix.bytes) ? text.with(text.bytes[prefix.bytes.count...]) : text)
    },
    "removesuffix": { _, object, arguments in
      let text = receiver(object)
      let suffix = try Self.text(arguments.positional("removesuffix", 1...1)[0], "removesuffix")
      return .string(
        text.hasSuffix(suffix.bytes)
          ? text.with(text.bytes[..<(text.bytes.count - suffix.bytes.count)]) : text)
    },
    "replace": { interpreter, object, arguments in
      let values = try arguments.bind("replace", ["old", "new", "count"], required: 2)
      let old = try Self.text(values[0] ?? .none, "replace")
      var new = try Self.text(values[1] ?? .none, "replace")
      let count = try values[2].map(integer) ?? -1
      let text = receiver(object)
      if text.isMarkup { new = try TemplateOperators.escaped(new, interpreter.meter) }
      return .string(try replace(text, old.bytes, new.bytes, count, interpreter.meter))
    },
    "ljust": justify("ljust") { missing, _ in (0, missing) },
    "rjust": justify("rjust") { missing, _ in (missing, 0) },
    "center": justify("center", center),
    "zfill": { interpreter, object, arguments in
      let text = receiver(object)
      let width = try integer(arguments.positional("zfill", 1...1)[0])
      let missing = max(0, width - text.count)
      try interpreter.meter.makeText(text.bytes.count, times: 1)
      try interpreter.meter.makeText(missing)
      let hasSign = text.bytes.first == UInt8(ascii: "-") || text.bytes.first == UInt8(ascii: "+")
      let sign = hasSign ? 1 : 0
      let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: missing)
      return .string(text.with(text.bytes[..<sign] + zeros + text.bytes[sign...]))
    },
    "expandtabs": { interpreter, object, arguments in
      let size = try arguments.bind("expandtabs", ["tabsize"])[0].map(integer) ?? 8
      return .string(try expandTabs(receiver(object), size, interpreter.meter))
    },
    "join": { interpreter, object, arguments in
      let values = try interpreter.elements(of: arguments.positional("join", 1...1)[0])
      let separator = receiver(object)
      let texts = try values.enumerated().map { index, value in
        guard case .string(let text) = value else {
          if separator.isMarkup { return try TemplatePrinter.text(value, interpreter.meter) }
          throw TemplateFault.runtime(
            "sequence item \(index): expected str instance, \(value.typeName) found")
        }
        return try separator.isMarkup ? TemplateOperators.escaped(text, interpreter.meter) : text
      }
      return .string(separator.with(try joined(texts, separator, interpreter.meter)))
    },
    "format": { interpreter, object, arguments in
      .string(try TemplateFormat.apply(receiver(object), arguments, interpreter))
    },
    "format_map": { interpreter, object, arguments in
      guard case .dictionary(let mapping) = try arguments.positional("format_map", 1...1)[0] else {
        throw TemplateFault.runtime("format_map() takes a mapping")
      }
      let keyword = mapping.entries.compactMap { key, value in
        if case .string(let name) = key { (name: name.string, value: value) } else { nil }
      }
      return .string(
        try TemplateFormat.apply(
          receiver(object), TemplateCallArguments(keyword: keyword), interpreter))
    },
  ]

  private static func strip(left: Bool, right: Bool) -> TemplateMethod {
    { interpreter, object, arguments in
      let arguments = try arguments.positional("strip", 0...1)
      return .string(
        try strip(
          receiver(object), arguments.first ?? .none, left: left, right: right, interpreter.meter))
    }
  }

  /// Strips whitespace, or the scalars of a text, off the ends.
  static func strip(
    _ text: TemplateText, _ characters: TemplateValue, left: Bool = true, right: Bool = true,
    _ meter: TemplateMeter
  ) throws -> TemplateText {
    try meter.makeText(text.bytes.count)
    var start = 0
    var end = text.bytes.count
    if characters.isNone {
      if left { start = text.bytes.skippingWhitespace(from: 0) }
      if right { end = text.bytes.droppingWhitespace(before: end, downTo: start) }
      return text.with(text.bytes[start..<end])
    }
    let set = Set(try Self.text(characters, "strip").scalars)
    let scalars = Array(text.scalars)
    try meter.read(32 * text.bytes.count)
    var (first, last) = (0, scalars.count)
    while left, first < last, set.contains(scalars[first]) { first += 1 }
    while right, last > first, set.contains(scalars[last - 1]) { last -= 1 }
    start = text.offset(ofScalar: first)
    end = text.offset(ofScalar: last, from: (first, start))
    return text.with(text.bytes[start..<end])
  }

  static func replace(
    _ text: TemplateText, _ old: [UInt8], _ new: [UInt8], _ count: Int, _ meter: TemplateMeter
  ) throws -> TemplateText {
    var left = count < 0 ? Int.max : count
    var result: [UInt8] = []
    var position = 0
    if old.isEmpty {
      let characters = text.characters()
      try meter.makeText(48 + new.count, times: min(left, characters.count + 1))
      for (index, character) in characters.enumerated() {
        if index < left { result += new }
        result += character.bytes
      }
      if characters.count < left { result += new }
      return text.with(result)
    }
    while left > 0, let found = try text.find(old, from: position, meter) {
      try meter.allocate(found - position + new.count)
      try meter.step()
      result += text.bytes[position..<found]
      result += new
      if result.count > meter.textLimit { try meter.makeText(result.count) }
      position = found + old.count
      left -= 1
    }
    if position == 0 { return text }
    result += text.bytes[position...]
    try meter.makeText(result.count)
    return text.with(result)
  }

  static func joined(
    _ texts: [TemplateText], _ separator: TemplateText, _ meter: TemplateMeter
  ) throws -> [UInt8] {
    let total = texts.reduce(0) { $0 + $1.bytes.count + separator.bytes.count }
    try meter.makeText(total)
    var result: [UInt8] = []
    result.reserveCapacity(total)
    for (index, text) in texts.enumerated() {
      if index > 0 { result += separator.bytes }
      result += text.bytes
    }
    return result
  }

  /// How Python's `center` splits the padding.
  @Sendable
  static func center(_ missing: Int, _ width: Int) -> (left: Int, right: Int) {
    let left = missing / 2 + (missing & width & 1)
    return (left, missing - left)
  }

  private static func justify(
    _ name: String, _ split: @escaping @Sendable (Int, Int) -> (left: Int, right: Int)
  ) -> TemplateMethod {
    { interpreter, object, arguments in
      let arguments = try arguments.positional(name, 1...2)
      let fill = try arguments.count > 1 ? Self.text(arguments[1], name).bytes : [0x20]
      guard TemplateText(fill).count == 1 else {
        throw TemplateFault.runtime("The fill character must be exactly one character long")
      }
      let text = receiver(object)
      let width = try integer(arguments[0])
      let missing = max(0, width - text.count)
      let (left, right) = split(missing, width)
      return .string(
        try padded(text, left: left, right: right, fill: fill, interpreter.meter))
    }
  }

  static func padded(
    _ text: TemplateText, left: Int, right: Int, fill: [UInt8] = [0x20], _ meter: TemplateMeter
  ) throws -> TemplateText {
    if left + right == 0 { return text }
    try meter.makeText(fill.count, times: left + right)
    try meter.makeText(text.bytes.count)
    var bytes: [UInt8] = []
    for _ in 0..<left { bytes += fill }
    bytes += text.bytes
    for _ in 0..<right { bytes += fill }
    return text.with(bytes)
  }

  private static func expandTabs(
    _ text: TemplateText, _ size: Int, _ meter: TemplateMeter
  ) throws -> TemplateText {
    var bytes: [UInt8] = []
    var column = 0
    for byte in text.bytes {
      switch byte {
      case 0x09:
        let spaces = size > 0 ? size - column % size : 0
        try meter.makeText(spaces)
        bytes += [UInt8](repeating: 0x20, count: spaces)
        if bytes.count > meter.textLimit { try meter.makeText(bytes.count) }
        column += spaces
      case 0x0A, 0x0D:
        bytes.append(byte)
        column = 0
      default:
        bytes.append(byte)
        if byte & 0xC0 != 0x80 { column += 1 }
      }
    }
    return text.with(bytes)
  }

  // MARK: Classes

  private static let classes: [String: TemplateMethod] = [
    "isalpha": classify { $0.allScalars { $0.isPythonAlpha } },
    "isalnum": classify { $0.allScalars { $0.isPythonAlphanumeric } },
    "isdecimal": classify { $0.allScalars { $0.isPythonDecimal } },
    "isdigit": classify { $0.allScalars { $0.isPythonDigit } },
    "isnumeric": classify { $0.allScalars { $0.isPythonNumeric } },
    "isspace": classify { $0.allScalars { $0.isPythonSpace } },
    "isupper": classify { $0.isUppercase },
    "islower": classify { $0.isLowercase },
    "istitle": classify { $0.isTitle },
    "isascii": classify { $0.isASCII },
    "isidentifier": classify { $0.isIdentifier },
    "isprintable": classify { $0.isEmpty || $0.allScalars { $0.isPythonPrintable } },
  ]
}
