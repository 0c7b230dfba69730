/// Filters that work on each element of a sequence: choosing, mapping, sorting, grouping.
extension TemplateFilters {
  static let selections: [String: Filter] = [
    "map": map,
    "select": { try select($0, $1, $2, keeps: true, byAttribute: false) },
    "reject": { try select($0, $1, $2, keeps: false, byAttribute: false) },
    "selectattr": { try select($0, $1, $2, keeps: true, byAttribute: true) },
    "rejectattr": { try select($0, $1, $2, keeps: false, byAttribute: true) },
    "sort": { interpreter, value, arguments in
      let values = try arguments.bind("sort", ["reverse", "case_sensitive", "attribute"])
      let elements = try interpreter.elements(of: value)
      let keys = try elements.map {
        try sortKey($0, values[2] ?? .none, isSensitive: values[1]?.isTrue ?? false, interpreter)
      }
      let order = try TemplateOperators.sortedOrder(
        of: keys, reversed: values[0]?.isTrue ?? false, interpreter.meter)
      return .list(try TemplateList(order.map { elements[$0] }))
    },
    "unique": { interpreter, value, arguments in
      let values = try arguments.bind("unique", ["case_sensitive", "attribute"])
      return try lazily(value, interpreter) { elements, add in
        var seen: Set<TemplateKey> = []
        for element in elements {
          let key = try key(
            element, values[1], isSensitive: values[0]?.isTrue ?? false, interpreter)
          if seen.insert(try TemplateKey(key, interpreter.meter)).inserted { add(element) }
        }
      }
    },
    "min": { try extreme($0, $1, $2, .less) },
    "max": { try extreme($0, $1, $2, .greater) },
    "groupby": groupBy,
  ]

  /// Makes what jinja2 computes element by element; a failure waits for the reader who gets there.
  private static func lazily(
    _ value: TemplateValue, _ interpreter: TemplateInterpreter,
    _ body: ([TemplateValue], (TemplateValue) -> Void) throws -> Void
  ) throws -> TemplateValue {
    var results: [TemplateValue] = []
    var pending: TemplateFault?
    do {
      let elements = try interpreter.elements(of: value)
      try interpreter.meter.makeElements(elements.count)
      try body(elements) { results.append($0) }
    } catch let fault as TemplateFault {
      if case .limit = fault { throw fault }
      pending = fault
    }
    return .iterator(try TemplateIterator(results, fault: pending))
  }

  private static let map: Filter = { interpreter, value, arguments in
    guard value.isTrue else { return .iterator(try TemplateIterator([])) }
    return try lazily(value, interpreter) { elements, add in
      if arguments.positional.isEmpty,
        let path = arguments.keyword.first(where: { $0.name == "attribute" })?.value
      {
        let known = try arguments.bind("map", ["attribute", "default"])
        for element in elements {
          try interpreter.meter.step()
          add(try interpreter.pathAttribute(path, of: element, default: known[1]))
        }
        return
      }
      guard case .string(let name)? = arguments.positional.first else {
        throw TemplateFault.runtime("map requires a filter argument")
      }
      guard let filter = catalog[name.string] else {
        throw TemplateFault.runtime("No filter named '\(name.string)'.")
      }
      var rest = arguments
      rest.positional.removeFirst()
      for element in elements {
        try interpreter.meter.step()
        add(try interpreter.nested { try filter(interpreter, element, rest) })
      }
    }
  }

  private static func select(
    _ interpreter: TemplateInterpreter, _ value: TemplateValue, _ arguments: TemplateCallArguments,
    keeps: Bool, byAttribute: Bool
  ) throws -> TemplateValue {
    guard value.isTrue else { return .iterator(try TemplateIterator([])) }
    return try lazily(value, interpreter) { elements, add in
      var rest = arguments
      var path = TemplateValue.none
      if byAttribute {
        guard !rest.positional.isEmpty else {
          throw TemplateFault.runtime("Missing parameter for attribute name")
        }
        path = rest.positional.removeFirst()
      }
      var test: TemplateTests.Test?
      if !rest.positional.isEmpty {
        let name = try plainText(rest.positional.removeFirst(), interpreter).string
        test = TemplateTests.catalog[name]
        if test == nil { throw TemplateFault.runtime("No test named '\(name)'.") }
      }
      for element in elements {
        try interpreter.meter.step()
        let tested = try byAttribute ? interpreter.pathAttribute(path, of: element) : element
        let passes = try test.map { try $0(interpreter, tested, rest) } ?? tested.isTrue
        if passes == keeps { add(element) }
      }
    }
  }

  // MARK: Keys

  private static func key(
    _ element: TemplateValue, _ path: TemplateValue?, isSensitive: Bool,
    default fallback: TemplateValue? = nil, _ interpreter: TemplateInterpreter
  ) throws -> TemplateValue {
    try interpreter.meter.step()
    let key = try interpreter.pathAttribute(path ?? .none, of: element, default: fallback)
    if case .string(let text) = key { try interpreter.meter.makeText(text.bytes.count) }
    return isSensitive ? key : ignoringCase(key)
  }

  /// The keys of an element by paths between commas.
  private static func sortKey(
    _ element: TemplateValue, _ path: TemplateValue, isSensitive: Bool,
    _ interpreter: TemplateInterpreter
  ) throws -> TemplateValue {
    guard case .string(let text) = path, text.bytes.contains(UInt8(ascii: ",")) else {
      // As a list of one, for equal keys need not have an order.
      return .list(try TemplateList([key(element, path, isSensitive: isSensitive, interpreter)]))
    }
    let keys = try text.string.split(separator: ",", omittingEmptySubsequences: false).map {
      try key(element, .text(String($0)), isSensitive: isSensitive, interpreter)
    }
    return .list(try TemplateList(keys))
  }

  private static func extreme(
    _ interpreter: TemplateInterpreter, _ value: TemplateValue, _ arguments: TemplateCallArguments,
    _ comparison: TemplateComparison
  ) throws -> TemplateValue {
    let values = try arguments.bind("min", ["case_sensitive", "attribute"])
    var best: (element: TemplateValue, key: TemplateValue)?
    for element in try interpreter.elements(of: value) {
      let key = try key(element, values[1], isSensitive: values[0]?.isTrue ?? false, interpreter)
      if let current = best,
        try !TemplateOperators.order(comparison, key, current.key, interpreter.meter)
      {
        continue
      }
      best = (element, key)
    }
    return best?.element
      ?? .undefined(TemplateUndefined("No aggregated item, sequence was empty."))
  }

  private static let groupBy: Filter = { interpreter, value, arguments in
    let values = try arguments.bind(
      "groupby", ["attribute", "default", "case_sensitive"], required: 1)
    let isSensitive = values[2]?.isTrue ?? false
    let elements = try interpreter.elements(of: value)
    let keys = try elements.map {
      try key($0, values[0], isSensitive: isSensitive, default: values[1], interpreter)
    }
    let order = try TemplateOperators.sortedOrder(of: keys, interpreter.meter)
    var groups: [(key: TemplateValue, elements: [TemplateValue])] = []
    for index in order {
      if let last = groups.last,
        try TemplateOperators.equal(last.key, keys[index], interpreter.meter)
      {
        groups[groups.count - 1].elements.append(elements[index])
      } else {
        groups.append((keys[index], [elements[index]]))
      }
    }
    try interpreter.meter.makeElements(8 * groups.count)
    return .list(
      try TemplateList(
        groups.map { group in
          // The key as the first element has it, not as it was compared.
          let name =
            try isSensitive
            ? group.key
            : interpreter.pathAttribute(
              values[0] ?? .none, of: group.elements[0], default: values[1])
          return .tuple(
            try TemplateList([name, .list(try TemplateList(group.elements))], isGroup: true))
        }))
  }
}
