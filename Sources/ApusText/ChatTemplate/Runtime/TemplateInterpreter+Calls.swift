/// The values a function, filter or test is called with.
struct TemplateCallArguments {
  var positional: [TemplateValue] = []
  var keyword: [(name: String, value: TemplateValue)] = []

  /// The arguments by parameter; nil where none was given.
  func bind(
    _ function: String, _ names: [String], required: Int = 0
  ) throws -> [TemplateValue?] {
    guard positional.count <= names.count else {
      throw TemplateFault.runtime(
        "\(function)() takes at most \(names.count) arguments (\(positional.count) given)")
    }
    var values: [TemplateValue?] = positional
    values += Array(repeating: nil, count: names.count - positional.count)
    for (name, value) in keyword {
      guard let index = names.firstIndex(of: name) else {
        throw TemplateFault.runtime("\(function)() got an unexpected keyword argument '\(name)'")
      }
      if values[index] != nil {
        throw TemplateFault.runtime("\(function)() got multiple values for argument '\(name)'")
      }
      values[index] = value
    }
    for index in 0..<required where values[index] == nil {
      throw TemplateFault.runtime(
        "\(function)() missing 1 required positional argument: '\(names[index])'")
    }
    return values
  }

  /// The arguments of a function that takes none by name.
  func positional(_ function: String, _ counts: ClosedRange<Int>) throws -> [TemplateValue] {
    guard keyword.isEmpty else {
      throw TemplateFault.runtime("\(function)() takes no keyword arguments")
    }
    guard counts.contains(positional.count) else {
      throw TemplateFault.runtime(
        "\(function)() takes \(counts.upperBound) arguments (\(positional.count) given)")
    }
    return positional
  }
}

extension TemplateInterpreter {
  func evaluate(_ arguments: TemplateArguments) throws -> TemplateCallArguments {
    var result = TemplateCallArguments()
    for argument in arguments.positional { result.positional.append(try evaluate(argument)) }
    for argument in arguments.keyword {
      result.keyword.append((argument.name, try evaluate(argument.value)))
    }
    if let unpacked = arguments.unpackedPositional {
      let values = try elements(of: evaluate(unpacked))
      try meter.makeElements(values.count)
      result.positional += values
    }
    if let unpacked = arguments.unpackedKeyword {
      guard case .dictionary(let dictionary) = try evaluate(unpacked) else {
        throw TemplateFault.runtime("argument after ** must be a mapping")
      }
      try meter.makeElements(dictionary.count)
      for (key, value) in dictionary.entries {
        guard case .string(let name) = key else {
          throw TemplateFault.runtime("keywords must be strings")
        }
        if arguments.keyword.contains(where: { $0.name == name.string }) {
          throw TemplateFault.runtime("got multiple values for keyword argument '\(name.string)'")
        }
        result.keyword.append((name.string, value))
      }
    }
    return result
  }

  func call(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
    switch value {
    case .function(let function): return try function.body(self, arguments)
    case .undefined(let undefined): throw undefined.fault
    case .loop(let loop):
      let arguments = try arguments.positional("loop", 1...1)
      guard let recurse = loop.recurse else {
        throw TemplateFault.runtime(
          "The loop must have the 'recursive' marker to be called recursively.")
      }
      return try recurse(arguments[0])
    default: throw TemplateFault.runtime("'\(value.typeName)' object is not callable")
    }
  }

  func apply(_ filter: TemplateFilterCall, to value: TemplateValue) throws -> TemplateValue {
    guard let function = TemplateFilters.catalog[filter.name] else {
      throw TemplateFault.runtime("No filter named '\(filter.name)' found.")
    }
    return try function(self, value, evaluate(filter.arguments))
  }

  func test(_ test: TemplateFilterCall, _ value: TemplateValue) throws -> Bool {
    guard let function = TemplateTests.catalog[test.name] else {
      throw TemplateFault.runtime("No test named '\(test.name)' found.")
    }
    return try function(self, value, evaluate(test.arguments))
  }

  // MARK: Macros

  func makeMacro(_ macro: TemplateMacro) throws -> TemplateValue {
    let closure = try captureScope()
    return .function(
      TemplateFunction(
        macro.name ?? "", typeName: "Macro",
        attribute: { $0 == "name" ? macro.name.map { .text($0) } ?? TemplateValue.none : nil }
      ) { interpreter, arguments in
        try interpreter.invoke(macro, closure: closure, arguments)
      })
  }

  private func invoke(
    _ macro: TemplateMacro, closure: TemplateScope?, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    let inner = makeScope(macro.body, inside: closure)
    var arguments = arguments
    let given = try take(macro, &arguments, into: inner)
    let calledAt = line
    let text = try nested {
      try capture { try inScope(inner) { try run(macro, given, in: inner) } }.text
    }
    at(calledAt)
    try meter.makeText(text.count)
    return .text(text)
  }

  private func run(
    _ macro: TemplateMacro, _ given: [TemplateValue?], in scope: TemplateScope
  ) throws {
    for (parameter, value) in zip(macro.parameters, given) {
      scope[parameter.variable] = value ?? TemplateUndefined.variable(parameter.name)
    }
    for (parameter, value) in zip(macro.parameters, given) where value == nil {
      scope[parameter.variable] = try parameter.initial.map(evaluate) ?? missing(parameter.name)
    }
    _ = try execute(macro.body.statements)
  }

  private func missing(_ parameter: String) -> TemplateValue {
    .undefined(TemplateUndefined("parameter '\(parameter)' was not provided"))
  }

  /// Sorts arguments into parameters and the special variables, in jinja2's order.
  private func take(
    _ macro: TemplateMacro, _ arguments: inout TemplateCallArguments, into scope: TemplateScope
  ) throws -> [TemplateValue?] {
    let parameters = macro.parameters
    var given: [TemplateValue?] = Array(arguments.positional.prefix(parameters.count))
    for parameter in parameters.dropFirst(given.count) {
      given.append(arguments.removeKeyword(parameter.name))
    }
    if let caller = macro.caller {
      let value = arguments.removeKeyword("caller")
      scope[caller] =
        value.flatMap { $0.isNone ? nil : $0 }
        ?? .undefined(TemplateUndefined("No caller defined"))
    }
    let name = macro.name.map { "'\($0)'" } ?? "None"
    if let keywords = macro.keywords {
      let entries = arguments.keyword.map { (key: TemplateValue.text($0.name), value: $0.value) }
      scope[keywords] = .dictionary(try TemplateDictionary(entries, meter))
    } else if let extra = arguments.keyword.first {
      throw TemplateFault.runtime(
        arguments.keyword.contains { $0.name == "caller" }
          ? "macro \(name) was invoked with two values for the special caller argument. "
            + "This is most likely a bug."
          : "macro \(name) takes no keyword argument '\(extra.name)'")
    }
    if let variadic = macro.variadic {
      scope[variadic] = .tuple(
        try TemplateList(Array(arguments.positional.dropFirst(parameters.count))))
    } else if arguments.positional.count > parameters.count {
      throw TemplateFault.runtime(
        "macro \(name) takes not more than \(parameters.count) argument(s)")
    }
    return given
  }

  func executeCall(_ block: TemplateCallBlock) throws {
    let caller = try makeMacro(block.caller)
    let function = try evaluate(block.function)
    var arguments = try evaluate(block.arguments)
    arguments.keyword.append(("caller", caller))
    try writeText(call(function, arguments))
  }
}

extension TemplateCallArguments {
  fileprivate mutating func removeKeyword(_ name: String) -> TemplateValue? {
    guard let index = keyword.firstIndex(where: { $0.name == name }) else { return nil }
    return keyword.remove(at: index).value
  }
}
