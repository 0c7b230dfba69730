/// A method: the interpreter, the object, the arguments.
typealias TemplateMethod =
  @Sendable (TemplateInterpreter, TemplateValue, TemplateCallArguments) throws -> TemplateValue

/// The methods of dictionaries, lists and tuples; those that would change them are refused.
enum TemplateContainerMethods {
  static let changingList: Set<String> = [
    "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove",
  ]
  static let changingDictionary: Set<String> = ["clear", "pop", "popitem", "setdefault", "update"]

  static let ofDictionary: [String: TemplateMethod] = [
    "keys": { _, object, arguments in try view(.keys, of: object, arguments) },
    "values": { _, object, arguments in try view(.values, of: object, arguments) },
    "items": { _, object, arguments in try view(.items, of: object, arguments) },
    "copy": { _, object, arguments in
      _ = try arguments.positional("copy", 0...0)
      return object
    },
    "get": { interpreter, object, arguments in
      let arguments = try arguments.positional("get", 1...2)
      let fallback = arguments.count > 1 ? arguments[1] : .none
      guard case .dictionary(let dictionary) = object else { return fallback }
      return dictionary[try TemplateKey(arguments[0], interpreter.meter)] ?? fallback
    },
  ]

  private static func view(
    _ kind: TemplateView.Kind, of object: TemplateValue, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    _ = try arguments.positional(kind.rawValue, 0...0)
    guard case .dictionary(let dictionary) = object else { return .none }
    return .view(TemplateView(kind, of: dictionary))
  }

  static let ofList: [String: TemplateMethod] = [
    "copy": { _, object, arguments in
      _ = try arguments.positional("copy", 0...0)
      return object
    },
    "count": { interpreter, object, arguments in
      let value = try arguments.positional("count", 1...1)[0]
      var count = 0
      for element in try interpreter.elements(of: object) {
        try interpreter.meter.step()
        if try TemplateOperators.equal(element, value, interpreter.meter) { count += 1 }
      }
      return .integer(count)
    },
    "index": { interpreter, object, arguments in
      let arguments = try arguments.positional("index", 1...3)
      let elements = try interpreter.elements(of: object)
      let slice = try TemplateSlice(
        arguments.count > 1 ? arguments[1] : .none, arguments.count > 2 ? arguments[2] : .none,
        .none, count: elements.count)
      for index in slice.indices {
        try interpreter.meter.step()
        if try TemplateOperators.equal(elements[index], arguments[0], interpreter.meter) {
          return .integer(index)
        }
      }
      throw TemplateFault.runtime("the value is not in the \(object.typeName)")
    },
  ]
}
