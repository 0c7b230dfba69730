extension TemplateInterpreter {
  // MARK: Attributes and items

  /// `value.name`: an attribute if the type has one, else an item.
  func attribute(_ name: String, _ bytes: [UInt8], of value: TemplateValue) throws -> TemplateValue
  {
    if let attribute = try ownAttribute(name, of: value) { return attribute }
    if case .dictionary(let dictionary) = value, let item = dictionary[bytes] { return item }
    return Self.missing(name, of: value)
  }

  /// `value[key]`: an item if there is one, else an attribute.
  func item(_ key: TemplateValue, of value: TemplateValue) throws -> TemplateValue {
    if let item = try ownItem(key, of: value) { return item }
    guard case .string(let text) = key else {
      let name = try TemplatePrinter.representation(key, meter).string
      return .undefined(TemplateUndefined("\(value.objectName) has no element \(name)"))
    }
    let name = text.string
    return try ownAttribute(name, of: value) ?? Self.missing(name, of: value)
  }

  private static func missing(_ name: String, of value: TemplateValue) -> TemplateValue {
    .undefined(TemplateUndefined("'\(value.objectName)' has no attribute '\(name)'"))
  }

  private func ownItem(_ key: TemplateValue, of value: TemplateValue) throws -> TemplateValue? {
    switch value {
    case .undefined(let undefined): throw undefined.fault
    case .dictionary(let dictionary):
      guard let identity = try? TemplateKey(key, meter) else { return nil }
      return dictionary[identity]
    case .list(let list), .tuple(let list):
      return key.index.flatMap { Self.position($0, in: list.elements.count) }
        .map { list.elements[$0] }
    case .range(let range):
      return key.index.flatMap { Self.position($0, in: range.count) }.map { .integer(range[$0]) }
    case .string(let text):
      guard let index = key.index else { return nil }
      try meter.read(text.bytes.count)
      return Self.position(index, in: text.count).map { .string(text.slice($0, $0 + 1)) }
    default: return nil
    }
  }

  /// A place counted from either end, if there is one.
  private static func position(_ index: Int, in count: Int) -> Int? {
    let position = index < 0 ? index + count : index
    return position >= 0 && position < count ? position : nil
  }

  func ownAttribute(_ name: String, of value: TemplateValue) throws -> TemplateValue? {
    if name.hasPrefix("__"), name.hasSuffix("__"), !value.isUndefined {
      if case .dictionary(let dictionary) = value, dictionary[Array(name.utf8)] != nil {
        return nil
      }
      return unsafe(name, of: value)
    }
    switch value {
    case .undefined(let undefined): throw undefined.fault
    case .string: return try method(name, TemplateStringMethods.catalog[name], of: value)
    case .dictionary:
      if TemplateContainerMethods.changingDictionary.contains(name) {
        return unsafe(name, of: value)
      }
      return try method(name, TemplateContainerMethods.ofDictionary[name], of: value)
    case .list:
      if TemplateContainerMethods.changingList.contains(name) { return unsafe(name, of: value) }
      return try method(name, TemplateContainerMethods.ofList[name], of: value)
    case .tuple(let list):
      if list.isGroup, name == "grouper" { return list.elements[0] }
      if list.isGroup, name == "list" { return list.elements[1] }
      return name == "copy"
        ? nil : try method(name, TemplateContainerMethods.ofList[name], of: value)
    case .range(let range):
      switch name {
      case "start": return .integer(range.start)
      case "stop": return .integer(range.stop)
      case "step": return .integer(range.step)
      case "count", "index":
        return try method(name, TemplateContainerMethods.ofList[name], of: value)
      default: return nil
      }
    case .number(let number) where name == "is_integer":
      return .function(TemplateFunction(name) { _, _ in .bool(number.rounded() == number) })
    case .namespace(let namespace): return namespace[name]
    case .loop(let loop): return loop.attribute(name)
    case .function(let function): return try function.attribute?(name)
    default: return nil
    }
  }

  private func method(
    _ name: String, _ method: TemplateMethod?, of value: TemplateValue
  ) throws -> TemplateValue? {
    guard let method else { return nil }
    return .function(
      TemplateFunction(name, depth: try TemplateList.deeper(value.depth)) {
        interpreter, arguments in
        try method(interpreter, value, arguments)
      })
  }

  private func unsafe(_ name: String, of value: TemplateValue) -> TemplateValue {
    .undefined(
      TemplateUndefined("access to attribute '\(name)' of '\(value.typeName)' object is unsafe."))
  }

  // MARK: Iteration

  /// What a loop over the value visits.
  func elements(of value: TemplateValue) throws -> [TemplateValue] {
    switch value {
    case .undefined: return []
    case .list(let list), .tuple(let list): return list.elements
    case .dictionary(let dictionary): return dictionary.keys
    case .iterator(let iterator): return try iterator.remaining()
    case .view(let view):
      try meter.makeElements(4 * view.dictionary.count)
      return try view.elements()
    case .range(let range):
      try meter.makeElements(range.count)
      return (0..<range.count).map { .integer(range[$0]) }
    case .string(let text):
      try meter.makeElements(3 * text.count)
      return TemplateText(text.bytes).characters().map { .string($0) }
    default: throw TemplateFault.runtime("'\(value.typeName)' object is not iterable")
    }
  }

  /// Python's `len`.
  func length(of value: TemplateValue) throws -> Int {
    switch value {
    case .undefined: return 0
    case .string(let text):
      try meter.read(text.bytes.count)
      return text.count
    case .list(let list), .tuple(let list): return list.elements.count
    case .dictionary(let dictionary): return dictionary.count
    case .view(let view): return view.dictionary.count
    case .range(let range): return range.count
    case .loop(let loop): return loop.elements.count
    default: throw TemplateFault.runtime("object of type '\(value.typeName)' has no len()")
    }
  }

  /// The attribute of an element that filters such as `map` and `sort` name by a path with dots.
  func pathAttribute(
    _ path: TemplateValue, of value: TemplateValue, default fallback: TemplateValue? = nil
  ) throws -> TemplateValue {
    guard case .string(let text) = path else {
      return path.isNone ? value : try substituted(item(path, of: value), fallback)
    }
    var value = value
    for part in text.string.split(separator: ".", omittingEmptySubsequences: false) {
      let isNumber = !part.isEmpty && part.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
      let key = isNumber ? Int(part).map(TemplateValue.integer) : nil
      value = try substituted(item(key ?? .text(String(part)), of: value), fallback)
    }
    return value
  }

  private func substituted(_ value: TemplateValue, _ fallback: TemplateValue?) -> TemplateValue {
    guard let fallback, !fallback.isNone, value.isUndefined else { return value }
    return fallback
  }

  // MARK: Slices

  func slice(
    _ value: TemplateValue, _ start: TemplateValue, _ stop: TemplateValue, _ step: TemplateValue
  ) throws -> TemplateValue {
    switch value {
    case .string(let text):
      try meter.read(2 * text.bytes.count)
      let slice = try TemplateSlice(start, stop, step, count: text.count)
      if slice.step == 1 {
        let part = text.slice(slice.start, slice.start + slice.count)
        try meter.makeText(part.bytes.count)
        return .string(part)
      }
      try meter.makeElements(3 * text.count)
      let characters = text.characters()
      return .string(text.with(slice.indices.flatMap { characters[$0].bytes }))
    case .list(let list): return .list(try sliced(list, start, stop, step))
    case .tuple(let list): return .tuple(try sliced(list, start, stop, step))
    case .range(let range):
      let slice = try TemplateSlice(start, stop, step, count: range.count)
      return .range(try range.sliced(slice))
    case .undefined(let undefined): throw undefined.fault
    default: throw TemplateFault.runtime("'\(value.typeName)' object is not subscriptable")
    }
  }

  private func sliced(
    _ list: TemplateList, _ start: TemplateValue, _ stop: TemplateValue, _ step: TemplateValue
  ) throws -> TemplateList {
    let slice = try TemplateSlice(start, stop, step, count: list.elements.count)
    try meter.makeElements(slice.count)
    return try TemplateList(slice.indices.map { list.elements[$0] })
  }
}

/// A Python slice of a sequence of known length.
struct TemplateSlice {
  let start: Int
  let stop: Int
  let step: Int
  let count: Int

  init(
    _ start: TemplateValue, _ stop: TemplateValue, _ step: TemplateValue, count length: Int
  ) throws {
    func bound(_ value: TemplateValue) throws -> Int? {
      if value.isNone { return nil }
      guard let index = value.index else {
        throw TemplateFault.runtime(
          "slice indices must be integers or None or have an __index__ method")
      }
      return index
    }
    // A longer step than this reaches one element as well.
    let wide = max(-(1 << 40), min(1 << 40, try bound(step) ?? 1))
    guard wide != 0 else { throw TemplateFault.runtime("slice step cannot be zero") }
    let (low, high) = wide > 0 ? (0, length) : (-1, length - 1)
    func clamped(_ value: Int?, _ missing: Int) -> Int {
      guard let value else { return missing }
      return max(low, min(high, value < 0 ? value + length : value))
    }
    let first = clamped(try bound(start), wide > 0 ? low : high)
    let last = clamped(try bound(stop), wide > 0 ? high : low)
    let distance = wide > 0 ? last - first : first - last
    self.start = first
    self.stop = last
    self.step = wide
    count = distance > 0 ? (distance - 1) / abs(wide) + 1 : 0
  }

  var indices: some Sequence<Int> {
    (0..<count).lazy.map { [start, step] in start + $0 * step }
  }
}
