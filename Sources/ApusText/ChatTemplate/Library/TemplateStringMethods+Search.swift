/// The methods of strings that look for parts, and those that split.
extension TemplateStringMethods {
  static let searches: [String: TemplateMethod] = [
    "startswith": ends("startswith") { $0.hasPrefix($1) },
    "endswith": ends("endswith") { $0.hasSuffix($1) },
    "find": { try .integer(position("find", $1, $2, $0, last: false) ?? -1) },
    "rfind": { try .integer(position("rfind", $1, $2, $0, last: true) ?? -1) },
    "index": { try .integer(found(position("index", $1, $2, $0, last: false))) },
    "rindex": { try .integer(found(position("rindex", $1, $2, $0, last: true))) },
    "count": { interpreter, object, arguments in
      let arguments = try arguments.positional("count", 1...3)
      let text = receiver(object)
      let needle = try Self.text(arguments[0], "count").bytes
      guard let bounds = try bounds(arguments.dropFirst(), in: text) else { return .integer(0) }
      if needle.isEmpty { return .integer(bounds.text.count + 1) }
      var count = 0
      var position = 0
      while let found = try bounds.text.find(needle, from: position, interpreter.meter) {
        try interpreter.meter.step()
        count += 1
        position = found + needle.count
      }
      return .integer(count)
    },
  ]

  private static func found(_ position: Int?) throws -> Int {
    guard let position else { throw TemplateFault.runtime("substring not found") }
    return position
  }

  /// The part of a text that optional start and end positions leave, with its first scalar's place.
  private static func bounds(
    _ arguments: ArraySlice<TemplateValue>, in text: TemplateText
  ) throws -> (text: TemplateText, start: Int)? {
    if arguments.isEmpty { return (text, 0) }
    let count = text.count
    let start = arguments.first ?? .none
    let stop = arguments.dropFirst().first ?? .none
    let slice = try TemplateSlice(start, stop, .none, count: count)
    if let index = start.index, index > count { return nil }
    if slice.count == 0, let first = start.index, let last = stop.index,
      (first < 0 ? max(0, first + count) : first) > (last < 0 ? max(0, last + count) : last)
    {
      return nil
    }
    return (text.slice(slice.start, slice.start + slice.count), slice.start)
  }

  private static func position(
    _ name: String, _ object: TemplateValue, _ arguments: TemplateCallArguments,
    _ interpreter: TemplateInterpreter, last: Bool
  ) throws -> Int? {
    let arguments = try arguments.positional(name, 1...3)
    let text = receiver(object)
    try interpreter.meter.read(text.bytes.count)
    let needle = try Self.text(arguments[0], name).bytes
    guard let part = try bounds(arguments.dropFirst(), in: text) else { return nil }
    let offset =
      try last
      ? part.text.findLast(needle, to: part.text.bytes.count, interpreter.meter)
      : part.text.find(needle, interpreter.meter)
    return offset.map { part.start + part.text.scalarIndex(ofByte: $0) }
  }

  private static func ends(
    _ name: String, _ matches: @escaping @Sendable (TemplateText, [UInt8]) -> Bool
  ) -> TemplateMethod {
    { interpreter, object, arguments in
      let arguments = try arguments.positional(name, 1...3)
      guard let part = try bounds(arguments.dropFirst(), in: receiver(object)) else {
        return .bool(false)
      }
      var candidates = [arguments[0]]
      if case .tuple(let tuple) = arguments[0] { candidates = tuple.elements }
      for candidate in candidates {
        try interpreter.meter.step()
        let end = try Self.text(candidate, name).bytes
        try interpreter.meter.read(end.count)
        if matches(part.text, end) { return .bool(true) }
      }
      return .bool(false)
    }
  }

  // MARK: Splits

  static let splits: [String: TemplateMethod] = [
    "split": { interpreter, object, arguments in
      try split("split", object, arguments, interpreter, fromRight: false)
    },
    "rsplit": { interpreter, object, arguments in
      try split("rsplit", object, arguments, interpreter, fromRight: true)
    },
    "splitlines": { interpreter, object, arguments in
      let keepsEnds = try arguments.bind("splitlines", ["keepends"])[0]?.isTrue ?? false
      let lines = try lines(of: receiver(object), keepsEnds: keepsEnds, interpreter.meter)
      return .list(try TemplateList(lines.map { .string($0) }))
    },
    "partition": { interpreter, object, arguments in
      let separator = try separator(arguments.positional("partition", 1...1)[0])
      let text = receiver(object)
      let found = try text.find(separator, interpreter.meter)
      return try partition(
        text, at: found, separator, missing: { [$0, text.with([]), text.with([])] })
    },
    "rpartition": { interpreter, object, arguments in
      let separator = try separator(arguments.positional("rpartition", 1...1)[0])
      let text = receiver(object)
      let found = try text.findLast(separator, to: text.bytes.count, interpreter.meter)
      return try partition(
        text, at: found, separator, missing: { [text.with([]), text.with([]), $0] })
    },
  ]

  private static func separator(_ value: TemplateValue) throws -> [UInt8] {
    let separator = try text(value, "split").bytes
    if separator.isEmpty { throw TemplateFault.runtime("empty separator") }
    return separator
  }

  private static func partition(
    _ text: TemplateText, at found: Int?, _ separator: [UInt8],
    missing: (TemplateText) -> [TemplateText]
  ) throws -> TemplateValue {
    let parts =
      found.map {
        [
          text.with(text.bytes[..<$0]), text.with(separator),
          text.with(text.bytes[($0 + separator.count)...]),
        ]
      } ?? missing(text)
    return .tuple(try TemplateList(parts.map { .string($0) }))
  }

  private static func split(
    _ name: String, _ object: TemplateValue, _ arguments: TemplateCallArguments,
    _ interpreter: TemplateInterpreter, fromRight: Bool
  ) throws -> TemplateValue {
    let values = try arguments.bind(name, ["sep", "maxsplit"])
    let limit = try values[1].map(integer) ?? -1
    let most = limit < 0 ? Int.max : limit
    let text = receiver(object)
    let meter = interpreter.meter
    try meter.read(8 * text.bytes.count)
    var parts: [TemplateValue] = []
    func add(_ start: Int, _ end: Int) throws {
      try meter.makeText(32 + end - start)
      parts.append(.string(text.with(text.bytes[start..<end])))
    }
    let separator = try (values[0] ?? .none).isNone ? nil : separator(values[0] ?? .none)
    if let separator, !fromRight {
      var start = 0
      while parts.count < most, let found = try text.find(separator, from: start, meter) {
        try add(start, found)
        start = found + separator.count
      }
      try add(start, text.bytes.count)
    } else if let separator {
      var end = text.bytes.count
      while parts.count < most, let found = try text.findLast(separator, to: end, meter) {
        try add(found + separator.count, end)
        end = found
      }
      try add(0, end)
    } else if !fromRight {
      try splitWords(text, most, add)
    } else {
      try splitWordsFromRight(text, most, add)
    }
    return .list(try TemplateList(fromRight ? parts.reversed() : parts))
  }

  private static func splitWords(
    _ text: TemplateText, _ most: Int, _ add: (Int, Int) throws -> Void
  ) throws {
    let bytes = text.bytes
    var start = bytes.skippingWhitespace(from: 0)
    var count = 0
    while start < bytes.count {
      if count == most { return try add(start, bytes.count) }
      var end = start
      while end < bytes.count, bytes.whitespaceLength(at: end) == 0 { end += 1 }
      try add(start, end)
      count += 1
      start = bytes.skippingWhitespace(from: end)
    }
  }

  private static func splitWordsFromRight(
    _ text: TemplateText, _ most: Int, _ add: (Int, Int) throws -> Void
  ) throws {
    let bytes = text.bytes
    var end = bytes.droppingWhitespace(before: bytes.count)
    var count = 0
    while end > 0 {
      if count == most { return try add(0, end) }
      var start = end
      while start > 0, bytes.whitespaceLength(before: start) == 0 { start -= 1 }
      try add(start, end)
      count += 1
      end = bytes.droppingWhitespace(before: start)
    }
  }

  /// The lines of a text, by all that Python's `splitlines` takes for a line break.
  static func lines(
    of text: TemplateText, keepsEnds: Bool, _ meter: TemplateMeter
  ) throws -> [TemplateText] {
    let bytes = text.bytes
    var lines: [TemplateText] = []
    var start = 0
    var index = 0
    while index < bytes.count {
      let length = breakLength(bytes, at: index)
      if length > 0 {
        try meter.makeText(32 + index - start)
        lines.append(text.with(bytes[start..<(keepsEnds ? index + length : index)]))
        start = index + length
      }
      index += max(1, length)
    }
    if start < bytes.count { lines.append(text.with(bytes[start...])) }
    return lines
  }

  private static func breakLength(_ bytes: [UInt8], at index: Int) -> Int {
    switch bytes[index] {
    case 0x0D: return index + 1 < bytes.count && bytes[index + 1] == 0x0A ? 2 : 1
    case 0x0A, 0x0B, 0x0C, 0x1C, 0x1D, 0x1E: return 1
    case 0xC2: return index + 1 < bytes.count && bytes[index + 1] == 0x85 ? 2 : 0
    case 0xE2:
      guard index + 2 < bytes.count, bytes[index + 1] == 0x80 else { return 0 }
      return bytes[index + 2] == 0xA8 || bytes[index + 2] == 0xA9 ? 3 : 0
    default: return 0
    }
  }
}
