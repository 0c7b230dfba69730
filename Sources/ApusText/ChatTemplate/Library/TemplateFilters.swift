/// The filters by name.
enum TemplateFilters {
  typealias Filter = TemplateMethod

  static let catalog: [String: Filter] =
    texts.merging(sequences) { $1 }.merging(selections) { $1 }.merging(numbers) { $1 }

  // MARK: Arguments

  /// jinja2's `soft_str`: a text as it is, everything else as `str` prints it.
  static func softText(
    _ value: TemplateValue, _ interpreter: TemplateInterpreter
  ) throws -> TemplateText {
    if case .string(let text) = value { return text }
    return try TemplatePrinter.text(value, interpreter.meter)
  }

  static func plainText(
    _ value: TemplateValue, _ interpreter: TemplateInterpreter
  ) throws -> TemplateText {
    try TemplatePrinter.text(value, interpreter.meter)
  }

  static func integer(_ value: TemplateValue?, default fallback: Int) throws -> Int {
    guard let value else { return fallback }
    if case .undefined(let undefined) = value { throw undefined.fault }
    return try TemplateStringMethods.integer(value)
  }

  private static func mapText(
    _ body: @escaping @Sendable (TemplateText) -> TemplateText
  ) -> Filter {
    { interpreter, value, arguments in
      _ = try arguments.bind("filter", [])
      let text = try softText(value, interpreter)
      try interpreter.meter.makeText(text.bytes.count)
      try interpreter.meter.readScalars(of: text)
      return .string(body(text))
    }
  }

  // MARK: Texts

  private static let texts: [String: Filter] = [
    "upper": mapText { $0.uppercased() },
    "lower": mapText { $0.lowercased() },
    "capitalize": mapText { $0.capitalized() },
    "title": mapText { $0.titledWords() },
    "string": mapText { $0 },
    "safe": { interpreter, value, _ in
      .string(TemplateText(try plainText(value, interpreter).bytes, isMarkup: true))
    },
    "escape": escape,
    "e": escape,
    "forceescape": { interpreter, value, _ in
      .string(try TemplateOperators.escaped(plainText(value, interpreter), interpreter.meter))
    },
    "trim": { interpreter, value, arguments in
      let characters = try arguments.bind("trim", ["chars"])[0] ?? .none
      return .string(
        try TemplateStringMethods.strip(
          softText(value, interpreter), characters, interpreter.meter))
    },
    "center": { interpreter, value, arguments in
      let width = try integer(arguments.bind("center", ["width"])[0], default: 80)
      let text = try softText(value, interpreter)
      let missing = max(0, width - text.count)
      let (left, right) = TemplateStringMethods.center(missing, width)
      return .string(
        try TemplateStringMethods.padded(text, left: left, right: right, interpreter.meter))
    },
    "replace": { interpreter, value, arguments in
      let values = try arguments.bind("replace", ["old", "new", "count"], required: 2)
      let old = try plainText(values[0] ?? .none, interpreter)
      let new = try plainText(values[1] ?? .none, interpreter)
      let count = try (values[2] ?? .none).isNone ? -1 : integer(values[2], default: -1)
      return .string(
        try TemplateStringMethods.replace(
          plainText(value, interpreter), old.bytes, new.bytes, count, interpreter.meter))
    },
    "format": { interpreter, value, arguments in
      let format = try softText(value, interpreter)
      if arguments.keyword.isEmpty {
        let values = try TemplateList(arguments.positional)
        return try TemplatePercentFormat.apply(format, .tuple(values), interpreter)
      }
      guard arguments.positional.isEmpty else {
        throw TemplateFault.runtime(
          "can't handle positional and keyword arguments at the same time")
      }
      let entries = arguments.keyword.map { (key: TemplateValue.text($0.name), value: $0.value) }
      return try TemplatePercentFormat.apply(
        format, .dictionary(TemplateDictionary(entries, interpreter.meter)), interpreter)
    },
    "indent": indent,
    "truncate": truncate,
    "striptags": { interpreter, value, _ in
      .string(try TemplateMarkup.stripTags(plainText(value, interpreter), interpreter.meter))
    },
    "urlencode": { interpreter, value, _ in try TemplateMarkup.encodeURL(value, interpreter) },
    "xmlattr": { interpreter, value, arguments in
      let spaced = try arguments.bind("xmlattr", ["autospace"])[0]?.isTrue ?? true
      return try TemplateMarkup.attributes(value, spaced: spaced, interpreter)
    },
    "wordcount": { interpreter, value, _ in
      let text = try softText(value, interpreter)
      try interpreter.meter.read(32 * text.bytes.count)
      var count = 0
      var isInWord = false
      for scalar in text.scalars {
        let isWord = scalar.isPythonWord
        if isWord, !isInWord { count += 1 }
        isInWord = isWord
      }
      return .integer(count)
    },
    "pprint": { interpreter, value, _ in
      .string(try TemplatePrinter.representation(value, interpreter.meter))
    },
    "tojson": toJSON,
  ]

  private static let escape: Filter = { interpreter, value, _ in
    .string(try TemplateOperators.escaped(softText(value, interpreter), interpreter.meter))
  }

  private static let indent: Filter = { interpreter, value, arguments in
    let values = try arguments.bind("indent", ["width", "first", "blank"])
    let meter = interpreter.meter
    guard case .string(let text) = value else {
      if case .undefined(let undefined) = value { throw undefined.fault }
      throw TemplateFault.runtime("indent takes a string, not \(value.typeName)")
    }
    var margin: [UInt8]
    if case .string(let width)? = values[0] {
      margin = width.bytes
    } else {
      let width = try integer(values[0], default: 4)
      try meter.makeText(width)
      margin = [UInt8](repeating: 0x20, count: max(0, width))
    }
    let indentsBlank = values[2]?.isTrue ?? false
    let lines = try TemplateStringMethods.lines(
      of: text.with(text.bytes + [0x0A]), keepsEnds: false, meter)
    try meter.makeText(margin.count, times: lines.count)
    try meter.makeText(text.bytes.count)
    var bytes = values[1]?.isTrue ?? false ? margin : []
    for (index, line) in lines.enumerated() {
      if index > 0 {
        bytes.append(0x0A)
        if indentsBlank || !line.isEmpty { bytes += margin }
      }
      bytes += line.bytes
    }
    return .string(text.with(bytes))
  }

  private static let truncate: Filter = { interpreter, value, arguments in
    let values = try arguments.bind("truncate", ["length", "killwords", "end", "leeway"])
    let count = try interpreter.length(of: value)
    let length = try integer(values[0], default: 255)
    let end =
      try values[2].map { try TemplateStringMethods.text($0, "truncate") } ?? TemplateText("...")
    let leeway = try (values[3] ?? .none).isNone ? 5 : integer(values[3], default: 5)
    guard length >= end.count else {
      throw TemplateFault.runtime("expected length >= \(end.count), got \(length)")
    }
    guard leeway >= 0 else {
      throw TemplateFault.runtime("expected leeway >= 0, got \(leeway)")
    }
    let (limit, overflow) = length.addingReportingOverflow(leeway)
    if overflow || count <= limit { return value }
    guard case .string(let text) = value else {
      throw TemplateFault.runtime("truncate takes a string, not \(value.typeName)")
    }
    try interpreter.meter.makeText(text.bytes.count)
    var kept = text.slice(0, length - end.count)
    if !(values[1]?.isTrue ?? false),
      let space = try kept.findLast([0x20], to: kept.bytes.count, interpreter.meter)
    {
      kept = kept.with(kept.bytes[..<space])
    }
    return .string(kept.with(kept.bytes + end.bytes))
  }

  private static let toJSON: Filter = { interpreter, value, arguments in
    let values = try arguments.bind(
      "tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
    var indent: [UInt8]?
    switch values[1] ?? .none {
    case .none: break
    case .string(let text): indent = text.bytes
    case let value:
      guard let width = value.index else {
        throw TemplateFault.runtime(
          "can't multiply sequence by non-int of type '\(value.typeName)'")
      }
      try interpreter.meter.makeText(max(0, width))
      indent = [UInt8](repeating: 0x20, count: max(0, width))
    }
    var separators: (item: [UInt8], key: [UInt8])?
    if let value = values[2], !value.isNone {
      let pair = try interpreter.elements(of: value)
      guard pair.count == 2 else {
        throw TemplateFault.runtime("separators must be a pair")
      }
      separators = (
        try TemplateStringMethods.text(pair[0], "tojson").bytes,
        try TemplateStringMethods.text(pair[1], "tojson").bytes
      )
    }
    var writer = TemplateJSONWriter(
      interpreter.meter, isASCII: values[0]?.isTrue ?? false, sortsKeys: values[3]?.isTrue ?? false,
      indent: indent, separators: separators)
    return .string(try writer.text(of: value))
  }
}
