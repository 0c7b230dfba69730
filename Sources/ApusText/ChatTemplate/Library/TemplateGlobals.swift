/// The names every template can use.
enum TemplateGlobals {
  static func value(_ name: String) -> TemplateValue? {
    guard let body = catalog[name] else { return nil }
    return .function(TemplateFunction(name, typeName: "function", body: body))
  }

  private static let catalog:
    [String: @Sendable (TemplateInterpreter, TemplateCallArguments) throws -> TemplateValue] = [
      "range": range,
      "dict": dictionary,
      "namespace": namespace,
      "cycler": cycler,
      "joiner": joiner,
      "raise_exception": raise,
      "strftime_now": formattedDate,
    ]

  private static func range(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    let bounds = try arguments.positional("range", 1...3).map { value in
      guard let index = value.index else {
        if case .undefined(let undefined) = value { throw undefined.fault }
        throw TemplateFault.runtime(
          "'\(value.typeName)' object cannot be interpreted as an integer")
      }
      return index
    }
    return .range(
      try bounds.count == 1
        ? TemplateRange(start: 0, stop: bounds[0], step: 1)
        : TemplateRange(start: bounds[0], stop: bounds[1], step: bounds.count > 2 ? bounds[2] : 1))
  }

  /// The entries that Python's `dict(...)` makes of its arguments.
  private static func entries(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> [(key: TemplateValue, value: TemplateValue)] {
    guard arguments.positional.count <= 1 else {
      throw TemplateFault.runtime(
        "dict expected at most 1 argument, got \(arguments.positional.count)")
    }
    var entries: [(key: TemplateValue, value: TemplateValue)] = []
    if let source = arguments.positional.first {
      switch source {
      case .undefined(let undefined): throw undefined.fault
      case .dictionary(let dictionary): entries = dictionary.entries
      default:
        entries = try interpreter.elements(of: source).map { element in
          let pair = try interpreter.elements(of: element)
          guard pair.count == 2 else {
            throw TemplateFault.runtime("dictionary update sequence element is not a pair")
          }
          return (pair[0], pair[1])
        }
      }
    }
    entries += arguments.keyword.map { (.text($0.name), $0.value) }
    try interpreter.meter.makeElements(4 * entries.count)
    return entries
  }

  private static func dictionary(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    .dictionary(try TemplateDictionary(entries(interpreter, arguments), interpreter.meter))
  }

  private static func namespace(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    let namespace = try interpreter.makeNamespace()
    for (key, value) in try entries(interpreter, arguments) {
      guard case .string(let name) = key else { continue }
      namespace[try checkedName(name.string)] = value
    }
    return .namespace(namespace)
  }

  /// A name that may be set on a namespace.
  static func checkedName(_ name: String) throws -> String {
    guard name.utf8.first != UInt8(ascii: "_") else {
      throw TemplateFault.runtime(
        "Chat templates cannot store underscore-prefixed attributes on a namespace, but got "
          + "'\(name)'. Please rename the attribute.")
    }
    return name
  }

  private static func cycler(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    let items = try TemplateList(arguments.positional)
    guard !items.elements.isEmpty else {
      throw TemplateFault.runtime("at least one item has to be provided")
    }
    var position = 0
    func method(_ name: String, _ body: @escaping () -> TemplateValue) -> TemplateValue {
      .function(TemplateFunction(name, depth: items.depth) { _, _ in body() })
    }
    return .function(
      TemplateFunction(
        "cycler", typeName: "Cycler", depth: items.depth,
        attribute: { name in
          switch name {
          case "current": items.elements[position]
          case "next":
            method(name) {
              defer { position = (position + 1) % items.elements.count }
              return items.elements[position]
            }
          case "reset":
            method(name) {
              position = 0
              return .none
            }
          default: nil
          }
        }
      ) { _, _ in throw TemplateFault.runtime("'Cycler' object is not callable") })
  }

  private static func joiner(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    let separator = try arguments.bind("joiner", ["sep"])[0] ?? .text(", ")
    var isUsed = false
    return .function(
      TemplateFunction(
        "joiner", typeName: "Joiner", depth: try TemplateList.deeper(separator.depth)
      ) { _, _ in
        defer { isUsed = true }
        return isUsed ? separator : .text("")
      })
  }

  private static func raise(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    let message = try arguments.bind("raise_exception", ["message"], required: 1)[0] ?? .none
    throw TemplateFault.raised(try TemplatePrinter.text(message, interpreter.meter).string)
  }

  private static func formattedDate(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    let format = try arguments.bind("strftime_now", ["format"], required: 1)[0] ?? .none
    guard case .string(let text) = format else {
      throw TemplateFault.runtime("strftime() argument 1 must be str, not \(format.typeName)")
    }
    try interpreter.meter.makeText(text.bytes.count, times: 16)
    return .text(interpreter.now().formatted(text.string))
  }
}
