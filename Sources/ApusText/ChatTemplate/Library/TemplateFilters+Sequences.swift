/// Filters over sequences as wholes.
extension TemplateFilters {
  static let sequences: [String: Filter] = [
    "length": length,
    "count": length,
    "default": fallback,
    "d": fallback,
    "first": { interpreter, value, _ in
      let missing = TemplateValue.undefined(
        TemplateUndefined("No first item, sequence was empty."))
      switch value {
      case .iterator(let iterator): return try iterator.next() ?? missing
      case .string(let text): return text.isEmpty ? missing : .text(text.slice(0, 1).bytes)
      default: return try interpreter.elements(of: value).first ?? missing
      }
    },
    "last": { interpreter, value, _ in
      if case .iterator = value {
        throw TemplateFault.runtime("'\(value.typeName)' object is not reversible")
      }
      if case .string(let text) = value, let last = text.scalars.last {
        return .string(text.with(Array(String(last).utf8)))
      }
      return try interpreter.elements(of: value).last
        ?? .undefined(TemplateUndefined("No last item, sequence was empty."))
    },
    "list": { interpreter, value, _ in
      .list(try TemplateList(interpreter.elements(of: value)))
    },
    "join": { interpreter, value, arguments in
      let values = try arguments.bind("join", ["d", "attribute"])
      var elements = try interpreter.elements(of: value)
      if let path = values[1], !path.isNone {
        elements = try elements.map { try interpreter.pathAttribute(path, of: $0) }
      }
      let separator = try plainText(values[0] ?? .text(""), interpreter)
      let texts = try elements.map { try plainText($0, interpreter) }
      return .text(try TemplateStringMethods.joined(texts, separator, interpreter.meter))
    },
    "reverse": { interpreter, value, _ in
      if case .string(let text) = value {
        try interpreter.meter.makeElements(3 * text.count)
        return .string(text.with(text.characters().reversed().flatMap(\.bytes)))
      }
      let elements: [TemplateValue] = try interpreter.elements(of: value).reversed()
      try interpreter.meter.makeElements(elements.count)
      if case .iterator = value { return .list(try TemplateList(elements)) }
      return .iterator(try TemplateIterator(elements))
    },
    "items": { interpreter, value, _ in
      switch value {
      case .undefined: return .iterator(try TemplateIterator([]))
      case .dictionary(let dictionary):
        try interpreter.meter.makeElements(4 * dictionary.count)
        return .iterator(try TemplateIterator(dictionary.items()))
      default:
        return .iterator(
          try TemplateIterator(
            [], fault: TemplateFault.runtime("Can only get item pairs from a mapping.")))
      }
    },
    "attr": { interpreter, value, arguments in
      let name = try arguments.bind("attr", ["name"], required: 1)[0] ?? .none
      let text = try TemplateStringMethods.text(name, "attr").string
      return try interpreter.ownAttribute(text, of: value)
        ?? .undefined(
          TemplateUndefined("'\(value.objectName)' has no attribute '\(text)'"))
    },
    "batch": batch,
    "slice": slice,
    "dictsort": { interpreter, value, arguments in
      let values = try arguments.bind("dictsort", ["case_sensitive", "by", "reverse"])
      guard case .dictionary(let dictionary) = value else {
        if case .undefined(let undefined) = value { throw undefined.fault }
        throw TemplateFault.runtime("'\(value.typeName)' object has no attribute 'items'")
      }
      let by = try values[1].map { try plainText($0, interpreter).string } ?? "key"
      guard by == "key" || by == "value" else {
        throw TemplateFault.runtime("You can only sort by either \"key\" or \"value\"")
      }
      let isSensitive = values[0]?.isTrue ?? false
      let keys = by == "key" ? dictionary.keys : dictionary.values
      let order = try TemplateOperators.sortedOrder(
        of: keys.map { isSensitive ? $0 : ignoringCase($0) }, reversed: values[2]?.isTrue ?? false,
        interpreter.meter)
      let items = try dictionary.items()
      return .list(try TemplateList(order.map { items[$0] }))
    },
  ]

  private static let length: Filter = { interpreter, value, arguments in
    _ = try arguments.bind("len", [])
    return .integer(try interpreter.length(of: value))
  }

  private static let fallback: Filter = { _, value, arguments in
    let values = try arguments.bind("default", ["default_value", "boolean"])
    let replaces = value.isUndefined || (values[1]?.isTrue ?? false) && !value.isTrue
    return replaces ? values[0] ?? .text("") : value
  }

  /// A text in lower case, everything else as it is: what sorting compares by default.
  static func ignoringCase(_ value: TemplateValue) -> TemplateValue {
    if case .string(let text) = value { .string(text.lowercased()) } else { value }
  }

  private static let batch: Filter = { interpreter, value, arguments in
    let values = try arguments.bind("batch", ["linecount", "fill_with"], required: 1)
    let width = try integer(values[0], default: 1)
    let elements = try interpreter.elements(of: value)
    try interpreter.meter.makeElements(4 * elements.count)
    var batches: [[TemplateValue]] = []
    for element in elements {
      if batches.isEmpty || batches[batches.count - 1].count == width { batches.append([]) }
      batches[batches.count - 1].append(element)
    }
    if let fill = values[1], !fill.isNone, let last = batches.last, last.count < width {
      try interpreter.meter.makeElements(width)
      batches[batches.count - 1] += Array(repeating: fill, count: width - last.count)
    }
    return .iterator(try TemplateIterator(batches.map { .list(try TemplateList($0)) }))
  }

  private static let slice: Filter = { interpreter, value, arguments in
    let values = try arguments.bind("slice", ["slices", "fill_with"], required: 1)
    let count = try integer(values[0], default: 1)
    let elements = try interpreter.elements(of: value)
    guard count != 0 else {
      throw TemplateFault.runtime("integer division or modulo by zero")
    }
    guard count > 0 else { return .iterator(try TemplateIterator([])) }
    try interpreter.meter.makeElements(elements.count)
    try interpreter.meter.makeText(96, times: count)
    var start = 0
    var slices: [TemplateValue] = []
    for number in 0..<count {
      let isLong = number < elements.count % count
      let end = start + elements.count / count + (isLong ? 1 : 0)
      var part = Array(elements[start..<end])
      if let fill = values[1], !fill.isNone, !isLong { part.append(fill) }
      slices.append(.list(try TemplateList(part)))
      start = end
    }
    return .iterator(try TemplateIterator(slices))
  }
}
